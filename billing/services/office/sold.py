"""Sales by the day: each transfer is added once, and all can be counted again.

The caller's `Count` assigns transfers to rows.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction

from billing.models import FIGURES, SoldRow, SoldUntil
from billing.selectors.office.sold import Settled
from pictor.kit.database.cursors import first_row, run
from pictor.kit.database.spans import Ids, Span

TRANSFERS_AT_ONCE = 5_000
"""The number of transfers that one transaction adds."""

Sold = Mapping[SoldRow, Sequence[int]]
"""The amounts to add, by row."""
Count = Callable[[Ids], Sold]
"""The sums of these transfers, by row."""

_KEYS = ", ".join(SoldRow._fields)
_COLUMNS = ", ".join(FIGURES)
_ADDED = ", ".join(f"{name} = s.{name} + EXCLUDED.{name}" for name in FIGURES)
_ADD = f"""
INSERT INTO {{table}} AS s ({_KEYS}, {_COLUMNS})
VALUES ({", ".join(["%s"] * (len(SoldRow._fields) + len(FIGURES)))})
ON CONFLICT ({_KEYS}) DO UPDATE SET {_ADDED}
"""  # noqa: S608 - built from constants
_LAST = """
SELECT max(id), (array_agg(created_at ORDER BY id DESC))[1]
  FROM (SELECT id, created_at FROM billing_transfer WHERE id > %s AND id <= %s
         ORDER BY id LIMIT %s) AS following
"""
_AGAIN = f"""
CREATE TEMPORARY TABLE sold_again AS
       SELECT {_KEYS}, {_COLUMNS} FROM billing_soldday WITH NO DATA;
CREATE UNIQUE INDEX ON sold_again ({_KEYS}) NULLS NOT DISTINCT
"""  # noqa: S608 - built from constants
_WRONG = f"""
SELECT COUNT(DISTINCT ({_KEYS})::text)
  FROM ((SELECT {_KEYS}, {_COLUMNS} FROM billing_soldday
         EXCEPT SELECT {_KEYS}, {_COLUMNS} FROM sold_again)
        UNION ALL
        (SELECT {_KEYS}, {_COLUMNS} FROM sold_again
         EXCEPT SELECT {_KEYS}, {_COLUMNS} FROM billing_soldday)) AS differing
"""  # noqa: S608 - built from constants
_SAME = " AND ".join(
    f"s.{name} = a.{name}" for name in (*SoldRow._fields, *FIGURES) if name != "tenant_id"
)
_PUT_RIGHT = f"""
DELETE FROM billing_soldday AS s
 WHERE NOT EXISTS (SELECT FROM sold_again AS a
                    WHERE {_SAME} AND s.tenant_id IS NOT DISTINCT FROM a.tenant_id);
INSERT INTO billing_soldday ({_KEYS}, {_COLUMNS})
SELECT {_KEYS}, {_COLUMNS} FROM sold_again EXCEPT SELECT {_KEYS}, {_COLUMNS} FROM billing_soldday
"""  # noqa: S608 - built from constants


@transaction.atomic
def add_next(count: Count, *, to: Settled) -> bool:
    """Add the next transfers unless another process is adding; return whether there are more.

    Each is added exactly once, even if a process dies: the position moves with the rows.
    """
    SoldUntil.objects.get_or_create(pk=SoldUntil.ROW)  # so that there is a row to lock
    # Not waited for: another worker is adding them.
    done = SoldUntil.objects.select_for_update(skip_locked=True).filter(pk=SoldUntil.ROW).first()
    if done is None:
        return False
    last, moved_at = _next(done.transfer_id, to.transfer_id)
    is_all = last is None or last == to.transfer_id
    if last is not None:
        _add(count(Span(done.transfer_id + 1, last + 1)), table="billing_soldday")
        done.transfer_id = last
    until = to.until if is_all else moved_at
    done.until = until if done.until is None else max(until, done.until)
    done.save()
    return not is_all


@transaction.atomic
def rebuild_sold(count: Count) -> int:
    """Count everything counted so far again, correct it, and return the number of wrong rows.

    Recounts take turns. Nothing is added meanwhile, and readers see the old rows until it is done.
    """
    # A recount reads all transfers, which takes longer than statements and locks may.
    run("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
    SoldUntil.objects.get_or_create(pk=SoldUntil.ROW)
    done = SoldUntil.objects.select_for_update().get(pk=SoldUntil.ROW)
    run(_AGAIN)
    after = 0
    while (last := _next(after, done.transfer_id)[0]) is not None:
        _add(count(Span(after + 1, last + 1)), table="sold_again")
        after = last
    (wrong,) = first_row(_WRONG)
    if wrong:
        run(_PUT_RIGHT)
    # The connection is used again, and its temporary tables last as long as it.
    run("DROP TABLE sold_again")
    return int(wrong)


def _next(after: int, to: int | None) -> tuple[int | None, datetime]:
    """The last id of the next transfers, and its time; None if there are none."""
    last, moved_at = first_row(_LAST, [after, to, TRANSFERS_AT_ONCE])
    return last, moved_at


def _add(sold: Sold, *, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(_ADD.format(table=table), [[*row, *sold[row]] for row in sold])
