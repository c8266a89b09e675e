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

_WAITS_SECONDS: Final = (0.0, 0.5, 2.0, 5.0)
_AT_ONCE: Final = 8


async def ring(bank: Bank) -> None:
    """Post events as they come, until cancelled."""
    turns, limit = asyncio.Semaphore(_AT_ONCE), aiohttp.ClientTimeout(10)
    async with aiohttp.ClientSession(timeout=limit) as client, asyncio.TaskGroup() as tasks:
        while True:
            event = await bank.unsent.get()
            await turns.acquire()
            tasks.create_task(_post(client, bank, event)).add_done_callback(
                lambda _: turns.release()
            )


async def _post(client: aiohttp.ClientSession, bank: Bank, event: Thing) -> None:
    body = json.dumps(event, indent=2).encode()
    for wait in _WAITS_SECONDS:
        await asyncio.sleep(wait)
        if bank.hook is None:
            return
        (url, secret), at = bank.hook, int(time.time())
        signed = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": f"t={at},v1={signed}",
        }
        try:
            async with client.post(url, data=body, headers=headers, allow_redirects=False) as got:
                if got.ok and got.status < 300:  # noqa: PLR2004 - a redirect is no success
                    event["pending_webhooks"] = 0
                    return
        except (aiohttp.ClientError, TimeoutError):
            continue
