"""The operator's console as somebody finds it who follows its links: a page of each kind."""

import re
import time
from html import unescape
from urllib.parse import urlsplit

import httpx

START = "/ops/"
FILES = (".json", ".csv", "format=csv")
_LINK = re.compile(r'(?:href|<form method="get" action)="([^"]*)"')
_OF_ONE = re.compile(r"/[^/]*\d[^/]*(?=/)")
"""A part of a path that names one of many: its id, its number."""


def pages_found(client: httpx.Client, mode: str = "") -> dict[str, str]:
    """A path for each kind of page that links lead to, from the console's first one on.

    They are by their paths with `one` for what names one of many: /ops/channels/one/.

    Args:
        client: of somebody of staff, at the site.
        mode: `test` or `demo`, in which every page is opened; live without one.
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
    """The page, once one is let in: a person looks at five a second and no more."""
    while True:
        answer = client.get(path, headers=headers)
        if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            return answer
        time.sleep(int(answer.headers["retry-after"]))  # the pace that the answer asks for


def _in_mode(path: str, mode: str) -> str:
    if not mode or "mode=" in path:
        return path
    return f"{path}{'&' if '?' in path else '?'}mode={mode}"
