"""Suggestions for callers of an API path that does not exist."""

import difflib
from functools import cache

from django.conf import settings
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

API_PREFIX = "v1"
_LONGEST = 200
_ALIKE = 0.75


def nothing_at(path: str) -> str:
    """Return the message for an unknown path, given with or without its first slash."""
    meant = _nearest_path(path)
    hint = "" if meant is None else f" Did you mean {meant}?"
    return f"There is nothing at this address.{hint}"


def _nearest_path(path: str) -> str | None:
    """Return the path without a wrong beginning, if that exists, or else the nearest path.

    Examples are `/images/generations`, `/v1/v1/models` and `/v1/images/edits/images/edits`.
    """
    parts = [part for part in path[:_LONGEST].split("/") if part and part != API_PREFIX]
    tails = ["/".join(["", API_PREFIX, *parts[first:]]) for first in range(len(parts))]
    there = next(filter(_is_there, tails), None)
    if there is not None or not tails:
        return there
    matches = difflib.get_close_matches(tails[0], _api_paths(), n=1, cutoff=_ALIKE)
    return matches[0] if matches else None


def _is_there(path: str) -> bool:
    try:
        resolve(path, settings.API_URLCONF)
    except Resolver404:
        return False
    return True


@cache
def _api_paths() -> list[str]:
    """Return the API's paths without a name or id in them."""
    apps = [
        entry
        for entry in get_resolver(settings.API_URLCONF).url_patterns
        if isinstance(entry, URLResolver) and str(entry.pattern) == f"{API_PREFIX}/"
    ]
    pages = [page for app in apps for page in app.url_patterns if isinstance(page, URLPattern)]
    return [f"/{API_PREFIX}/{page.pattern}" for page in pages if "<" not in str(page.pattern)]
