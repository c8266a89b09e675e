"""The webhook: each event is posted to the address, signed, and tried again a few times."""

import asyncio
import hashlib
import hmac
import json
import time
from typing import Final

import aiohttp

from sandbox.stripe.bank import Bank
from sandbox.stripe.objects import Thing

_WAITS_SECONDS: Final = (0.5, 2.0, 5.0)
_ANSWER_SECONDS: Final = 10
_AT_ONCE: Final = 8


def signature(body: bytes, secret: str, at: int) -> str:
    """The header `Stripe-Signature`."""
    signed = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"


async def ring(bank: Bank) -> None:
    """Post events as they come, until cancelled."""
    turns = asyncio.Semaphore(_AT_ONCE)
    limit = aiohttp.ClientTimeout(_ANSWER_SECONDS)
    async with aiohttp.ClientSession(timeout=limit) as client, asyncio.TaskGroup() as tasks:
        while True:
            event = await bank.unsent.get()
            await turns.acquire()
            task = tasks.create_task(_post(client, bank, event))
            task.add_done_callback(lambda _: turns.release())


async def _post(client: aiohttp.ClientSession, bank: Bank, event: Thing) -> None:
    for wait in (*_WAITS_SECONDS, None):
        if bank.hook is None:
            return
        url, secret = bank.hook
        body = json.dumps(bank.render(event), indent=2).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(body, secret, int(time.time())),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            async with client.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                if answer.status // 100 == 2:  # noqa: PLR2004 - a success
                    event["pending_webhooks"] = 0
                    return
        except (aiohttp.ClientError, TimeoutError):
            pass  # it is tried again
        if wait is not None:
            await asyncio.sleep(wait)
