"""The ladder fails for an act that lacks what its rungs look for."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.urls import URLPattern

from console.ops import urls
from console.ops.acts import page_of
from console.ops.declared import ACTS
from console.parts.acts import Act, Asked
from pictor.kit.words import ids
from tests.console.ops.conftest import shown
from tests.console.ops.ladder import rungs
from tests.console.ops.ladder.samples import (
    BY_PEOPLE_ONLY,
    FOR_ALL_STAFF,
    SAMPLES,
    WITHOUT_A_FRESH_FACTOR,
)

ONCE = (
    *("generation.refund", "generation.credit", "tenant.credit", "tenant.adjustment"),
    *("tenant.create", "key.create", "operator_key.create"),
)
"""Acts that know a second click by the form's number; to others nothing is left to do."""
NOT_FOR_ALL = sorted({*SAMPLES} - FOR_ALL_STAFF)
BY_KEYS = sorted({*NOT_FOR_ALL} - BY_PEOPLE_ONLY)
Declare = Callable[..., None]


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Let the console have the act with another declaration."""
    addresses = {one.name: one for one in urls.urlpatterns if isinstance(one, URLPattern)}

    def declared(name: str, **changes: Any) -> None:
        act = replace(ACTS[name], **changes)
        monkeypatch.setitem(ACTS, name, act)
        monkeypatch.setattr(addresses[name], "callback", page_of(act))

    return declared


def fails(rung: Callable[..., None], *rest: Any) -> None:
    """The rung finds a fault."""
    with pytest.raises(AssertionError):
        rung(*rest)


@pytest.mark.parametrize("name", NOT_FOR_ALL)
def test_an_act_for_everyone_is_noticed(world, owner, declare, name):
    declare(name, needs="see")

    fails(rungs.only_its_roles_open_its_page, world, name, owner)


@pytest.mark.parametrize("name", BY_KEYS)
def test_an_act_for_every_key_is_noticed(world, owner, declare, name):
    declare(name, needs="see")

    fails(rungs.a_key_needs_its_leave, world, name, owner)


@pytest.mark.parametrize("name", sorted({*SAMPLES} - WITHOUT_A_FRESH_FACTOR))
def test_an_act_that_no_longer_asks_for_a_fresh_factor_is_noticed(world, guarded, declare, name):
    shown(guarded, seconds_ago=16 * 60)
    declare(name, not_fresh="so")

    fails(rungs.a_stale_factor_is_asked_for, world, name, guarded)


@pytest.mark.parametrize("name", ONCE)
def test_an_act_that_forgets_its_number_is_noticed(world, owner, declare, name):
    declare(name, do=forgetful(ACTS[name]))

    fails(rungs.it_is_done_once, world, name, owner)


def forgetful(act: Act[Any]) -> Callable[[Asked[Any]], Any]:
    return lambda asked: act.do(replace(asked, once=ids.new_uuid()))


@pytest.mark.parametrize("name", sorted(BY_PEOPLE_ONLY))
def test_an_act_that_keys_may_do_is_noticed(world, owner, declare, name):
    declare(name, never_by_key="")

    fails(rungs.no_key_does_it, world, name, owner)
