"""Operators' changes of channels, one after the other."""

from django.db import connection


def take_turns() -> None:
    """Let nobody else change a channel before the transaction's end. Who reads them goes on."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE generation_channel IN SHARE ROW EXCLUSIVE MODE")
