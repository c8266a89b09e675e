"""Fetch a result by its url, into a spool. A repeated fetch is free, so a failure is retried.

Addresses come from the vendor, so the SSRF guard checks each one, redirects included, and our
credential is not sent. The caller's deadline is the only one for all tries together.
"""

import re
from collections.abc import Callable
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


async def download(
    url: str, *, base: str, http: HttpPool, new_spool: Callable[[], SpoolFile]
) -> SpoolFile | None:
    """The bytes at the url, at most MAX_IMAGE_BYTES; None if they cannot be fetched.

    Args:
        url: as the vendor gave it.
        base: the address of which a relative url is a part.
        http: the event loop's clients.
        new_spool: makes a spool for each try. Its SpoolError is raised unchanged.
    """
    try:
        return await _again(_may_pass, _fetch, _address(url, base), http, new_spool)
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
    http: HttpPool,
    new_spool: Callable[[], SpoolFile],
    redirects: int = MAX_REDIRECTS,
) -> SpoolFile:
    async with http.exchange("GET", url, read_timeout_seconds=READ_SECONDS) as answer:
        if answer.status in REDIRECT_STATUSES and redirects:
            there = _address(answer.headers.get("location", ""), url)
            return await _fetch(there, http, new_spool, redirects - 1)
        if answer.status != HTTPStatus.OK:
            raise NothingThere(f"HTTP {answer.status}")
        spool = new_spool()
        async for chunk in answer.chunks(MAX_IMAGE_BYTES):
            spool.write(chunk)
    if not spool.size:
        raise NothingThere("an empty body")
    return spool
