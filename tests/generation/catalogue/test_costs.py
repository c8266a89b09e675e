"""Cost tables of a channel begin now or later and never change."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.models import AuditEvent
from billing.pixel_prices import by_megapixels, by_steps
from billing.upstream_cost import CostRow
from generation.catalogue import services
from generation.catalogue.costs import cells, cost_of_cell
from generation.catalogue.services import ChannelOptions, RouteTerms
from generation.catalogue.snapshot import current_catalogue
from generation.channels.declaration import Task
from generation.models import Channel, CostTable, Route
from generation.selectors import cost_table_of
from pictor.kit.words import clock
from pictor.kit.words.money import Micros

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

D3 = RouteTerms(model="dall-e-3", upstream_model="d3", quality_map={"hd": "best"})
BEST = CostRow("d3", "1024x1024", "best", Micros(30_000))
FLUX = by_megapixels([Micros(30_000), Micros(15_000)])
STEPS = by_steps({"1000000": Micros(30_000), "4194304": Micros(75_000)})
ANY = CostRow("d3", "any", "any", Micros(30_000), "pixels", FLUX)
BY_PIXELS = {"further": 0, "megapixel": 1_048_576, "rounds": "up", "steps": []}
IN_STEPS = replace(ANY, size="auto", terms=STEPS)
FIXED = CostRow("d3", "any", "any", Micros(30_000))


def by_pixels(first: int, further: int | None = None, *, size: str = "any") -> CostRow:
    terms = by_megapixels([Micros(first), Micros(first if further is None else further)])
    return replace(ANY, size=size, micros=Micros(first), terms=terms)


@pytest.fixture
def vendor() -> Channel:
    options = ChannelOptions(base_url="https://a.example/v1", api_key="sk-1", routes=[D3])
    channel, _ = services.set_channel(name="vendor", options=options, actor="test")
    services.set_enabled(channel=channel, is_enabled=True, actor="test", untested=True)
    return channel


def write(channel: Channel, *rows: CostRow, **options: object) -> CostTable:
    said = {"source": "their letter of today", "actor": "test", **options}
    return services.set_costs(channel=channel, rows=rows, **said)  # type: ignore[arg-type]  # as each test says


def test_costs_from_now_are_felt_by_the_next_snapshot(vendor):
    write(vendor, BEST)

    (route,) = current_catalogue().routes["dall-e-3"]
    (table,) = route.costs.tables
    assert table.rows == {BEST.key: BEST}
    event = AuditEvent.objects.get(action="channel.costs")
    after = event.after or {}
    assert (event.object_id, after["costs"]) == ("vendor", 1)
    assert after["source"] == "their letter of today"


def test_costs_of_a_later_day_are_known_before_it_begins(vendor):
    write(vendor, BEST)
    tomorrow = clock.now() + timedelta(days=1)
    write(vendor, replace(BEST, micros=Micros(31_000)), effective_from=tomorrow)

    (route,) = current_catalogue().routes["dall-e-3"]

    now, then = (route.costs.table_at(at) for at in (clock.now(), tomorrow))
    assert now is not None
    assert then is not None
    assert [one.rows[BEST.key].micros for one in (now, then)] == [30_000, 31_000]


def test_the_later_written_of_two_tables_for_one_moment_is_in_force(vendor):
    tomorrow = clock.now() + timedelta(days=1)
    for micros in (30_000, 32_000):
        write(vendor, replace(BEST, micros=Micros(micros)), effective_from=tomorrow)

    (route,) = current_catalogue().routes["dall-e-3"]

    table = route.costs.table_at(tomorrow)
    assert table is not None
    assert table.rows[BEST.key].micros == 32_000


def test_terms_are_stored_where_a_row_has_them_and_come_back(vendor):
    old = write(vendor, BEST)
    new = write(vendor, BEST, ANY, IN_STEPS)

    assert (old.rows, old.terms) == ([["d3", "1024x1024", "best", "fixed", 30_000]], None)
    assert new.rows[0] == ["d3", "1024x1024", "best", "fixed", 30_000]
    assert new.terms == [
        None,
        {**BY_PIXELS, "first": 30_000, "further": 15_000},
        {**BY_PIXELS, "first": 30_000, "steps": [[1_000_000, 30_000], [4_194_304, 75_000]]},
    ]
    (route,) = current_catalogue().routes["dall-e-3"]
    table = route.costs.table_at(clock.now())
    assert table is not None
    assert list(table.rows.values()) == [BEST, ANY, IN_STEPS]


def test_what_a_table_says_in_the_audit_log_is_as_it_was(vendor):
    stored = write(vendor, BEST)

    assert AuditEvent.objects.get(action="channel.costs").after == {
        "effective_from": stored.effective_from.isoformat(),
        "costs": 1,
        "source": "their letter of today",
        "typed_again": [],
    }


def test_costs_cannot_begin_in_the_past(vendor):
    with pytest.raises(ValidationError, match="costs begin now or later"):
        write(vendor, BEST, effective_from=clock.now() - timedelta(seconds=1))

    past = clock.now() - timedelta(days=1)
    with pytest.raises(IntegrityError, match="costs_begin_now_or_later"), transaction.atomic():
        CostTable.objects.create(channel=vendor, rows=[], effective_from=past)


@pytest.mark.parametrize("change", ["UPDATE {} SET rows = '[]'", "DELETE FROM {}"])
def test_the_database_keeps_a_table_as_it_is(vendor, change):
    write(vendor, BEST)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(change.format("generation_costtable"))

    assert cost_table_of(CostTable.objects.get()).rows == {BEST.key: BEST}


def test_a_channel_with_cost_tables_stays(vendor):
    write(vendor, BEST)
    services.set_enabled(channel=vendor, is_enabled=False, actor="test", may_stop=True)

    is_archived = services.delete_channel(channel=vendor, actor="test")

    assert is_archived
    assert vendor.cost_tables.count() == 1


@pytest.mark.parametrize("again", [None, 10, 30_000_000 + 1])
def test_thirty_dollars_in_place_of_three_cents_are_stopped(vendor, again):
    write(vendor, BEST)
    typed = None if again is None else Micros(again)

    with pytest.raises(ValidationError) as refused:
        write(vendor, replace(BEST, micros=Micros(30_000_000)), again=typed)

    (said,) = refused.value.messages
    assert said.startswith(
        "d3 1024x1024 best: 30.000000 USD, more than 5 times the last, 0.030000;"
        " dall-e-3 1024x1024 hd: 30.000000 USD, above the price, 0.080000."
    )
    assert CostTable.objects.count() == 1


def test_a_confirmed_cost_is_taken_and_recorded(vendor):
    write(vendor, BEST)

    write(vendor, replace(BEST, micros=Micros(30_000_000)), again=Micros(30_000_000))

    event = AuditEvent.objects.filter(action="channel.costs").latest("id")
    assert len((event.after or {})["typed_again"]) == 2


def test_five_times_the_last_is_no_mistake(vendor):
    write(vendor, replace(BEST, micros=Micros(16_000)))

    write(vendor, replace(BEST, micros=Micros(80_000)))

    assert CostTable.objects.count() == 2


def test_tokens_are_held_against_the_last_of_their_kind(vendor):
    output = CostRow("d3", "tokens", "output", Micros(30_000_000), "tokens")
    write(vendor, output)

    with pytest.raises(ValidationError, match=r"d3 tokens output: 150[.]000001 USD, more than 5"):
        write(vendor, replace(output, micros=Micros(150_000_001)))


def test_the_first_price_of_tokens_is_held_against_what_is_priced_by_tokens(vendor):
    route = RouteTerms(model="gpt-image-2", upstream_model="g2")
    services.set_channel(
        name="vendor", options=ChannelOptions(routes=[route]), actor="test", may_stop=True
    )
    output = CostRow("g2", "tokens", "output", Micros(30_000_000), "tokens")

    with pytest.raises(ValidationError) as refused:
        write(vendor, replace(output, micros=Micros(30_000_000_000)))

    (said,) = refused.value.messages
    assert "gpt-image-2 1024x1024 low: 5.880000 USD, above the price, 0.005880" in said
    write(vendor, output)
    assert CostTable.objects.count() == 1


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            ANY,
            by_pixels(30_000, 150_000),
            "d3 any any at 4096x4096: 2.280000 USD, more than 5 times the last, 0.255000",
        ),
        (
            FIXED,
            by_pixels(151_000),
            "d3 any any at 4096x4096: 2.416000 USD, more than 5 times the last, 0.030000",
        ),
        (
            ANY,
            replace(FIXED, micros=Micros(151_000)),
            "d3 any any at 1024x1024: 0.151000 USD, more than 5 times the last, 0.030000",
        ),
        (
            by_pixels(30_000, 15_000, size="2048x2048"),
            by_pixels(93_751, size="2048x2048"),
            "d3 2048x2048 any: 0.375004 USD, more than 5 times the last, 0.075000",
        ),
    ],
)
def test_a_cost_by_pixels_far_above_the_last_is_stopped(vendor, before, after, words):
    write(vendor, before)

    with pytest.raises(ValidationError) as refused:
        write(vendor, after)

    (said,) = refused.value.messages
    assert said.startswith(words)


def test_five_times_the_last_by_pixels_is_no_mistake_whatever_other_rows_say(vendor):
    one_size = CostRow("d3", "1024x1024", "any", Micros(1))
    write(vendor, one_size, by_pixels(3_000))

    write(vendor, one_size, by_pixels(15_000))

    assert CostTable.objects.count() == 2


def test_the_first_table_is_held_against_the_flat_cost(vendor):
    Route.objects.update(cost_micros=1_000)

    with pytest.raises(ValidationError, match=r"more than 5 times the last, 0[.]001000"):
        write(vendor, BEST)


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [
        (30_000, 30_000_000, "dall-e-3: 30.000000 USD, more than 5 times the last, 0.030000"),
        (None, 120_001, "dall-e-3: 0.120001 USD, above the price, at most 0.120000"),
    ],
)
def test_a_flat_cost_is_asked_about_too(vendor, was, becomes, words):
    Route.objects.update(cost_micros=was)
    options = ChannelOptions(cost=Micros(becomes))

    with pytest.raises(ValidationError, match=words):
        services.set_channel(name="vendor", options=options, actor="test")

    typed = ChannelOptions(cost=Micros(becomes), cost_again=Micros(becomes))
    services.set_channel(name="vendor", options=typed, actor="test")
    assert Route.objects.get().cost_micros == becomes


def test_cells_are_those_that_are_sold_by_what_would_be_asked_for_them(vendor):
    write(vendor, BEST)
    (route,) = current_catalogue().routes["dall-e-3"]

    found = dict(cells(vendor, route.costs.tables, at=clock.now()))

    assert found["dall-e-3", "1024x1024", "hd"].micros == 30_000
    assert not found["dall-e-3", "1024x1024", "standard"].is_known


def test_a_cell_costs_by_the_pixels_that_would_be_asked_for(vendor):
    write(vendor, replace(BEST, micros=Micros(1)), ANY)
    snapshot = current_catalogue()
    (route,) = snapshot.routes["dall-e-3"]
    contract = snapshot.contract("dall-e-3")
    assert contract is not None

    keys = [("dall-e-3", *cell) for cell in (("1792x1024", "hd"), ("1024x1024", "hd"))]
    found = [cost_of_cell(route, contract, key, at=clock.now()) for key in keys]

    assert [cost and cost.micros for cost in found] == [45_000, 1]


def test_a_route_that_only_edits_has_costs(vendor):
    write(vendor, replace(BEST, micros=Micros(1)), ANY)
    snapshot = current_catalogue()
    (route,) = snapshot.routes["dall-e-3"]
    contract = snapshot.contract("dall-e-3")
    assert contract is not None
    only_edits = replace(route.abilities, tasks=frozenset({Task.EDIT}), max_images=1)

    cost = cost_of_cell(
        replace(route, abilities=only_edits),
        contract,
        ("dall-e-3", "1024x1024", "hd"),
        at=clock.now(),
    )

    assert cost is not None
    assert cost.micros == 1


def test_a_factor_changes_every_amount_by_pixels():
    found = services.scaled([ANY, IN_STEPS], Decimal("1.3"))

    assert [row.micros for row in found] == [39_000, 39_000]
    terms = [row.terms for row in found]
    assert terms == [
        by_megapixels([Micros(39_000), Micros(19_500)]),
        by_steps({"1000000": Micros(39_000), "4194304": Micros(97_500)}),
    ]


@pytest.mark.parametrize("factor", ["1e-5", "1e6"])
def test_a_factor_that_is_impossible_for_one_amount_by_pixels_is_refused(factor):
    with pytest.raises(ValidationError):
        services.scaled([by_pixels(1_000_000, 10_000)], Decimal(factor))


def test_a_factor_is_rounded_half_up_to_a_micro():
    rows = [replace(BEST, micros=Micros(micros)) for micros in (11_000, 3, 1)]

    assert [row.micros for row in services.scaled(rows, Decimal("0.5"))] == [5_500, 2, 1]


@pytest.mark.parametrize("factor", ["0", "-1", "NaN", "1e13", "1e-9"])
def test_an_invalid_cost_factor_is_refused(factor):
    with pytest.raises(ValidationError):
        services.scaled([BEST], Decimal(factor))
