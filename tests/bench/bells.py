"""The payment provider's events: `python -m tests.bench.bells [EVENTS]`.

Posts signed events to a fresh `make run CARDS=1` for a minute, three of each payment as the
provider does, and prints how long the answers took, how many were kept, and when all were handled.
The exit status is 1 above the limits.
"""

import hashlib
import hmac
import json
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg

from pictor.embedded.ports import free_port
from tests.stack.servers import Stack, start_stack, stop_stack

EVENTS = 2_000
OF_A_PAYMENT = 3
SECONDS = 60.0
AT_ONCE = 16
MAX_P99_MS = 50.0
MAX_SECONDS = 300.0
"""Until all are handled."""

_PAYMENTS = """
INSERT INTO billing_payment
       (id, tenant_id, state, credited_micros, asked_cents, begun_at, expires_at)
SELECT gen_random_uuid(), t.id, 'begun', 50000000, 5000, now(), now() + interval '35 minutes'
  FROM accounts_tenant t, generate_series(1, %s) WHERE t.name = 'demo' RETURNING id::text
"""
_LEFT = "SELECT count(*), count(*) FILTER (WHERE handled_at IS NULL) FROM billing_providerevent"


def main(events: int) -> int:
    """Print the figures; return the exit status."""
    with tempfile.TemporaryDirectory(prefix="pictor-bells-") as folder:
        stack = start_stack(Path(folder), PORT=str(free_port()), PICTOR_CARDS="1")
        try:
            return _measure(stack, events)
        finally:
            stop_stack(stack)


def _measure(stack: Stack, events: int) -> int:
    with psycopg.connect(stack.env["MIGRATION_DATABASE_URL"], autocommit=True) as rows:
        ids = [str(one) for (one,) in rows.execute(_PAYMENTS, [-(-events // OF_A_PAYMENT)])]
        began = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as threads, httpx.Client(trust_env=False) as client:
            turns = [
                threads.submit(_ring, client, stack, number, ids[number // OF_A_PAYMENT], began)
                for number in range(events)
            ]
            took = [turn.result() for turn in turns]
        kept, left = rows.execute(_LEFT).fetchone() or (0, 0)
        while left and time.monotonic() - began < 2 * MAX_SECONDS:
            time.sleep(1)  # the worker is watched from outside
            _, left = rows.execute(_LEFT).fetchone() or (0, 0)
    handled = time.monotonic() - began
    p99 = statistics.quantiles(took, n=100)[98]
    sys.stdout.write(
        f"{events} events in {SECONDS:.0f} s: p50 {statistics.median(took):.1f} ms,"
        f" p99 {p99:.1f} ms, kept {kept}, left {left},"
        f" all handled {handled:.0f} s after the first\n"
    )
    return int(p99 > MAX_P99_MS or kept < events or left > 0 or handled > MAX_SECONDS)


def _ring(client: httpx.Client, stack: Stack, number: int, payment: str, began: float) -> float:
    """Post one event in its turn; return the milliseconds until the answer."""
    time.sleep(max(0.0, began + number * SECONDS / EVENTS - time.monotonic()))  # as they come
    at = int(time.time())
    session = {"id": f"cs_test_{number}", "object": "checkout.session", "livemode": False}
    thing = {**session, "client_reference_id": payment, "metadata": {"payment": payment}}
    event = {"id": f"evt_{number}", "object": "event", "type": "checkout.session.completed"}
    more = {"created": at, "livemode": False, "data": {"object": thing}}
    body = json.dumps({**event, **more}).encode()
    secret = stack.env["PICTOR_STRIPE_WEBHOOK_SECRET"].encode()
    signed = hmac.new(secret, b"%d." % at + body, hashlib.sha256).hexdigest()
    sent = time.perf_counter()
    answer = client.post(
        f"{stack.base_url}/payments/stripe",
        content=body,
        headers={"Stripe-Signature": f"t={at},v1={signed}"},
    )
    answer.raise_for_status()
    return 1000 * (time.perf_counter() - sent)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else EVENTS))
