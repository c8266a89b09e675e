"""Lines are decided on while their bill is matched again: both succeed, or one is refused."""

from threading import Event

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from generation.models import Channel, VendorBill
from generation.oversight.bills import decisions, intake
from tests.billing.conftest import alone, pool, waits_for_a_lock
from tests.making.bills import call, csv_file, matched, row
from tests.making.factories import PayingCustomer
from tests.stack.stack_processes import until

__all__ = ["pool"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bill(acme: PayingCustomer, channel: Channel) -> VendorBill:
    """Two lines that differ, and one without a call."""
    for number, name in enumerate("ab"):
        call(acme, channel, after=90 * number, request_id=name)
    return matched(channel, csv_file(row("a", 0, "0.035"), row("b", 90, "0.04"), row("x", 99, "1")))


def match_again(bill: VendorBill) -> None:
    intake.request_rematch(VendorBill.objects.get(pk=bill.pk), actor="ann")
    intake.match_waiting()


def take(bill: VendorBill, *numbers: int) -> decisions.Done:
    lines = bill.lines.filter(number__in=numbers).order_by("-number")
    return decisions.take(list(lines), reason="their bill", actor="ann")


def test_a_bill_is_matched_again_once_the_lines_in_hand_are_taken(bill, pool):
    is_one_taken, may_go_on = Event(), Event()

    def take_both() -> list[decisions.Done]:
        with transaction.atomic():
            first = take(bill, 2)
            is_one_taken.set()
            assert may_go_on.wait(20)
            return [first, take(bill, 1)]

    one = pool.submit(alone, take_both)
    assert is_one_taken.wait(20)
    other = pool.submit(alone, lambda: match_again(bill))
    until(waits_for_a_lock)
    may_go_on.set()

    assert [(done.taken, done.refused) for done in one.result(20)] == [(1, []), (1, [])]
    other.result(20)
    bill.refresh_from_db()
    assert (bill.state, bill.sums["equal"]) == ("ready", [2, 75_000, 75_000])


@pytest.mark.parametrize(
    "decide",
    [
        lambda bill: decisions.dispute(bill.lines.all(), words="not ours", actor="ann"),
        lambda bill: decisions.put_back(bill.lines.get(number=1), reason="wrong", actor="ann"),
        lambda bill: decisions.withdraw(bill.lines.get(number=1), actor="ann"),
        lambda bill: decisions.pick(bill.lines.get(number=3), call="x", actor="ann"),
    ],
    ids=["dispute", "put back", "withdraw", "pick"],
)
def test_nothing_is_decided_on_while_the_bill_is_matched(bill, decide):
    intake.request_rematch(bill, actor="ann")

    with pytest.raises(ValidationError, match="is being matched just now: try again"):
        decide(bill)

    intake.match_waiting()
    assert not bill.lines.exclude(decision="").exists()


def test_lines_are_not_taken_while_the_bill_is_matched(bill, pool):
    intake.request_rematch(bill, actor="ann")

    with transaction.atomic():
        intake.read_and_match(bill.pk)
        done = pool.submit(alone, lambda: take(bill, 1)).result(20)

    assert [why for _, why in done.refused] == [decisions.BEING_MATCHED]
    assert take(bill, 1).taken == 1


def test_lines_of_a_bill_that_is_locked_for_long_are_refused_in_words(bill, pool):
    def impatient() -> decisions.Done:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 20")
        return take(bill, 1)

    with transaction.atomic():
        VendorBill.objects.select_for_update().get(pk=bill.pk)
        done = pool.submit(alone, impatient).result(20)

    assert [why for _, why in done.refused] == [decisions.IN_USE]
