"""Conditions open after a look, at minutes counted from the test's start."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from billing.models import SoldUntil
from generation.models import Condition
from generation.oversight import conditions
from pictor.kit.words import clock

Found = Mapping[tuple[str, str], str]
Look = Callable[..., Found]


@pytest.fixture
def look(seeded: None) -> Look:
    """Look at these minutes, in rising order; return the open conditions in words.

    Sales are counted until the same minute unless `counted` names another. What has no worker or
    channel in these tests is left out.
    """
    began = clock.now()

    def found(minutes: float, counted: float | None = None) -> Found:
        until = began + timedelta(minutes=minutes if counted is None else counted)
        SoldUntil.objects.update_or_create(pk=SoldUntil.ROW, defaults={"until": until})
        assert conditions.look(now=began + timedelta(minutes=minutes))
        rows = Condition.objects.filter(resolved_at=None).exclude(kind="part_fails")
        return {(row.kind, row.object): row.words for row in rows}

    return found
