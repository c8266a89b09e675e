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
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as client:
        await asyncio.gather(*(_post_each(client, bank) for _ in range(_AT_ONCE)))


async def _post_each(client: aiohttp.ClientSession, bank: Bank) -> None:
    while True:
        event = await bank.unsent.get()
        for wait in _WAITS_SECONDS:
            await asyncio.sleep(wait)
            if bank.hook is None or await _is_taken(client, *bank.hook, event):
                break


async def _is_taken(client: aiohttp.ClientSession, url: str, secret: str, event: Thing) -> bool:
    body, at = json.dumps(event, indent=2).encode(), int(time.time())
    signed = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "Stripe-Signature": f"t={at},v1={signed}"}
    try:
        async with client.post(url, data=body, headers=headers, allow_redirects=False) as got:
            event["pending_webhooks"] = int(got.status >= 300)  # noqa: PLR2004 - nor a redirect
    except (aiohttp.ClientError, TimeoutError):
        return False
    return not event["pending_webhooks"]
