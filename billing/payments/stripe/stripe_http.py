"""Stripe's library's HTTP, by our own client, and what each failure means.

No redirect is followed and nothing repeated. The key is sent to the configured origin alone, which
may be private only if it is not Stripe's own. All answers other than a success raise here:

    ProviderRefused    400, 402, 404: the call is wrong, the card declined, the object unknown
    ProviderAway       not reached, no time left, no whole answer; 401 (the key), 409, 429, a
                       redirect; any failure of a GET
    ProviderForbidden  403: the key lacks a permission
    ProviderUnsure     an answer that cannot be read, or a 5xx (which the provider keeps)
"""

import asyncio
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import stripe
from typing_extensions import override

from billing.payments.port import (
    ProviderAway,
    ProviderError,
    ProviderForbidden,
    ProviderRefused,
    ProviderUnsure,
)
from pictor.kit.outbound import http

CALL_SECONDS = 30.0
"""The longest call. Charging a saved card takes as long as its bank does."""
MAX_ANSWER_BYTES = 8 * 1024**2
"""A page of 100 events has at most 2 MB."""

_ends_at: ContextVar[float] = ContextVar("ends_at", default=float("inf"))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let all calls of the block, together, take no longer."""
    token = _ends_at.set(min(_ends_at.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _ends_at.reset(token)


class StripeHttp(stripe.HTTPClient):
    """Calls one origin."""

    name = "pictor"

    def __init__(self, origin: str, *, is_private: bool) -> None:
        super().__init__()
        self._origin = origin
        parts = urlsplit(origin)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        door = parts.netloc if parts.port else f"{parts.netloc}:{port}"
        self._pool = http.HttpPool(egress_allow=[door] if is_private else [])

    @override
    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        if not url.startswith(f"{self._origin}/"):
            raise ProviderRefused("The key is for another origin.")
        seconds = min(CALL_SECONDS, _ends_at.get() - time.monotonic())
        if seconds <= 0:
            raise ProviderAway("The provider took too long.")
        exchange = self._pool.exchange(
            method.upper(),
            url,
            headers=headers,
            body=post_data.encode() if post_data else None,
            read_timeout_seconds=None,
        )
        unsure = ProviderUnsure if method != "get" else ProviderAway
        try:
            body = asyncio.run_coroutine_threadsafe(_ask(exchange, seconds), _loop()).result()
        except http.HttpError as error:
            # Only the same key is safe again: the provider may still be at work on it.
            words = f"No whole answer came from the provider: {type(error).__name__}."
            raise ProviderAway(words) from None
        status, answer = exchange.status or 0, _object_in(body)
        if status != HTTPStatus.OK:
            raise _failure(status, answer or {}, unsure)
        if answer is None:
            raise unsure("The provider's answer cannot be read.")
        return body.decode(), status, exchange.answer_headers


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """A loop in a thread of its own, in which the calls of all threads share connections."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="cards", daemon=True).start()
    return loop


async def _ask(exchange: http.Exchange, seconds: float) -> bytes:
    async with http.deadline(seconds), exchange as answer:
        return b"".join([chunk async for chunk in answer.chunks(MAX_ANSWER_BYTES)])


def _object_in(body: bytes) -> dict[str, Any] | None:
    """Return an answer's JSON object; None for anything else, such as a proxy's page."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _failure(status: int, answer: dict[str, Any], unsure: type[ProviderError]) -> ProviderError:
    """Return what an answer without success means; see the module."""
    error = answer.get("error")
    error = error if isinstance(error, dict) else {}
    words = str(error.get("message") or f"The provider answered {status}.")[:500]
    words = _KEY.sub("[key]", words)  # they have its last characters
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return unsure(words)
    if status in _REFUSALS:
        code = error.get("decline_code") or error.get("code") or error.get("type") or ""
        return ProviderRefused(words, str(code))
    return ProviderForbidden(words) if status == HTTPStatus.FORBIDDEN else ProviderAway(words)


_KEY = re.compile(r"\b[prs]k_[^\s'\"]+")
_REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.NOT_FOUND}
