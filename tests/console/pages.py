"""Pages listed from the URL map, so that no new one is forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
from django.urls import URLPattern, URLResolver, get_resolver

from pictor.kit.words import clock
from tests.stack.servers import Stack

NOT_PAGES = {
    *("theme/", "favicon.ico", "status.json", "status/rss/", "openapi.json", "openapi.json/"),
    *("terms/accept/", "invite/<str:token>/", "open/<str:token>/", "workspaces/open/"),
}
"""Addresses without a page of their own: actions, files, and links that need a token."""
DOORS = ("accounts/login/", "accounts/signup/", "accounts/password/reset/")
"""Pages of the sign-in library that a stranger sees."""


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


@dataclass(frozen=True)
class Place:
    """The demo workspace, with generations and a key to show."""

    tenant: str
    generation: str
    key: str
    endpoint: str
    delivery: str
    cookies: list[dict[str, object]]

    def path(self, name: str) -> str:
        """The path of a page; for a generation's or key's page, of this one."""
        routes = _patterns(get_resolver("console.workspace.urls"))
        route = next(route for route, one in routes if one.name == name)
        for word, value in (
            ("tenant", self.tenant),
            ("generation", self.generation),
            ("key", self.key),
            ("endpoint", self.endpoint),
            ("delivery", self.delivery),
            ("number", f"{clock.now():%Y-%m}"),
        ):
            route = route.replace(f"<str:{word}>", value)
        return f"/console/{route}" + ("?all=1" if name == "choose" else "")


def new_key(stack: Stack) -> tuple[str, str]:
    """Make an unused key; return its id and name."""
    name = f"key {uuid4().hex[:8]}"
    answer = httpx.post(
        f"{stack.base_url}/v1/api_keys",
        headers={"Authorization": f"Bearer {stack.api_key}"},
        json={"name": name},
        trust_env=False,
    )
    return answer.json()["id"], name
