"""Usage by tag: counted once, at most so many a day, and erased with the words."""

from collections.abc import Iterator

import pytest
from django.db import connection

from billing.models import SoldUntil, Transfer
from billing.selectors.office.sold import Settled
from billing.services.office.sold import add_next
from generation.lifecycle import outcome
from generation.lifecycle.outcome import Failure
from generation.lifecycle.settlement import cancel, fail, settle_and_tell
from generation.models import Generation, TaggedDay, TaggedUntil
from generation.oversight import tagged_days
from generation.oversight.daily_sales import sold_by
from generation.tenants.forgetting import forget_words
from pictor.kit.words import clock
from tests.making.factories import make_delivery, stored_images, take


@pytest.fixture(autouse=True)
def _few_at_once(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    """Count two at a time from here on: transfers' ids go on from test to test."""
    monkeypatch.setattr(tagged_days, "TRANSFERS_AT_ONCE", 2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM billing_transfer_id_seq")
        ((last,),) = cursor.fetchall()
    TaggedUntil.objects.update_or_create(pk=1, defaults={"transfer_id": last})


@pytest.fixture
def made(acme, worker, spools):
    """Make a generation with these fields: `made({"user": "ann"})`."""

    def make(fields: dict[str, str], *, fails: bool = False) -> Generation:
        generation: Generation = acme.generation()
        Generation.objects.filter(id=generation.id).update(fields=fields)
        claim = take(generation_id=generation.id, worker=worker)
        assert claim is not None
        if fails:
            fail(claim=claim, failure=Failure(outcome.TIMED_OUT), now=clock.now())
        else:
            delivery = make_delivery(claim, spools, sizes=((1024, 1024),))
            stored = stored_images(claim, delivery)
            settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=clock.now())
        return generation

    return make


def counted() -> list[tuple[str, str, int, int, int, int]]:
    """Count all that ended, and return the rows."""
    last = Transfer.objects.latest("id").id
    while add_next(sold_by, to=Settled(last, clock.now())):
        pass
    tagged_days.count_tagged()
    return list(rows())


def rows() -> Iterator[tuple[str, str, int, int, int, int]]:
    figures = ("generations", "failed", "images", "captured_micros")
    yield from TaggedDay.objects.order_by("part", "tag").values_list("part", "tag", *figures)


def test_usage_is_counted_once_by_the_callers_tag(acme, made):
    made({"user": "ann"})
    made({"user": "ann", "safety_identifier": "s-1"}, fails=True)
    made({"user": "", "safety_identifier": "s-2"})
    made({})
    cancel(generation=acme.generation(), now=clock.now())

    first, again = counted(), counted()

    assert (
        first
        == again
        == [
            ("none", "", 2, 0, 1, 52_680),
            ("tag", "ann", 2, 1, 1, 52_680),
            ("tag", "s-2", 1, 0, 1, 52_680),
        ]
    )


def test_the_last_tags_of_a_full_day_are_further_ones(made, monkeypatch):
    monkeypatch.setattr(tagged_days, "MAX_TAGS", 2)
    for user in ("ann", "bob", "cid", "dan", "ann"):
        made({"user": user})

    assert [row[:3] for row in counted()] == [
        ("further", "", 2), ("tag", "ann", 2), ("tag", "bob", 1),
    ]  # fmt: skip


def test_a_forgotten_tag_is_in_no_row(made, monkeypatch):
    monkeypatch.setattr(tagged_days, "MAX_TAGS", 1)
    ann, bob, cid = (made({"user": user}) for user in ("ann", "bob", "cid"))
    anon, failed = made({}), made({"user": "ann"}, fails=True)
    counted()
    late = made({"user": "bob"})

    forget_words([ann.id, bob.id, anon.id, late.id], now=clock.now())
    forget_words([ann.id], now=clock.now())
    partly = list(rows())
    forget_words([cid.id, failed.id], now=clock.now())

    assert partly == [
        ("erased", "", 3, 0, 3, 158_040),
        ("further", "", 1, 0, 1, 52_680),
        ("tag", "ann", 1, 1, 0, 0),
    ]
    assert list(rows()) == [("erased", "", 5, 1, 4, 210_720)]
    assert counted() == [("erased", "", 6, 1, 5, 263_400)]


def test_nothing_is_counted_before_the_sales_are(made):
    made({"user": "ann"})

    tagged_days.count_tagged()

    assert not TaggedDay.objects.exists()
    assert not SoldUntil.objects.exists()


def test_a_long_tag_is_told_apart_by_its_beginning(made):
    generation = made({"user": "\N{GRINNING FACE}" * 1000})

    ((part, tag, number, *_),) = counted()
    forget_words([generation.id], now=clock.now())

    assert (part, tag, number) == ("tag", "\N{GRINNING FACE}" * 500, 1)
    assert [row[0] for row in rows()] == ["erased"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM generation_taggedday WHERE tag <> ''")
        assert cursor.fetchone() == (0,)
