"""A vendor's line in overlapping bills is one line, whatever is configured between them."""

from datetime import timedelta
from importlib import import_module

from django.db import connection

from generation.models import Attempt, Channel, Route, VendorBill
from generation.oversight.bills import decisions, intake
from tests.making.bills import NOON, call, costs_of_days, csv_file, lines_of, matched, row, stamp
from tests.making.factories import ORIGIN

MIDNIGHT = NOON.replace(hour=0)
HEADER = "created_at,model,cost_usd"
ONE = "2026-11-20T12:00:10Z,flare-2 (1 MP),0.05"
OTHER = "2026-11-21T12:00:10Z,flare-2 (1 MP),0.07"
ITEMS = [("flare-2, input", "0.01"), ("flare-2-2026-01-31, output", "0.04")]
DAY_AFTER = (MIDNIGHT + timedelta(days=1), [("flare-2, output", "0.07")])
TAKEN_AND_NEW = [(1, "equal", 50_000, 50_000), (2, "part", 0, 0), (3, "theirs", 70_000, 0)]
KEYS = import_module("generation.migrations.0044_lines_keyed_by_vendors_words").KEYS


def route(channel: Channel, upstream_model: str = "flare-2") -> Route:
    return Route.objects.create(
        channel=channel, contract_id="gpt-image-2", upstream_model=upstream_model
    )


def take_all(bill: VendorBill) -> decisions.Done:
    lines = decisions.takeable(bill).order_by("id")
    return decisions.take(list(lines), reason="the bill of November", actor="ann")


def test_a_line_whose_model_is_routed_later_is_taken_once(channel):
    take_all(matched(channel, csv_file(ONE, header=HEADER), accept=True))
    route(channel)

    bill = matched(channel, csv_file(ONE, OTHER, header=HEADER))

    assert lines_of(bill) == [(1, "equal", 50_000, 50_000), (2, "theirs", 70_000, 0)]
    assert take_all(bill).change == 70_000


def test_a_line_whose_model_is_routed_no_more_is_taken_once(channel):
    removed = route(channel)
    take_all(matched(channel, csv_file(ONE, header=HEADER)))
    removed.delete()

    bill = matched(channel, csv_file(ONE, OTHER, header=HEADER), accept=True)

    assert lines_of(bill) == [(1, "equal", 50_000, 50_000), (2, "theirs", 70_000, 0)]


def test_a_day_whose_model_is_routed_later_is_taken_once(channel):
    take_all(matched(channel, costs_of_days((MIDNIGHT, ITEMS)), accept=True))
    route(channel)

    bill = matched(channel, costs_of_days((MIDNIGHT, ITEMS), DAY_AFTER))

    assert lines_of(bill) == TAKEN_AND_NEW


def test_a_day_whose_model_is_routed_no_more_is_taken_once(channel):
    removed = route(channel)
    take_all(matched(channel, costs_of_days((MIDNIGHT, ITEMS))))
    removed.delete()

    bill = matched(channel, costs_of_days((MIDNIGHT, ITEMS), DAY_AFTER), accept=True)

    assert lines_of(bill) == TAKEN_AND_NEW


def test_calls_of_the_same_word_are_beside_the_days_total_of_it(acme, channel):
    call(acme, channel, after=0, upstream_model="Flare-2")
    call(acme, channel, after=60, micros=20_000, upstream_model="flare-2-2026-01-31")
    call(acme, channel, after=120, micros=70_000, upstream_model="flare-2-mini")

    bill = matched(channel, costs_of_days((MIDNIGHT, [("flare-2, output", "0.06")])))
    done = take_all(bill)

    assert lines_of(bill) == [(1, "different", 60_000, 50_000), (0, "ours", 0, 70_000)]
    assert (done.taken, done.change, done.refused) == (2, -60_000, [])


def test_the_rows_in_another_order_are_the_same_lines(acme, channel):
    call(acme, channel, request_id="a")
    rows = [row("a", 0, "0.01", "in"), row("a", 0, "0.03", "out"), row("x", 90, "0.05", "out")]
    header = "request_id,created_at,model,cost_usd,part"
    take_all(matched(channel, csv_file(*rows, header=header)))

    bill = matched(channel, csv_file(*reversed(rows), header=header))

    assert lines_of(bill) == [
        (1, "equal", 50_000, 50_000),
        (2, "equal", 40_000, 40_000),
        (3, "part", 0, 0),
    ]


def test_repeated_rows_of_a_day_are_lines_of_their_own(acme, channel):
    call(acme, channel)
    items = [(f"{ORIGIN}, in", "0.01"), (f"{ORIGIN}, out", "0.02")]

    bill = matched(channel, costs_of_days((MIDNIGHT, [*items, *items])))
    done = take_all(bill)

    assert lines_of(bill) == [
        (1, "equal", 30_000, 30_000),
        (2, "part", 0, 0),
        (3, "theirs", 10_000, 0),
        (4, "theirs", 20_000, 0),
    ]
    assert (done.taken, done.change, done.refused) == (2, 30_000, [])


def test_a_line_taken_without_a_call_counts_once_the_call_is_known(acme, channel):
    late = call(acme, channel, request_id="a")
    finished = late.finished_at
    Attempt.objects.filter(pk=late.pk).update(finished_at=None)
    take_all(matched(channel, csv_file(row("a", 0, "0.05")), accept=True))
    Attempt.objects.filter(pk=late.pk).update(finished_at=finished)

    bill = matched(channel, csv_file(row("a", 0, "0.05"), row("x", 90, "0.01")))
    done = take_all(bill)

    assert lines_of(bill)[0] == (1, "different", 50_000, 80_000)
    assert (done.change, done.refused) == (-20_000, [])


def test_a_picked_call_stays_with_its_line_when_the_bill_is_matched_again(acme, channel):
    made = [call(acme, channel, after=after, micros=40_000) for after in (1, 2)]
    bill = matched(channel, csv_file(f"2026-11-20T12:00:10Z,{ORIGIN},0.06", header=HEADER))
    decisions.pick(bill.lines.get(number=1), call=str(made[1].id), actor="ann")

    intake.request_rematch(bill, actor="ann")
    intake.match_waiting()

    assert bill.lines.get(number=1).attempt_id == made[1].id
    assert lines_of(bill) == [(1, "different", 60_000, 40_000), (0, "ours", 0, 40_000)]


def test_a_line_read_without_its_number_of_images_is_taken_once(channel):
    header = "created_at,model,images,cost_usd"
    one, other = (line.replace(",0.", ",2,0.") for line in (ONE, OTHER))
    take_all(matched(channel, csv_file(one, header=header), accept=True))

    bill = matched(channel, csv_file(one, other, header=header), accept=True, number="")

    assert lines_of(bill) == [(1, "equal", 50_000, 50_000), (2, "theirs", 70_000, 0)]


def test_a_twin_with_a_request_id_leaves_a_line_its_key(acme, channel):
    call(acme, channel, request_id="a", micros=50_000)
    twins = [f"{request_id},{stamp(0)},{ORIGIN},,0.05" for request_id in ("a", "")]
    header = "request_id,created_at,model,images,cost_usd"
    bill = matched(channel, csv_file(*twins, header=header))
    take_all(bill)
    first = bill.lines.get(number=2).key

    intake.request_rematch(bill, actor="ann")
    intake.match_waiting()

    key = f"channel {channel.pk}: 2026-11-20 12:00, {ORIGIN}, 50000 #1"
    assert (first, bill.lines.get(number=2).key) == (key, key)


def test_an_earlier_versions_lines_get_the_keys_of_a_matching(channel):
    long = "r" * 130
    rows = [long, long, "a", "", ""]
    header = "request_id,created_at,model,images,cost_usd"
    content = csv_file(*(f"{one},{stamp(0)},flare-2,2,0.05" for one in rows), header=header)
    bill = matched(channel, content, accept=True)
    before = list(bill.lines.order_by("id").values_list("key", flat=True))
    prefix = f"channel {channel.pk}: "
    bill.lines.filter(number=1).update(key=f"{prefix}{long}")
    bill.lines.filter(number=2).update(key=f"{prefix}{long} again 2")
    bill.lines.filter(request_id="").update(key="")

    with connection.cursor() as cursor:
        cursor.execute(KEYS)

    assert list(bill.lines.order_by("id").values_list("key", flat=True)) == before


def test_lines_taken_by_an_earlier_version_are_known(acme, channel):
    calls = [ONE.replace("0.05", "1,0.05")] * 2
    header = "created_at,model,images,cost_usd"
    items = [("GPT-4o, input", "0.01"), ("GPT-4o, input", "0.01"), (f"{ORIGIN}, out", "0.04")]
    of_calls = matched(channel, csv_file(*calls, header=header), accept=True)
    keyed(of_calls, ["12:00 flare-2 1 50000 #1", "12:00 flare-2 1 50000 #2"])
    take_all(of_calls)
    call(acme, channel)
    of_days = matched(channel, costs_of_days((MIDNIGHT, items)))
    keyed(of_days, ["GPT-4o, input", "GPT-4o, input again 2", ORIGIN])
    take_all(of_days)

    with connection.cursor() as cursor:
        cursor.execute(KEYS)
        cursor.execute(KEYS)
    later = OTHER.replace("0.07", "1,0.07")
    third = matched(channel, csv_file(*calls, later, header=header), accept=True)
    fourth = matched(channel, costs_of_days((MIDNIGHT, items), (MIDNIGHT + timedelta(days=1), [])))

    assert lines_of(third)[:2] == [(1, "equal", 50_000, 50_000), (2, "equal", 50_000, 50_000)]
    assert lines_of(fourth) == [
        (1, "equal", 10_000, 10_000),
        (2, "equal", 10_000, 10_000),
        (3, "equal", 40_000, 40_000),
    ]


def keyed(bill: VendorBill, words: list[str]) -> None:
    """Give the lines the keys that an earlier version gave them."""
    for number, word in enumerate(words, start=1):
        key = f"channel {bill.channel_id}: 2026-11-20 {word}"
        bill.lines.filter(number=number).update(key=key)
