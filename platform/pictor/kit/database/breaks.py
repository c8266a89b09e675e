"""Count of broken PostgreSQL connections, by which every thread drops its own before next use.

When one connection breaks, the others are as dead. Dropping them all spares each its own failure
after the database is back.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from pictor.kit.database import prepared

T = TypeVar("T")


class _OfThread(threading.local):
    """The count of breaks that this thread knew when it last used its own connection."""

    heard_of = 0


_mine = _OfThread()
_met = 0


def breaks_met() -> int:
    """Return the number of connections of this process that have broken."""
    return _met


def broke() -> None:
    """Count a broken connection."""
    global _met  # noqa: PLW0603 - a count that only grows; a lost increment costs one refusal
    _met += 1


def on_own_connection(call: Callable[[], T]) -> T:
    """Make a call on this thread's own connection and leave that connection fit for the next.

    The connection is dropped before the call if another one broke since this thread's last call,
    or if the server ended it while it was idle.
    """
    idle = connection.connection
    if _mine.heard_of != _met or (idle is not None and prepared.has_ended(idle)):
        _mine.heard_of = _met
        connection.close()
    used = connection.connection
    try:
        return call()
    except (DatabaseError, InterfaceError) as error:
        # A transaction that ends on a dead connection has made another one already.
        if any(
            connection is not None and connection.closed
            for connection in (used, connection.connection)
        ):
            broke()
            if type(error) is DatabaseError:  # libpq says no more of a connection that broke
                raise OperationalError(*error.args) from error.__cause__
        raise
    finally:
        # A transaction that was left open would take the next call into it.
        if connection.connection is not None and (
            connection.errors_occurred or not connection.get_autocommit()
        ):
            connection.close()
