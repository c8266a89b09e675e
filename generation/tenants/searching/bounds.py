"""How much is looked into for one page, and for how long."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from generation.tenants.searching.wanted import Wanted

SEARCHED = 20_000
"""How many of the newest rows a sum looks at, and how many one stretch has."""
WORDS_SEARCHED = 5_000
"""How many of the newest rows a search by words looks at."""
PATIENCE_MS = 2000
"""For a look into many rows."""


class TooBroad(Exception):
    """So much would have to be looked into that it takes too long: narrow it."""


def stretch_of(wanted: Wanted) -> int:
    """How many rows it looks at."""
    return WORDS_SEARCHED if wanted.text else SEARCHED


@contextmanager
def bounded(wanted: Wanted) -> Iterator[None]:
    """Not for ever, where rows are looked into: raises TooBroad."""
    if not wanted.is_picky:
        yield
        return
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MS)]
                )
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooBroad from None
        raise
