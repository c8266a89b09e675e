"""Public ids and the UUIDs behind them."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from pictor.kit.words import ids

SOME = UUID("01920f2e-1a2b-7c3d-8e4f-5a6b7c8d9e0f")


def test_a_new_uuid_is_of_version_seven():
    made = ids.new_uuid()

    assert (made.version, made.variant) == (7, "specified in RFC 4122")


def test_a_new_uuid_begins_with_the_milliseconds():
    before = time.time_ns() // 1_000_000

    milliseconds = ids.new_uuid().int >> 80

    assert before <= milliseconds <= time.time_ns() // 1_000_000


def test_ids_made_in_one_millisecond_differ_and_are_in_order():
    made = [ids.new_uuid() for _ in range(10_000)]

    assert made == sorted(set(made))


def test_ids_of_one_instant_differ(monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: 1_795_737_600_123_456_789)

    made = {ids.new_uuid() for _ in range(1_000)}

    assert len(made) == 1_000
    assert {str(one)[:19] for one in made} == {"01a21a4d-407b-774f-"}


@pytest.mark.parametrize(
    ("value", "public"),
    [
        (UUID(int=0), "gen_00000000000000000000000000"),
        (UUID(int=1), "gen_00000000000000000000000001"),
        (UUID(int=32), "gen_00000000000000000000000010"),
        (UUID(int=(1 << 128) - 1), "gen_7zzzzzzzzzzzzzzzzzzzzzzzzz"),
    ],
)
def test_a_public_id_is_the_prefix_and_crockfords_base_32(value, public):
    assert ids.public("gen", value) == public
    assert ids.parse("gen", public) == value


def test_a_public_id_reads_back():
    made = [ids.new_uuid() for _ in range(100)]

    assert [ids.parse("key", ids.public("key", one)) for one in made] == made


def test_public_ids_sort_as_their_uuids_do():
    uuids = sorted(UUID(int=(at << 80) + 7) for at in (1, 31, 32, 1023, 1024, 1 << 47))
    public = [ids.public("gen", uuid) for uuid in uuids]

    assert all(earlier < later for earlier, later in pairwise(public))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gen",
        "gen_",
        "gen_0000000000000000000000000",
        "gen_000000000000000000000000000",
        "gen_8zzzzzzzzzzzzzzzzzzzzzzzzz",
        "gen_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "gen_0000000000000000000000000i",
        "gen_0000000000000000000000000L",
        "gen_0000000000000000000000000A",
        "gen_0000000000000000000000000٣",
        "GEN_00000000000000000000000000",
        "img_00000000000000000000000000",
        "gen-00000000000000000000000000",
        " gen_00000000000000000000000000",
        "gen_0000000000000000000000000\n",
        str(SOME),
    ],
)
def test_anything_else_is_no_id(text):
    assert ids.parse("gen", text) is None


def test_a_uuid_of_a_past_moment_stands_between_those_around_it():
    at = datetime(2026, 8, 20, 12, 0, 0, 250_000, tzinfo=UTC)

    made = ids.new_uuid_of(at)

    assert made.version == 7
    assert made < ids.new_uuid_of(at + timedelta(microseconds=1))
    assert ids.first_at(at) <= made < ids.first_at(at + timedelta(milliseconds=1))


def test_before_1970_the_first_is_the_smallest_of_all():
    assert ids.first_at(datetime(1926, 1, 1, tzinfo=UTC)) == ids.first_at(
        datetime(1970, 1, 1, tzinfo=UTC)
    )


def test_ids_made_about_the_same_time_lie_between_bounds():
    at = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
    first, end = ids.about(
        ids.new_uuid_of(at), before=timedelta(seconds=2), after=timedelta(minutes=1)
    )

    within = [
        first <= ids.new_uuid_of(at + timedelta(seconds=seconds)) < end
        for seconds in (-3, -2, 0, 59, 60)
    ]

    assert within == [False, True, True, True, False]


def test_bounds_stay_uuids_at_both_ends_of_time():
    long = timedelta(days=9)

    assert ids.about(UUID(int=0), before=long, after=long)[0] == UUID(int=0)
    assert ids.about(UUID(int=(1 << 128) - 1), before=long, after=long)[1].int < 1 << 128


def test_operators_type_an_id_or_a_uuid():
    assert ids.parse_either(ids.GENERATION, ids.public(ids.GENERATION, SOME)) == SOME
    assert ids.parse_either(ids.GENERATION, str(SOME)) == SOME
    assert ids.parse_either(ids.GENERATION, ids.public(ids.KEY, SOME)) is None
