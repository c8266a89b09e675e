"""Limits on the rows and the time that one page may take."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, transaction
from psycopg.errors import QueryCanceled

from generation.tenants.searching.criteria import Criteria
from pictor.kit.database.cursors import run

SEARCHED = 20_000
"""The newest rows a sum looks at, and the rows of one stretch."""
WORDS_SEARCHED = 5_000
"""The newest rows a search by words looks at."""
PATIENCE_MS = 2000
"""For a look into many rows."""


class TooBroad(Exception):
    """The search would have to look at too many rows; narrow it."""


def stretch_of(criteria: Criteria) -> int:
    """The number of rows the search looks at in one go."""
    return WORDS_SEARCHED if criteria.text else SEARCHED


@contextmanager
def time_limit(criteria: Criteria) -> Iterator[None]:
    """Raise TooBroad if a search that has to look into rows takes longer than PATIENCE_MS."""
    if not criteria.is_picky:
        yield
        return
    try:
        with transaction.atomic():
            run("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MS)])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooBroad from None
        raise
