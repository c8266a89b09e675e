"""Money moved by people: once for each id, and large sums by two people."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from accounts.audit_log import audit_page
from accounts.ledger import RequestedMove
from accounts.models import AuditEvent, User
from accounts.services.audit import at_the_shell
from billing.models import MoneyMove, Transfer
from billing.selectors.office.balances import available_to, statement
from billing.selectors.office.ledger import ledger_findings
from billing.selectors.office.moves import decided_moves, waiting_moves
from billing.services.office.moves import approve_move, decline_move, move_money, rehearse
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros
from tests.billing.conftest import LedgerCustomer, alone

MUCH = Micros(50_000_000_000)
"""50,000 USD, above PICTOR_MONEY_NEEDS_TWO."""


def requested(
    tenant_id: UUID,
    amount: int = 5_000_000,
    *,
    kind: str = "credit",
    seq: int | None = None,
    note: str = "",
) -> RequestedMove:
    return RequestedMove(
        tenant_id=tenant_id, kind=kind, amount=Micros(amount), seq=seq, reason="sorry", note=note
    )


def payment(tenant_id: UUID, amount: int, reference: str) -> RequestedMove:
    return replace(requested(tenant_id, amount, kind="top_up"), reason=reference)


def move(
    wanted: RequestedMove, *, once: UUID | None = None, actor: User | str = "ann"
) -> MoneyMove:
    return move_money(once=once or ids.new_uuid(), requested=wanted, actor=actor, now=clock.now())


@pytest.fixture
def ann(db):
    return User.objects.create_user("ann@pictor.example", staff_role="finance")


@pytest.fixture
def bob(db):
    return User.objects.create_user("bob@pictor.example", staff_role="owner")


def test_a_form_sent_twice_moves_money_once(acme):
    once, wanted = ids.new_uuid(), requested(acme.id)

    first, second = move(wanted, once=once), move(wanted, once=once)

    assert first.transfer_id == second.transfer_id == statement(acme.id)[-1].id
    assert available_to(acme.id) == 15_000_000


@pytest.mark.usefixtures("pooled_connections")
@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_once_moves_money_once():
    acme, once = LedgerCustomer("acme", 10_000_000), ids.new_uuid()
    wanted = requested(acme.id)

    with ThreadPoolExecutor(2) as both:
        sent = [both.submit(alone, lambda: move(wanted, once=once)) for _ in range(2)]

    assert sent[0].result().transfer_id == sent[1].result().transfer_id
    assert available_to(acme.id) == 15_000_000


def test_a_form_sent_again_with_other_values_is_refused(acme):
    once = ids.new_uuid()
    move(requested(acme.id), once=once)

    with pytest.raises(ValidationError, match="sent before with other values"):
        move(requested(acme.id, 6_000_000), once=once)

    assert available_to(acme.id) == 15_000_000


@pytest.mark.parametrize(
    ("kind", "amount", "more", "after"),
    [
        ("top_up", 7_000_000, {}, 17_000_000),
        ("credit", 1, {}, 10_000_001),
        ("adjustment", -4_000_000, {}, 6_000_000),
        ("reversal", 3_000_000, {"seq": 1}, 7_000_000),
    ],
)
def test_a_rehearsal_says_what_would_be_and_moves_nothing(acme, kind, amount, more, after):
    wanted = requested(acme.id, amount, kind=kind, **more)

    effect = rehearse(wanted, actor="ann")
    moved = (effect.before, effect.after, len(statement(acme.id)), available_to(acme.id))
    move(wanted)

    assert moved == (10_000_000, after, 1, 10_000_000)
    assert available_to(acme.id) == after
    assert ledger_findings() == []


@pytest.mark.parametrize(
    ("kind", "amount", "message"),
    [
        ("adjustment", -10_000_001, r"only \$10\.00 is available"),
        ("reversal", 10_000_001, "can be reversed now"),
        ("credit", 0, "above 0"),
        ("hold", 5, "Money cannot be moved by a hold"),
        ("refund", 5, "Money cannot be moved by a refund"),
    ],
)
@pytest.mark.parametrize("act", [move, lambda wanted: rehearse(wanted, actor="ann")])
def test_an_impossible_move_leaves_nothing(acme, kind, amount, message, act):
    seq = 1 if kind == "reversal" else None

    with pytest.raises(ValidationError, match=message):
        act(requested(acme.id, amount, kind=kind, seq=seq))

    assert (MoneyMove.objects.count(), available_to(acme.id)) == (0, 10_000_000)


def test_much_waits_for_another_person(acme, ann, bob):
    waits = move(requested(acme.id, MUCH, note="as agreed"), actor=ann)
    before = available_to(acme.id)
    with pytest.raises(ValidationError, match="Somebody other than the person who asked"):
        approve_move(move_id=waits.id, actor=ann, now=clock.now())

    booked = approve_move(move_id=waits.id, actor=bob, now=clock.now(), ip="192.0.2.7")

    assert (waits.transfer_id, before) == (None, 10_000_000)
    assert available_to(acme.id) == 50_010_000_000
    transfer = Transfer.objects.get(id=booked.transfer_id or 0)
    assert (transfer.kind, transfer.reason) == ("credit", "sorry")
    log = AuditEvent.objects.filter(action__in=["money.ask", "money.approve", "balance.credit"])
    said = [(one.action, one.actor_name, one.tenant_id, one.ip) for one in log.order_by("id")]
    assert said == [
        ("money.ask", "ann@pictor.example", None, None),
        ("money.approve", "bob@pictor.example", None, "192.0.2.7"),
        ("balance.credit", "bob@pictor.example", acme.id, "192.0.2.7"),
    ]
    assert "as agreed" not in str([one.after for one in audit_page(acme.id, limit=9)])
    assert (waiting_moves(clock.now()), ledger_findings()) == ([], [])


def test_the_person_asking_at_the_shell_cannot_approve_in_the_browser(acme, ann):
    hand = at_the_shell.set("root as Ann@pictor.example")
    waits = move(requested(acme.id, MUCH), actor="manage.py")
    at_the_shell.reset(hand)

    with pytest.raises(ValidationError, match="Somebody other than the person who asked"):
        approve_move(move_id=waits.id, actor=ann, now=clock.now())


def decline(waits: MoneyMove, bob: User) -> None:
    decline_move(move_id=waits.id, actor=bob, now=clock.now())


def approve(waits: MoneyMove, bob: User) -> None:
    approve_move(move_id=waits.id, actor=bob, now=clock.now())


def expire(waits: MoneyMove, bob: User) -> None:
    del bob
    MoneyMove.objects.filter(id=waits.id).update(expires_at=clock.now() - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("end", "state"),
    [(decline, "declined by bob"), (approve, "booked by bob"), (expire, "expired")],
)
def test_a_move_is_decided_once(acme, ann, bob, end, state):
    waits = move(requested(acme.id, MUCH), actor=ann)
    end(waits, bob)
    available = available_to(acme.id)

    with pytest.raises(ValidationError, match=f"is no longer waiting: it is {state}"):
        approve_move(move_id=waits.id, actor=bob, now=clock.now())
    with pytest.raises(ValidationError, match=f"is no longer waiting: it is {state}"):
        decline_move(move_id=waits.id, actor=bob, now=clock.now())

    assert available_to(acme.id) == available
    assert waiting_moves(clock.now()) == []


def test_decided_moves_are_listed_latest_first(acme, ann, bob):
    ends = (expire, decline, approve)
    waits = [move(requested(acme.id, MUCH + micros), actor=ann) for micros in range(4)]
    for one, end in zip(waits, ends, strict=False):
        end(one, bob)
    move(requested(acme.id), actor=ann)

    found = decided_moves(clock.now(), limit=9)

    assert [(one.amount - MUCH, one.state(clock.now())) for one, _ in found] == [
        (2, "booked"), (1, "declined"), (0, "expired"),
    ]  # fmt: skip
    times = [at for _, at in found]
    assert times[0] == Transfer.objects.get(id=found[0][0].transfer_id or 0).created_at
    assert times[1] == found[1][0].declined_at
    assert len(decided_moves(clock.now(), limit=2)) == 2
    told = json.loads(run("list", "--decided", "--json"))
    assert [(one["state"], one["decided_by"]) for one in told] == [
        ("booked", "bob@pictor.example"), ("declined", "bob@pictor.example"),
        ("expired", "nobody in time"),
    ]  # fmt: skip


def test_a_move_that_cannot_be_booked_now_does_not_wait(acme, ann):
    with pytest.raises(ValidationError, match="only"):
        move(requested(acme.id, -MUCH, kind="adjustment"), actor=ann)

    assert waiting_moves(clock.now()) == []


def run(*words: str) -> str:
    out = StringIO()
    call_command("money", *words, stdout=out)
    return out.getvalue()


def test_a_reversal_is_negative_at_the_shell(acme, settings):
    settings.MONEY_NEEDS_TWO = Micros(1_000_000)
    move(requested(acme.id, 3_000_000, kind="reversal", seq=1, note="paid twice"))

    (row,) = json.loads(run("list", "--json"))

    assert (row["kind"], row["amount"]) == ("reversal", "-3.000000")


def test_a_top_up_with_three_zeros_too_many_waits_and_is_declined(acme):
    out = StringIO()
    words = ("top-up", "acme", "99000", "--reference", "INV-1", "--yes", "--as", "ann@x.example")
    call_command("tenant", *words, stdout=out)
    (waits,) = waiting_moves(clock.now())

    assert f"99000.000000 USD wait until {waits.expires_at:%Y-%m-%d %H:%M} UTC" in out.getvalue()
    assert str(waits.id) in run("list")
    with pytest.raises(CommandError, match="Somebody other than the person who asked"):
        run("approve", str(waits.id), "--as", "ann@x.example")
    assert "declined" in run("decline", str(waits.id), "--as", "ann@x.example")
    assert run("list") == "Nothing waits.\n"
    assert "declined" in run("list", "--decided")
    assert available_to(acme.id) == 10_000_000
    with pytest.raises(CommandError, match="not the id"):
        run("approve", "7")


@pytest.mark.parametrize("amount", [5_000_000, MUCH])
@pytest.mark.parametrize("reference", ["BIG1", " big1", "\uff22\uff29\uff27\uff11"])
def test_the_reference_of_a_waiting_payment_is_reserved(acme, ann, bob, amount, reference):
    first = payment(acme.id, MUCH, "BIG1")
    waits = move(first, actor=ann)

    with pytest.raises(ValidationError, match=r"\$50,000.00 with the reference 'BIG1'.*waits for"):
        move(payment(acme.id, amount, reference), actor=bob)

    assert move(first, once=waits.id, actor=ann) == waits
    assert (MoneyMove.objects.get(), available_to(acme.id)) == (waits, 10_000_000)
    decline_move(move_id=waits.id, actor=ann, now=clock.now())
    assert move(payment(acme.id, 5_000_000, reference)).transfer_id is not None


def test_other_payments_do_not_wait_for_one_that_waits(acme, other, ann, bob):
    waits = move(payment(acme.id, MUCH, "BIG1"), actor=ann)

    moved = [
        move(payment(acme.id, 5_000_000, "BIG2")),
        move(payment(other.id, 5_000_000, "BIG1")),
        move(requested(acme.id)),
        approve_move(move_id=waits.id, actor=bob, now=clock.now()),
    ]

    assert [one.transfer_id is None for one in moved] == [False] * 4


def test_a_reference_of_full_width_is_the_same_reference(acme):
    move(payment(acme.id, 5_000_000, "\uff32\uff11"))

    with pytest.raises(ValidationError, match="with the reference 'R1' was booked on"):
        move(payment(acme.id, 5_000_000, "R1"))
