"""Fetch a result by its url, into a spool. A repeated fetch is free, so a failure is retried.

Addresses come from the vendor, so the SSRF guard checks each one, redirects included; by default
none gets our credential. The caller's deadline is the only one for all tries together.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

from generation.channels.base import MAX_IMAGE_BYTES
from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.outbound.egress import joined
from pictor.kit.outbound.http import BodyTooLarge, EgressRefused, HttpError, HttpPool
from pictor.kit.running import retries

READ_SECONDS = 30.0

MAX_REDIRECTS = 3
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_BARE = re.compile(r"[^!-~]+")
"""Characters to be escaped in an address: white space and letters that are not ASCII."""

_again = retries.calls(tries=5, pause_seconds=0.5, longest_pause_seconds=4.0)
"""A bucket may deny for seconds that it has an object it was just given."""


class NothingThere(HttpError):
    """An answer without a body of the image, for now."""


def _no_headers(_: str) -> Mapping[str, str]:
    return {}


async def download(
    url: str,
    *,
    base: str,
    http: HttpPool,
    new_spool: Callable[[], SpoolFile],
    headers_for: Callable[[str], Mapping[str, str]] = _no_headers,
) -> SpoolFile | None:
    """The bytes at the url, at most MAX_IMAGE_BYTES; None if they cannot be fetched.

    Args:
        url: as the vendor gave it.
        base: the address of which a relative url is a part.
        http: the event loop's clients.
        new_spool: makes a spool for each try. Its SpoolError is raised unchanged.
        headers_for: the headers for an address.
    """
    fetch = partial(_fetch, http=http, new_spool=new_spool, headers_for=headers_for)
    try:
        return await _again(_may_pass, fetch, _address(url, base))
    except HttpError:
        return None


def _may_pass(error: Exception) -> bool:
    # Waiting makes neither an address public nor a body smaller.
    return isinstance(error, HttpError) and not isinstance(error, EgressRefused | BodyTooLarge)


def _address(url: str, base: str) -> str:
    """The whole address, escaped. Raises EgressRefused for what is no url."""
    try:
        return _BARE.sub(lambda bare: quote(bare[0]), joined(base, url))
    except ValueError:
        raise EgressRefused("not a url that may be called") from None


async def _fetch(
    url: str,
    redirects: int = MAX_REDIRECTS,
    *,
    http: HttpPool,
    new_spool: Callable[[], SpoolFile],
    headers_for: Callable[[str], Mapping[str, str]],
) -> SpoolFile:
    headers = headers_for(url)
    async with http.exchange(
        "GET", url, headers=headers, read_timeout_seconds=READ_SECONDS
    ) as answer:
        if answer.status in REDIRECT_STATUSES and redirects:
            there = _address(answer.headers.get("location", ""), url)
            return await _fetch(
                there, redirects - 1, http=http, new_spool=new_spool, headers_for=headers_for
            )
        if answer.status != HTTPStatus.OK:
            raise NothingThere(f"HTTP {answer.status}")
        spool = new_spool()
        async for chunk in answer.chunks(MAX_IMAGE_BYTES):
            spool.write(chunk)
    if not spool.size:
        raise NothingThere("an empty body")
    return spool
