"""Rights that a key may give to keys it makes: none gets around its own budget."""

import pytest

from accounts.callers import caller_of_key
from accounts.models import Tenant, User
from accounts.services.office.api_keys import KeyRules, issue_api_key
from accounts.services.office.delegation import issue_key_for, refuse_more_than
from pictor.kit.words.errors import Forbidden
from pictor.kit.words.money import Micros

TWENTY, THIRTY = Micros(20_000_000), Micros(30_000_000)
HARD = KeyRules(budget_month=TWENTY)
WARNED = KeyRules(budget_month=TWENTY, budget_warns_only=True)


@pytest.mark.parametrize(
    ("own", "wish", "param"),
    [
        (HARD, WARNED, "budget_warns_only"),
        (KeyRules(budget_day=TWENTY), KeyRules(budget_day=TWENTY, budget_warns_only=True),
         "budget_warns_only"),
        (KeyRules(budget_day=Micros(0)), KeyRules(budget_day=Micros(0), budget_warns_only=True),
         "budget_warns_only"),
        (HARD, KeyRules(budget_warns_only=True), "budget_month"),
        (WARNED, KeyRules(budget_month=THIRTY, budget_warns_only=True), "budget_month"),
        (WARNED, KeyRules(budget_warns_only=True), "budget_month"),
    ],
    ids=["month", "day", "nothing", "none at all", "a later warning", "no warning"],
)  # fmt: skip
def test_a_key_gives_no_more_than_its_budgets_let_it(own, wish, param):
    with pytest.raises(Forbidden) as refused:
        refuse_more_than(own, wish)

    assert refused.value.param == param


@pytest.mark.parametrize(
    ("own", "wish"),
    [(WARNED, WARNED), (WARNED, HARD), (KeyRules(), WARNED), (HARD, HARD)],
    ids=["the same", "narrower", "unlimited", "hard"],
)
def test_a_key_gives_what_it_has_itself(own, wish):
    refuse_more_than(own, wish)


@pytest.mark.django_db
def test_a_key_made_by_a_key_belongs_to_the_same_person(acme: Tenant) -> None:
    person = User.objects.create_user("ann@example.com")
    own, _ = issue_api_key(tenant=acme, name="own", actor=person)

    made, _ = issue_key_for(
        caller=caller_of_key(own.id), name="made", fields={}, livemode=None, actor="API key own"
    )

    assert made.created_by == person
