"""PostgreSQL's advisory locks: each number, and what it excludes.

A number never changes, and none is used again: releases that run side by side share them. No
migration and no SQL function takes one. Web processes lock numbers from WEB_PROCESSES on, of their
own (`generation/admission/retry_shield.py`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pictor.kit.database.cursors import first_row, run

AUDIT_CHAIN: Final = 7_303_003
"""Links of the audit log are written one at a time; no other lock is taken with it."""
PRICES: Final = 7_303_004
"""Books are published and withdrawn, and costs changed, one at a time."""
HOURLY_PROOF: Final = 7_303_005
"""One process proves the ledger since its checkpoints."""
WHOLE_PROOF: Final = 7_303_006
"""One process proves the whole ledger."""
USAGE_RECOUNT: Final = 7_303_007
"""Usage is recounted once at a time."""
CHECKPOINTS: Final = 7_303_008
"""The hourly and the daily proof write their checkpoints one after the other."""
COST_CORRECTIONS: Final = 7_303_009
"""Costs are corrected one at a time."""
CONDITIONS: Final = 7_303_010
"""One process looks for conditions."""
SIGN_UP_CREDITS: Final = 7_303_041
"""Credits for signing up are counted and given one at a time."""
INCIDENTS: Final = 7_303_043
"""Incidents begin one at a time."""
TENANTS: Final = 7_303_058
"""Staff create tenants one at a time."""
REFUSALS: Final = 7_303_061
"""Processes write refused requests one after the other."""
ALERT_RULES: Final = 7_303_062
"""Alert rules change one at a time: their names are unique, and their number limited."""
MONEY_ALONE: Final = 7_303_597
"""What people book alone in a day is summed, and booked, one move at a time."""
OPERATOR_KEYS: Final = 7_303_598
"""Keys of programs that operate are made one at a time: their number is limited."""
BILLS: Final = 7_304_001
"""Vendors' bills are read and matched one at a time."""
AFTER_0_2: Final = 7_304_064
"""Web processes share it, but for those of 0.2.0, so that these can be told apart."""
IMAGE_ORIGINS: Final = 7_304_067
"""No digest is filled in while words are forgotten; words are forgotten side by side."""
PAYMENTS: Final = 7_304_068
"""One process follows payments by card."""
PROVIDER_EVENTS: Final = 7_304_069
"""One process handles the payment provider's events."""
AUTOMATIC_TOP_UPS: Final = 7_304_070
"""One process charges saved cards."""
WEB_PROCESSES: Final = 2**62
"""Web processes' numbers have this bit; nothing else takes an advisory lock on one that has it."""
SEEDING: Final = 0x50_49_43_54_4F_52
"""One process seeds the installation; the number spells 'PICTOR'."""


def lock(number: int) -> None:
    """Take the lock until the transaction ends, waiting for whoever holds it."""
    run("SELECT pg_advisory_xact_lock(%s)", [number])


def share(number: int) -> None:
    """Like `lock`, beside others that share it."""
    run("SELECT pg_advisory_xact_lock_shared(%s)", [number])


@contextmanager
def alone(number: int) -> Iterator[bool]:
    """Yield whether this process has the lock for the block; it does not wait for it.

    The lock belongs to the connection: PostgreSQL frees it when the process or its machine ends.
    """
    (is_locked,) = first_row("SELECT pg_try_advisory_lock(%s)", [number])
    try:
        yield is_locked
    finally:
        if is_locked:
            run("SELECT pg_advisory_unlock(%s)", [number])
