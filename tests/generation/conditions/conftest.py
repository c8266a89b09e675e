"""What is open after a look so many minutes from the test's beginning."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from billing.models import SoldUntil
from generation import conditions
from generation.models import Condition
from pictor.kit.words import clock

Found = Mapping[tuple[str, str], str]
Look = Callable[..., Found]


@pytest.fixture
def look(seeded: None) -> Look:
    """Looks after that many minutes, later ones than before; what is open then, in words.

    What was sold is counted until then, unless `counted` says another minute.
    """
    began = clock.now()

    def found(minutes: float, counted: float | None = None) -> Found:
        until = began + timedelta(minutes=minutes if counted is None else counted)
        SoldUntil.objects.update_or_create(pk=SoldUntil.ROW, defaults={"until": until})
        assert conditions.look(now=began + timedelta(minutes=minutes))
        rows = Condition.objects.filter(resolved_at=None)
        return {(row.kind, row.object): row.words for row in rows}

    return found
