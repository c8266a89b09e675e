"""Tokens for which an account's credential is good (RFC 6749): one request for each at a time.

A token is kept for two thirds of its life, by event loop and credential.
"""

import asyncio
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import urlencode

from typing_extensions import override

from generation.channels.answers import object_in, text_at
from generation.channels.base import ChannelConfig, UpstreamAnswer, UpstreamRequest
from generation.channels.engine import WireAdapter
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.failed_calls import body_of_refusal
from generation.channels.wires import Wire
from pictor.kit.outbound.http import HttpError, HttpPool, deadline
from pictor.kit.running import retries
from pictor.kit.running.per_loop import PerLoop
from pictor.kit.words import clock

LIFE_SECONDS = 3600
SECONDS = 20.0
"""For all tries together, and for waiting while others try."""
_TOKEN = re.compile("[!-~]{1,4096}")
_again = retries.calls(tries=3, pause_seconds=0.5)


class TokenWire(Wire, Protocol):
    """A wire that asks for a token if it is made with an account's credential, and calls by one.

    Attributes:
        grant_address: the vendor's own, which alone is asked for tokens.
    """

    grant_address: str

    def __init__(self, account: ChannelConfig) -> None: ...

    def grant_form(self, now: datetime) -> Mapping[str, str]:
        """The fields that ask for a token. Raises UpstreamError `refused` for a bad credential."""
        ...


class TokenAdapter(WireAdapter):
    """One account whose credential is good for tokens only, and whose orders are not followed."""

    wire: TokenWire

    @override
    async def generate(
        self, request: UpstreamRequest, *, timeout_seconds: float | None = None, **options: Any
    ) -> UpstreamAnswer:
        now = asyncio.get_running_loop().time
        ends_at = now() + (timeout_seconds or self.config.timeout_seconds)
        token = await _token_of(self.config.api_key, self.wire, self.http)
        account = replace(self.config, api_key=token)
        with_token = replace(self, config=account, wire=type(self.wire)(account))
        left = ends_at - now()
        return await WireAdapter.generate(with_token, request, timeout_seconds=left, **options)


class HeldToken:
    """The token of one account."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._token, self._renewed_at = "", -math.inf

    async def token(self, wire: TokenWire, http: HttpPool, *, now: float) -> str:
        async with self._turn:
            if now >= self._renewed_at:
                form = wire.grant_form(clock.now())
                answer = await _again(HttpError, _ask, form, http, wire.grant_address)
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


async def _token_of(credential: str, wire: TokenWire, http: HttpPool) -> str:
    """A valid token. Raises UpstreamError, as nothing was ordered yet."""
    held = await _held.of(sha256(credential.encode()).digest(), HeldToken)
    now = asyncio.get_running_loop().time()
    try:
        async with deadline(SECONDS):
            return await held.token(wire, http, now=now)
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
