"""Every act by one ladder: who may, with what factor, by which door, and once."""

import pytest

from console.ops.declared import ACTS
from tests.console.ops.conftest import shown
from tests.console.ops.ladder import rungs
from tests.console.ops.ladder.samples import BY_PEOPLE_ONLY, SAMPLES

ALL = [*SAMPLES]
BY_KEYS = [name for name in SAMPLES if name not in BY_PEOPLE_ONLY]


@pytest.fixture
def stale(guarded):
    """An owner whose factor was shown 16 minutes ago, where staff need one."""
    shown(guarded, seconds_ago=16 * 60)
    return guarded


def test_every_act_has_its_sample():
    assert SAMPLES.keys() == ACTS.keys()
    others = [name for name, act in ACTS.items() if not SAMPLES[name].records(act.audit)]
    assert others == ["tenant.invite"]  # it waits for an owner


@pytest.mark.parametrize("name", ALL)
def test_an_acts_page_opens_for_its_roles_in_few_queries(world, owner, name):
    rungs.only_its_roles_open_its_page(world, name, owner)


@pytest.mark.parametrize("name", ALL)
def test_an_act_asks_for_a_stale_factor(world, stale, name):
    rungs.a_stale_factor_is_asked_for(world, name, stale)


@pytest.mark.parametrize("name", ALL)
def test_a_form_sent_twice_acts_once(world, owner, name):
    rungs.it_is_done_once(world, name, owner)


@pytest.mark.parametrize("name", ALL)
def test_a_command_records_what_the_page_does(world, owner, name):
    rungs.a_command_records_the_same(world, name, owner)


@pytest.mark.parametrize("name", BY_KEYS)
def test_a_key_records_what_the_page_does_once(world, owner, name):
    rungs.a_key_records_the_same(world, name, owner)


@pytest.mark.parametrize("name", BY_KEYS)
def test_a_key_needs_leave_for_an_act(world, owner, name):
    rungs.a_key_needs_its_leave(world, name, owner)


@pytest.mark.parametrize("name", sorted(BY_PEOPLE_ONLY))
def test_no_key_does_what_people_alone_do(world, owner, name):
    rungs.no_key_does_it(world, name, owner)


@pytest.mark.parametrize("name", ALL)
def test_a_mistake_does_nothing(world, owner, name):
    rungs.a_mistake_does_nothing(world, name, owner)
