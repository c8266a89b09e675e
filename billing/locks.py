"""Row locks of the ledger, always in this order: tenant account, then key budget, then rollup.

The functions of `services/holds.sql` lock the first two in that order, and `services/usage.py` the
third by its upsert. Nothing else a request does in this app locks a row, but for a price book that
has just begun, by itself.
"""

from uuid import UUID

from django.db import connection

from billing.models import TenantBalance

_PRICES_LOCK = 7_303_004
_RECOUNT_LOCK = 7_303_007
_CHECKPOINTS_LOCK = 7_303_008
_CORRECTIONS_LOCK = 7_303_009


def account_for_update(tenant_id: UUID) -> TenantBalance:
    """The tenant's balance, locked to the transaction's end. Raises TenantBalance.DoesNotExist."""
    return TenantBalance.objects.select_for_update().get(tenant_id=tenant_id)


def one_recount() -> None:
    """Who counts usage again takes turns, to the transaction's end: each adds what rows lack.

    Take it before those rows are read.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_RECOUNT_LOCK])


def checkpoints() -> None:
    """The hourly proof and the daily one take turns to keep theirs, to the transaction's end.

    Take it before those that are kept are read.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CHECKPOINTS_LOCK])


def corrections() -> None:
    """Who corrects costs takes turns, to the transaction's end: each finds what is corrected.

    Take it before that is read.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CORRECTIONS_LOCK])


def decisions_on_prices() -> None:
    """Publishing, withdrawing and new costs take turns, to the transaction's end.

    Each is judged by the others. Take it before the lock of a book or a channel, and after
    that of all channels.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PRICES_LOCK])
