"""`manage.py reconcile`: a vendor's bill read, looked at, taken and disputed at the shell."""

import json
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing.models import Transfer
from generation.models import BillLine, VendorBill
from generation.oversight.bills import corrections, intake, listing
from pictor.kit.words.money import Micros
from tests.making.bills import call, csv_file, row

LINES = (row("a", 0, "0.03"), row("b", 60, "0.035"), row("x", 90, "0.05"))


@pytest.fixture
def calls(acme, channel):
    for number, name in enumerate("abc"):
        call(acme, channel, after=60 * number, request_id=name)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], str]:
    def write(content: bytes) -> str:
        path = tmp_path / "bill.csv"
        path.write_bytes(content)
        return str(path)

    return write


def run(*words: str) -> str:
    return said_by_command("reconcile", *words)


def done(act: str, about: object, *words: str) -> Any:
    """What `do` answers a program."""
    said = said_by_command("do", f"bill.{act}", str(about), *words, "--yes", "--json")
    return json.loads(said.splitlines()[-1])


def said_by_command(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=out)
    return out.getvalue()


def shown(*words: str) -> Any:
    return json.loads(run(*words, "--json"))


def test_a_file_is_matched_once_and_a_different_line_of_it_is_taken(calls, file):
    path = file(csv_file(*LINES))
    said = run(path, "--channel", "one")
    bill = VendorBill.objects.get()
    different = BillLine.objects.get(outcome="different")

    taken = done("take", bill.pk, "--line", str(different.pk), "--reason", "r")
    with pytest.raises(CommandError, match=f"as bill {bill.pk}. Nothing was changed."):
        run(path, "--channel", "one")

    assert said == (
        f"bill {bill.pk} of one, 3 lines: ready\n"
        "  Different: 1, theirs $0.035, ours $0.03\n"
        "  Theirs without ours: 1, theirs $0.05, ours $0.00\n"
        "  Ours without theirs: 1, theirs $0.00, ours $0.03\n"
        "  Equal: 1, theirs $0.03, ours $0.03\n"
    )
    assert taken == {
        "act": "bill.take", "done": "1 line taken: $0.005", "taken": 1, "change": "0.005000",
        "before": 0,
    }  # fmt: skip
    assert [one.cost_change for one in Transfer.objects.filter(kind="correction")] == [5_000]


def test_a_line_that_is_matched_again_while_its_change_is_typed_is_not_taken(
    calls, file, monkeypatch
):
    run(file(csv_file(*LINES)), "--channel", "one")
    bill = VendorBill.objects.get()
    made = str(BillLine.objects.get(outcome="different").attempt_id)

    def typed_slowly() -> str:
        by_hand = corrections.CorrectionLine("by hand", made, Micros(1_000))
        corrections.correct([by_hand], reason="a letter", actor="ann")
        intake.request_rematch(bill, actor="ann")
        intake.match_waiting()
        return "y"

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(readline=typed_slowly))

    take = ("do", "bill.take", str(bill.pk), "--list", "different", "--reason", "r")
    said = said_by_command(*take)

    assert "Take $0.005? [y/N] 0 lines taken: $0.00\n" in said
    assert "0.004000 USD now, not by 0.005000: the bill was matched again." in said
    assert [one.cost_change for one in Transfer.objects.filter(kind="correction")] == [1_000]


def test_lines_are_listed_disputed_withdrawn_and_put_back(calls, file):
    run(file(csv_file(*LINES)), "--channel", "one")
    number = str(VendorBill.objects.get().pk)
    done("take", number, "--list", "different", "--reason", "r")
    line = str(BillLine.objects.get(decision="taken").pk)

    back = done("put_back", line, "--reason", "wrong month")
    disputed = done("dispute", number, "--list", "theirs", "--words", "not ours")
    rows = shown("show", number, "--list", "disputed")["lines"]
    listed = json.loads(said_by_command("list", "bills", "--json"))

    assert (back["done"], back["change"]) == ("Put back: -$0.005", "-0.005000")
    assert (disputed["done"], disputed["disputed"]) == ("1 line disputed", 1)
    assert [(one["request_id"], one["theirs"], one["words"]) for one in rows] == [
        ("x", "0.050000", "not ours")
    ]
    assert [listed[name] for name in ("bill", "channel", "state")] == [int(number), "one", "ready"]
    assert "0.035000" in run("show", number, "--list", "different")
    done("withdraw", rows[0]["id"])
    assert shown("show", number, "--list", "disputed")["lines"] == []


def test_named_lines_are_read_in_batches_and_all_are_shown(calls, file, monkeypatch):
    run(file(csv_file(*LINES)), "--channel", "one")
    number = str(VendorBill.objects.get().pk)
    monkeypatch.setattr(listing, "_AT_ONCE", 2)
    named = [f"--line={line.pk}" for line in BillLine.objects.order_by("id")[:3]]

    said = shown("show", number, *named)
    printed = run("show", number, *named).splitlines()

    assert (said["lines"][0]["request_id"], said["channel"]) == ("a", "one")
    assert [one["request_id"] for one in said["lines"]] == ["a", "b", "x"]
    assert [line.split()[:2] for line in printed[5:]] == [
        ["id", "line"],
        [named[0][7:], "1"],
        [named[1][7:], "2"],
        ["id", "line"],
        [named[2][7:], "3"],
    ]


def test_the_costs_of_a_bill_are_printed_as_a_cost_table(calls, file, channel):
    run(file(csv_file(row("a", 0, "0.04"), row("b", 60, "0.04"))), "--channel", "one")

    said = run("costs", str(VendorBill.objects.get().pk))

    assert said.splitlines()[1:] == [
        "model,size,quality,usd,kind",
        "gpt-image-2-origin,1024x1024,medium,0.040000,fixed",
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            ["nowhere.csv", "--channel", "one"],
            "No such file or directory: nowhere.csv; the",
        ),
        (["FILE"], "--channel must name the bill"),
        (["FILE", "--channel", "two"], "there is no channel 'two'"),
        (["FILE", "--channel", "one", "--mapping", "cost=usd"], "'cost=usd' is none of request_id"),
        (["FILE", "--channel", "one", "--mapping", "amount=usd"], "has no column 'usd'"),
        (["FILE", "--channel", "one", "--zone", "Mars"], "'Mars' is not a time zone"),
        (["FILE", "--channel", "one", "--unit", "cents"], "Then --unit usd. Nothing was kept"),
        (["show"], "there is no bill"),
        (["show", "999"], "there is no bill 999"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_kept(calls, file, words, complaint):
    path = file(csv_file(*LINES))

    with pytest.raises(CommandError, match=complaint):
        run(*(path if word == "FILE" else word for word in words))

    assert VendorBill.objects.count() == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["take", "--list", "different"], "--reason: This field is required"),
        (["take", "--list", "same", "--reason", "r"], "--list: Select a valid choice"),
        (["take", "--list", "equal", "--reason", "r"], "Nothing to take"),
        (["take", "--line", "987654321", "--reason", "r"], "Nothing to take"),
        (["dispute", "--list", "equal", "--words", "w"], "Nothing to dispute"),
        (["accept"], "Nothing about it is in doubt"),
    ],
)
def test_a_mistaken_decision_corrects_nothing(calls, file, words, complaint):
    run(file(csv_file(*LINES)), "--channel", "one")
    action, *rest = words

    with pytest.raises(CommandError, match=complaint):
        done(action, VendorBill.objects.get().pk, *rest)

    assert not Transfer.objects.filter(kind="correction").exists()
