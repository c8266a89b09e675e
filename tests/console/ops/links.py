"""The operator's console as somebody finds it who follows its links: a page of each kind."""

import re
from collections.abc import Iterable
from html import unescape
from urllib.parse import urlsplit

import httpx
from django.urls import Resolver404, resolve, reverse

from tests.servers import Stack

START = "/ops/"
FILES = (".json", ".csv", "format=csv")
_LINK = re.compile(r'(?:href|<form method="get" action)="([^"]*)"')
_MOST = 200
"""Addresses that are opened at most, one or two of each kind."""


def pages_by_name(
    stack: Stack, cookies: list[dict[str, object]], query: str = ""
) -> dict[str, str]:
    """A path for each kind of page that links lead to, by its name in the URL map.

    Args:
        stack: where it runs.
        cookies: of somebody of staff.
        query: of the page that is begun at, such as ?mode=demo, which its links keep.
    """
    jar = {str(one["name"]): str(one["value"]) for one in cookies}
    found: dict[str, str] = {}
    with httpx.Client(base_url=stack.base_url, cookies=jar, trust_env=False) as client:
        ahead = [START + query]
        while ahead and len(found) < _MOST:
            path = ahead.pop(0)
            name = _name_of(path)
            if name is None or name in found or path.endswith(FILES):
                continue
            answer = client.get(path, timeout=30)
            if answer.status_code == httpx.codes.NOT_FOUND:
                continue
            found[name] = path
            links = [urlsplit(unescape(link)) for link in _LINK.findall(answer.text)]
            ahead += [
                link._replace(scheme="", netloc="", fragment="").geturl()
                for link in links
                if link.path.startswith(START)
            ]
    return found


def beside(found: dict[str, str], name: str, parts: Iterable[str]) -> str | None:
    """The page of that name about a thing that another page is about; links lead there at times."""
    for path in found.values():
        kwargs = resolve(urlsplit(path).path).kwargs
        if kwargs and kwargs.keys() == set(parts):
            return reverse(f"ops:{name}", kwargs=kwargs)
    return None


def _name_of(path: str) -> str | None:
    try:
        return resolve(urlsplit(path).path).url_name
    except Resolver404:
        return None
