"""Forms about lines that are sent while their bill is being matched or decided on."""

from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import connection, transaction

from billing.models import Transfer
from generation.models import VendorBill
from generation.oversight.bills import decisions, intake
from tests.billing.conftest import alone, pool
from tests.console.answers import said_by
from tests.console.ops.acting import act_page, do, seen_in
from tests.console.ops.conftest import new_owner
from tests.making.bills import csv_file, matched, row
from tests.making.factories import make_channel
from tests.making.seeds import sow

__all__ = ["pool"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owners_cookies(transactional_db: None) -> SimpleCookie:
    """Cookies of an owner's session, committed."""
    return new_owner().cookies


@pytest.fixture
def bill() -> VendorBill:
    """One line that differs."""
    sow()
    return matched(make_channel(), csv_file(row("x", 90, "0.05")), accept=True)


@pytest.mark.parametrize("action", ["take", "dispute"])
def test_lines_of_a_bill_that_is_being_matched_are_not_called_decided(owner, bill, action):
    intake.request_rematch(bill, actor="ann")
    said = {"line": bill.lines.get().pk, "reason": "r", "words": "w"}

    answer = owner.post(act_page(f"bill.{action}", bill.pk), said, follow=True)

    assert decisions.BEING_MATCHED in said_by(answer)
    assert "already decided" not in said_by(answer)


def test_a_line_is_taken_only_with_the_change_that_was_shown(owner, bill):
    line, path = bill.lines.get(), act_page("bill.take", bill.pk)
    shown = owner.get(path, {"line": line.pk})
    other = matched(bill.channel, csv_file(row("x", 90, "0.02")), accept=True)
    decisions.take(list(other.lines.all()), reason="an earlier bill", actor="ann")
    intake.request_rematch(bill, actor="ann")
    intake.match_waiting()

    said = {"line": line.pk, "reason": "r"}
    unseen = owner.post(path, {**said, "seen": seen_in(shown)})
    booked = corrections()
    seen = owner.post(path, {**said, "seen": seen_in(unseen)})

    assert "a change of $0.05." in said_by(shown)
    assert unseen.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "This is another effect than was shown. Check it, then go on." in said_by(unseen)
    assert "a change of $0.03." in said_by(unseen)
    assert (booked, seen.status_code) == ([20_000], HTTPStatus.SEE_OTHER)
    assert corrections() == [20_000, 30_000]


def corrections() -> list[int]:
    moved = Transfer.objects.filter(kind="correction").order_by("id")
    return [one.cost_change for one in moved]


def test_a_dispute_of_a_line_whose_bill_is_locked_is_refused_in_words(owner, bill, pool):
    said = {"line": bill.lines.get().pk, "words": "never asked for"}

    def impatient() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 20")
        return do(owner, "bill.dispute", bill.pk, **said)

    with transaction.atomic():
        VendorBill.objects.select_for_update().get(pk=bill.pk)
        answer = pool.submit(alone, impatient).result(20)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert decisions.IN_USE in said_by(answer)
