"""The look of each minute: open new conditions, update open ones, resolve ended ones.

It is one transaction, in one worker at a time: if it breaks off, it has changed nothing, and the
next minute's look finds the same.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from billing.selectors.office.sold import sold_until
from generation.catalogue.snapshot import current_catalogue
from generation.models import Condition, ConditionLook
from generation.oversight.conditions import supply
from generation.oversight.conditions.detected import Outlook, PresentCondition
from generation.oversight.conditions.kinds import FAILED, KINDS
from generation.selectors import sandbox_names
from pictor.kit.database import lock_numbers
from pictor.kit.database.cursors import first_row, run
from pictor.kit.words.money import Micros

logger = logging.getLogger(__name__)

LEAST_BETWEEN_LOOKS = timedelta(seconds=30)
"""Looks closer together than this count as one."""
CONDITIONS_KEPT = timedelta(days=90)
"""Conditions that ended longer ago are deleted, unless accepted for good."""
_MAX_CHARACTERS = {"object": 200, "words": 300}
_MAX_MICROS = 2**63 - 1

OpenCondition = tuple[str, str, Micros | None, str]
"""Kind, object, micros, words."""

# An open row is written only if its facts changed.
_OPEN = """
INSERT INTO generation_condition AS had (kind, object, micros, words, since, assigned_to, why)
SELECT kind, object, micros, words, %(now)s, '', ''
  FROM unnest(%(kinds)s::text[], %(objects)s::text[], %(micros)s::bigint[], %(words)s::text[])
       AS found (kind, object, micros, words)
 ORDER BY kind, object
    ON CONFLICT (kind, object) DO UPDATE
   SET micros = excluded.micros, words = excluded.words, resolved_at = NULL,
       since = CASE WHEN had.resolved_at IS NULL THEN had.since ELSE excluded.since END,
       assigned_to = CASE WHEN had.resolved_at IS NULL THEN had.assigned_to ELSE '' END
 WHERE had.resolved_at IS NOT NULL
    OR (had.micros, had.words) IS DISTINCT FROM (excluded.micros, excluded.words)
"""
_RESOLVE = """
UPDATE generation_condition SET resolved_at = %(now)s
 WHERE resolved_at IS NULL AND kind <> ALL (%(failed)s)
   AND NOT EXISTS (SELECT FROM unnest(%(kinds)s::text[], %(objects)s::text[])
                            AS found (kind, object)
                    WHERE found.kind = generation_condition.kind
                      AND found.object = generation_condition.object)
"""


@transaction.atomic
def look(*, now: datetime) -> bool:
    """Look for every kind and write the findings; False if a look is in progress or just done."""
    (is_locked,) = first_row("SELECT pg_try_advisory_xact_lock(%s)", [lock_numbers.CONDITIONS])
    last = ConditionLook.objects.first() if is_locked else None
    sold = sold_until()
    if not is_locked or (last is not None and _is_one(last, now, sold)):
        return False
    outlook = _outlook(now, last)
    _write(list(_findings(outlook)), now)
    ConditionLook.objects.update_or_create(
        id=1,
        defaults={
            "first_at": outlook.first_at,
            "looked_at": now,
            "sold_until": sold,
            "channels": supply.channels_before(outlook),
        },
    )
    return True


def _is_one(last: ConditionLook, now: datetime, sold: datetime | None) -> bool:
    """True if this look repeats the last one, as with two workers that both have a clock.

    A look after more sales were counted is a new one.
    """
    return abs(now - last.looked_at) < LEAST_BETWEEN_LOOKS and sold == last.sold_until


def _outlook(now: datetime, last: ConditionLook | None) -> Outlook:
    return Outlook(
        now=now,
        first_at=last.first_at if last else now,
        catalogue=current_catalogue(),
        sandboxes=frozenset(sandbox_names()),
        channels_before=last.channels if last else {},
    )


def _findings(outlook: Outlook) -> Iterator[OpenCondition]:
    """The findings of every kind. If one fails, its open conditions stay, and one is about that."""
    for name, kind in KINDS.items():
        try:
            with transaction.atomic():
                conditions = list(_once_each(kind.look(outlook)))
        except Exception as error:
            logger.exception("the check for conditions of kind %s failed", name)
            yield FAILED, name, None, f"its check failed: {type(error).__name__}"
        else:
            for condition in conditions:
                most = (
                    None if condition.micros is None else Micros(min(condition.micros, _MAX_MICROS))
                )
                yield name, condition.object, most, condition.words


def _once_each(conditions: Iterable[PresentCondition]) -> Iterable[PresentCondition]:
    """The last finding of each object, cut to the row's length."""
    return {
        name: condition._replace(object=name, words=condition.words[: _MAX_CHARACTERS["words"]])
        for condition in conditions
        for name in [condition.object[: _MAX_CHARACTERS["object"]]]
    }.values()


def _write(conditions: Sequence[OpenCondition], now: datetime) -> None:
    kinds, objects, micros, words = (
        [condition[place] for condition in conditions] for place in range(4)
    )
    values: dict[str, Any] = {"now": now, "kinds": kinds, "objects": objects}
    failed = [name for kind, name, _, _ in conditions if kind == FAILED]
    values |= {"micros": micros, "words": words, "failed": failed}
    run(_RESOLVE, values)
    run(_OPEN, values)
    Condition.objects.filter(resolved_at__lt=now - CONDITIONS_KEPT, accepted_at=None).delete()
