"""Operators' changes of channels, one after the other."""

from django.db import connection


def take_turns() -> None:
    """Lock channels against other changes until the transaction ends; readers go on."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE generation_channel IN SHARE ROW EXCLUSIVE MODE")
