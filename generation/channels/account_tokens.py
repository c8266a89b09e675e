"""Tokens for which an account's credential is good (RFC 6749): one request for each at a time.

A token is kept for two thirds of its life, by process and credential.
"""

import asyncio
import math
import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from urllib.parse import urlencode

from generation.channels.answers import object_in, text_at
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.failed_calls import body_of_refusal
from pictor.kit.outbound.http import HttpError, HttpPool, deadline
from pictor.kit.running import retries
from pictor.kit.running.per_loop import PerLoop

LIFE_SECONDS = 3600
SECONDS = 20.0
"""For all tries together, and for waiting while others try."""
_TOKEN = re.compile("[!-~]{1,4096}")
_again = retries.calls(tries=3, pause_seconds=0.5)

Form = Callable[[str], Mapping[str, str]]
"""The fields that ask for a token by a credential. Raises UpstreamError `refused`."""


class HeldToken:
    """The token of one account."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._token, self._renewed_at = "", -math.inf

    async def token(
        self, credential: str, http: HttpPool, *, address: str, form: Form, now: float
    ) -> str:
        async with self._turn:
            if now >= self._renewed_at:
                answer = await _again(HttpError, _ask, form(credential), http, address)
                token, life = text_at(answer, "access_token"), answer.get("expires_in")
                if not _TOKEN.fullmatch(token):
                    words = f"{answer.get('error')} {answer.get('error_description')}"
                    raise UpstreamError(AttemptClass.REFUSED, f"no token is given: {words}")
                seconds = min(life, LIFE_SECONDS) if isinstance(life, int) else LIFE_SECONDS
                self._token, self._renewed_at = token, now + seconds * 2 / 3
            return self._token

    async def end(self) -> None:
        self._token = ""


_held: PerLoop[HeldToken] = PerLoop()


async def token_of(credential: str, http: HttpPool, *, address: str, form: Form) -> str:
    """A valid token. Raises UpstreamError, as nothing was ordered yet.

    Args:
        credential: of the account.
        http: the event loop's clients.
        address: the vendor's own, which alone is asked.
        form: the fields that ask for a token.
    """
    held = await _held.of(sha256(credential.encode()).digest(), HeldToken)
    now = asyncio.get_running_loop().time()
    try:
        async with deadline(SECONDS):
            return await held.token(credential, http, address=address, form=form, now=now)
    except HttpError as error:
        raise UpstreamError(AttemptClass.NOT_REACHED, f"no token: {error}") from error


async def _ask(form: Mapping[str, str], http: HttpPool, address: str) -> Mapping[str, object]:
    async with http.exchange(
        "POST",
        address,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
        read_timeout_seconds=SECONDS / 2,
    ) as answer:
        document = object_in((await body_of_refusal(answer)).decode("utf-8", "replace"))
    if not document:
        raise HttpError(f"HTTP {answer.status} without words")
    return document
