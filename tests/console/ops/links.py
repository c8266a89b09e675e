"""The operator's console crawled by its links: a page of each kind."""

import re
import time
from html import unescape
from urllib.parse import urlsplit

import httpx

START = "/ops/"
FILES = (".json", ".csv", ".toml", "format=csv")
_LINK = re.compile(r'(?:href|<form method="get" action)="([^"]*)"')
_OF_ONE = re.compile(r"/[^/]*\d[^/]*(?=/)")
"""A part of a path with an id or number."""


def pages_found(client: httpx.Client, mode: str = "") -> dict[str, str]:
    """Return a path for each kind of page reachable by links from the console's first page.

    Keys are paths with `one` in place of ids and numbers: /ops/channels/one/.

    Args:
        client: of a member of staff, at the site.
        mode: `test` or `demo` for every page; without one, live.
    """
    found: dict[str, str] = {}
    ahead = [START]
    while ahead:
        path = ahead.pop(0)
        kind = _OF_ONE.sub("/one", urlsplit(path).path)
        if kind in found or path.endswith(FILES):
            continue
        path = _in_mode(path, mode)
        answer = opened(client, path)
        if answer.status_code != httpx.codes.OK:
            continue
        found[kind] = path
        links = [urlsplit(unescape(link)) for link in _LINK.findall(answer.text)]
        ahead += [
            link._replace(scheme="", netloc="", fragment="").geturl()
            for link in links
            if link.path.startswith(START)
        ]
    return found


def opened(client: httpx.Client, path: str, **headers: str) -> httpx.Response:
    """Get the page, waiting when refused: staff may open five pages a second."""
    while True:
        answer = client.get(path, headers=headers)
        if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            return answer
        time.sleep(int(answer.headers["retry-after"]))  # the pause that the answer asks for


def _in_mode(path: str, mode: str) -> str:
    if not mode or "mode=" in path:
        return path
    return f"{path}{'&' if '?' in path else '?'}mode={mode}"
