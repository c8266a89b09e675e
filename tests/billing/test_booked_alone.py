"""The limit of a day on what staff book alone: by person, by tenant, and said before."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from accounts.ledger import RequestedMove
from accounts.models import User
from accounts.selectors.office.people import was_staff_at
from accounts.services.office.founding import Start, found_tenant
from accounts.services.office.staff import remove_staff, set_staff_role
from billing.models import MoneyMove, Transfer
from billing.selectors.office.balances import available_to
from billing.selectors.office.moves import waiting_moves
from billing.services.office.moves import approve_move, decline_move, is_typed_twice, move_money
from billing.services.office.second_person import day_so_far, needs_another, why_it_waits
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros
from tests.billing.conftest import LedgerCustomer, alone

USD = 1_000_000


def person(name: str, role: str = "finance") -> User:
    return User.objects.create_user(f"{name}@pictor.example", staff_role=role)


@pytest.fixture
def ann(db):
    return person("ann")


@pytest.fixture
def bob(db):
    return person("bob", "owner")


@pytest.fixture
def acme(db):
    return LedgerCustomer("acme", 20_000 * USD)


def move(
    of: LedgerCustomer,
    dollars: int,
    *,
    by: User | str,
    kind: str = "credit",
    hours_ago: int = 0,
    seq: int | None = None,
) -> MoneyMove:
    wanted = RequestedMove(
        tenant_id=of.id, kind=kind, amount=Micros(dollars * USD), reason="INV-7", seq=seq
    )
    now = clock.now() - timedelta(hours=hours_ago)
    return move_money(once=ids.new_uuid(), requested=wanted, actor=by, now=now)


def is_booked(made: MoneyMove) -> bool:
    return made.transfer_id is not None


@pytest.mark.usefixtures("pooled_connections")
@pytest.mark.django_db(transaction=True)
def test_of_five_times_the_limit_at_once_one_is_booked_and_four_wait():
    acme, ann = LedgerCustomer("acme", 0), person("ann")
    person("bob")

    with ThreadPoolExecutor(5) as five:
        sent = [five.submit(alone, lambda: move(acme, 10_000, by=ann)) for _ in range(5)]
        booked = [is_booked(one.result()) for one in sent]

    assert sorted(booked) == [False, False, False, False, True]
    assert available_to(acme.id) == 10_000 * USD
    assert len(waiting_moves(clock.now())) == 4


def test_amounts_of_all_kinds_count_whether_they_give_or_take(acme, ann, bob):
    kinds = [
        is_booked(move(acme, 4_000, by=ann)),
        is_booked(move(acme, -3_000, by=ann, kind="adjustment")),
        is_booked(move(acme, 3_000, by=ann, kind="reversal", seq=1)),
        is_booked(move(acme, 1, by=ann)),
    ]

    assert kinds == [True, True, True, False]


def test_a_payment_counts_for_nothing_and_is_bound_by_its_size_alone(acme, ann, bob):
    move(acme, 10_000, by=ann, kind="top_up")

    assert is_booked(move(acme, 10_000, by=ann))
    assert is_booked(move(LedgerCustomer("other", 0), 10_000, by=ann, kind="top_up"))


def test_an_amount_is_large_above_its_limit():
    assert [is_typed_twice(micros) for micros in (1_000 * USD, 1_000 * USD + 1)] == [False, True]
    assert [needs_another(micros) for micros in (10_000 * USD, 10_000 * USD + 1)] == [False, True]


def test_a_tenant_gets_no_more_from_two_people_than_from_one(acme, ann, bob):
    move(acme, 6_000, by=ann)

    same = move(acme, 6_000, by=bob)
    other = move(LedgerCustomer("other", 0), 6_000, by=bob)

    assert (is_booked(same), is_booked(other)) == (False, True)


def test_a_day_is_over_after_24_hours(acme, ann, bob):
    move(acme, 10_000, by=ann, hours_ago=25)

    assert is_booked(move(acme, 10_000, by=ann))
    assert not is_booked(move(acme, 1, by=ann))


def test_neither_what_two_people_booked_counts_nor_what_was_declined(acme, ann, bob):
    approved, declined = move(acme, 10_001, by=ann), move(acme, 10_001, by=ann)
    approve_move(move_id=approved.id, actor=bob, now=clock.now())
    decline_move(move_id=declined.id, actor=bob, now=clock.now())

    assert is_booked(move(acme, 10_000, by=ann))
    assert is_booked(move(LedgerCustomer("other", 0), 10_000, by=bob))


def test_the_shell_is_not_bound(acme, ann, bob):
    booked = [is_booked(move(acme, 10_000, by="manage.py")) for _ in range(2)]

    assert booked == [True, True]
    assert is_booked(move(acme, 10_000, by=ann))


@pytest.mark.parametrize("role", ["support", "operator"])
def test_who_alone_may_move_money_has_no_limit_of_a_day(acme, role):
    eve = person("eve", "owner")
    person("else", role)

    booked = [is_booked(move(acme, 10_000, by=eve)) for _ in range(3)]

    assert booked == [True, True, True]
    assert day_so_far(eve, now=clock.now()) == ""


def test_who_removes_the_second_person_is_bound_for_a_day(acme, ann, bob):
    remove_staff(user=ann, actor=bob)

    booked = [is_booked(move(acme, 10_000, by=bob)) for _ in range(2)]

    assert booked == [True, False]


def test_it_is_said_before(acme, ann, bob):
    move(acme, 10_000, by=ann, hours_ago=1)

    def why(dollars: int, *, by: User) -> str:
        return why_it_waits({acme.id: dollars * USD}, actor=by, now=clock.now())

    assert why(2_300, by=ann) == "$12,300 of $10,000 a day: waits for a second person"
    assert why(1, by=bob) == "$10,001 of $10,000 a day: waits for a second person"
    assert day_so_far(ann, now=clock.now()) == "$10,000 of $10,000 a day"
    assert day_so_far(bob, now=clock.now()) == "$0 of $10,000 a day"


def test_opening_credits_count_and_the_one_above_waits_while_its_tenant_is_made(
    acme, ann, bob, settings
):
    move(acme, 9_500, by=ann)

    made = [
        found_tenant(
            once=ids.new_uuid(), name=name, start=Start(credit=Micros(400 * USD)), owner=None,
            actor=ann, now=clock.now(),
        )
        for name in ("one", "two")
    ]  # fmt: skip

    assert [founded.credit_waits for founded in made] == [False, True]
    assert [available_to(founded.tenant.id) for founded in made] == [400 * USD, 0]
    (waits,) = waiting_moves(clock.now())
    assert (waits.tenant, waits.amount) == (made[1].tenant, 400 * USD)
    assert Transfer.objects.filter(kind="credit").count() == 2


def test_only_who_was_staff_when_it_was_asked_for_approves(acme, ann, bob):
    waits = move(acme, 10_001, by=ann)
    User.objects.create_user("eve@pictor.example", "correct horse")
    eve = set_staff_role(email="eve@pictor.example", role="finance", actor=bob).user

    with pytest.raises(ValidationError, match="Somebody who was staff when it was asked for"):
        approve_move(move_id=waits.id, actor=eve, now=clock.now())

    assert available_to(acme.id) == 20_000 * USD
    assert is_booked(approve_move(move_id=waits.id, actor=bob, now=clock.now()))


def test_who_was_staff_is_told_by_the_changes_of_roles(ann, bob):
    before = clock.now()
    set_staff_role(email=ann.email, role="support", actor=bob)
    changed = clock.now()
    remove_staff(user=ann, actor=bob)
    removed = clock.now()
    set_staff_role(email=ann.email, role="owner", actor=bob)
    ann.refresh_from_db()

    known = [was_staff_at(ann, at) for at in (before, changed, removed, clock.now())]

    assert known == [True, True, False, True]


def test_who_was_made_since_was_no_staff_before(ann):
    before = clock.now()

    made = User.objects.create_superuser("new@example.com")

    assert (was_staff_at(made, before), was_staff_at(made, clock.now())) == (False, True)
