"""Drafts at the shell: copied, edited from the shown list, deleted, and scheduled."""

import json

import pytest
from django.core.management.base import CommandError

from billing.models import PriceBook
from billing.selectors import book_in_force, rows_of, state_of
from pictor.kit.words import clock

pytestmark = pytest.mark.django_db

LOW = ("gpt-image-2-origin", "1024x1024", "low")
CELL = ("--model", LOW[0], "--size", LOW[1], "--quality", LOW[2])


@pytest.fixture
def draft(price, seeded):
    """list:2, a copy of list:1."""
    price("draft", "list:1")
    return PriceBook.objects.get(version=2)


def price_of(book: PriceBook | None) -> int:
    return {row.key: row.micros for row in rows_of(book)}[LOW]


@pytest.mark.parametrize(
    ("how", "after"),
    [
        (("--by", "5%"), 6_174),
        (("--by=-50%",), 2_940),
        (("--round-up", "0.001"), 6_000),
        (("--to", "0.21"), 210_000),
    ],
)
def test_prices_of_a_draft_are_shown_asked_about_and_changed(price, draft, how, after):
    said = price("change", "list:2", *CELL, *how, typed="y\n")

    assert said.startswith(f"{' '.join(LOW)}: 0.005880 USD -> {after / 1e6:.6f} USD\n")
    assert "Change 1 prices of list:2? [y/N]" in said
    assert price_of(draft) == after
    assert sum(row not in rows_of(draft) for row in rows_of(book_in_force(None, clock.now()))) == 1


def test_without_a_yes_nothing_is_changed_and_no_option_stands_for_it(price, draft):
    with pytest.raises(CommandError, match=r"Nothing was changed\."):
        price("change", "list:2", "--by", "5", typed="\n")
    with pytest.raises(CommandError, match="unrecognized arguments: --yes"):
        price("change", "list:2", "--by", "5", "--yes")

    assert price_of(draft) == 5_880


def test_suspicious_and_omitted_prices_are_named(price, draft):
    many = price("change", "list:2", "--by", "500", typed="y\n")
    none = price("change", "list:2", "--cost-times", "1.3", typed="y\n")

    assert "by more than 50 %, perhaps mistyped: " in many
    assert "left out because they are only held: " in many
    assert "left out because their cost is unknown: " in none
    assert none.endswith("changed prices: 0\n")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("list:2", "--by", "5,5"), "'5,5' is not a number such as 5 or -2.5"),
        (("list:2", "--to", "0"), "a price must be above 0"),
        (("list:2", "--to", ""), "'empty' is not an amount"),
        (("list:2", "--to", "0,21"), "'0,21' is not an amount"),
        (("list:2", "--model", "dalle", "--by", "5"), "list:2 has no such prices"),
        (("list:9", "--by", "5"), "there is no price book 'list:9'"),
        (("list:1", "--by", "5"), "the book is published already"),
        (("list:2",), "one of the arguments --by --cost-times --round-up --to is required"),
    ],
)
def test_a_typed_mistake_is_one_clear_line(price, draft, words, why):
    with pytest.raises(CommandError) as refused:
        price("change", *words, typed="y\n")

    assert why in str(refused.value)
    assert price_of(draft) == 5_880


def test_the_last_change_is_taken_back(price, draft):
    price("change", "list:2", "--by", "5", typed="y\n")

    said = price("undo", "list:2")

    assert said.startswith("prices of list:2 as before: ")
    assert price_of(draft) == 5_880
    with pytest.raises(CommandError, match="the book is published already"):
        price("undo", "list:1")


@pytest.mark.parametrize("typed", ["NaN", "1_2", "0", "-1"])
def test_a_markup_is_a_factor_above_0(price, draft, typed):
    with pytest.raises(CommandError, match=r"is not a (factor above 0|number such as 1\.2)"):
        price("markup", "list:2", typed)


def test_a_markup_is_set_and_a_draft_thrown_away(price, draft):
    marked = price("markup", "list:2", "1.2")
    gone = price("discard", "list:2")

    assert marked == "markup of list:2: 1 -> 1.2\n"
    assert gone == "list:2 is discarded\n"
    assert not PriceBook.objects.filter(version=2).exists()
    with pytest.raises(CommandError, match="the book is published already"):
        price("discard", "list:1")


def test_a_change_as_json_is_nothing_but_json(price, draft, capsys):
    said = price("change", "list:2", *CELL, "--by", "5", "--json", typed="y\n")

    assert json.loads(said.splitlines()[-1])["changed"] == [
        {
            "model": LOW[0],
            "size": LOW[1],
            "quality": LOW[2],
            "was": "0.005880",
            "becomes": "0.006174",
        }
    ]


def test_a_draft_is_published_from_a_date_and_not_from_the_past(price, draft):
    with pytest.raises(CommandError, match="the date is in the past"):
        price("publish", "list:2", "--from", "2020-01-01T00:00:00Z", "--yes")

    price("publish", "list:2", "--from", "2099-12-01T00:00:00Z", "--yes")

    draft.refresh_from_db()
    assert state_of(draft, clock.now()) == "scheduled"


def test_restoring_a_book_can_withdraw_a_scheduled_one(price, draft):
    price("change", "list:2", *CELL, "--by", "5", typed="y\n")
    price("publish", "list:2", "--yes")
    price("draft", "list:2")
    price("publish", "list:3", "--from", "2099-12-01T00:00:00Z", "--yes")

    with pytest.raises(CommandError, match="list:1 does not take over later"):
        price("restore", "list:1", "--withdraw", "list:1", "--yes")
    said = price("restore", "list:1", "--withdraw", "list:3", "--yes")

    assert said == "list:1 is in force again, as list:4\n"
    assert state_of(PriceBook.objects.get(version=3), clock.now()) == "withdrawn"
    assert price_of(book_in_force(None, clock.now())) == 5_880
