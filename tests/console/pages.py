"""The pages, listed from the URL map, so that a new one cannot be forgotten."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

NOT_PAGES = {
    *("theme/", "favicon.ico", "status.json", "status/rss/"),
    *("terms/accept/", "invite/<str:token>/"),
}
"""What answers with no page of its own: actions, files, and what needs an invitation."""
DOORS = ("accounts/login/", "accounts/signup/", "accounts/password/reset/")
"""The library's pages that a stranger sees."""


def public_paths() -> list[str]:
    """Every path of the public pages."""
    found = [
        path
        for path, pattern in _patterns(get_resolver())
        if pattern.callback.__module__.startswith(("console.site", "console.people"))
        and path not in NOT_PAGES
    ]
    return sorted(f"/{path}" for path in (*found, *DOORS))


def _patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _patterns(entry, route)
        else:
            yield route, entry
