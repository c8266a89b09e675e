"""A change's effect on traffic, shown before it is made."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEvent
from accounts.selectors import config_revision
from accounts.services.office.tenants import create_tenant
from billing.models import FIGURES, SoldDay
from generation.catalogue import services
from generation.catalogue.services import ChannelOptions, RouteTerms
from generation.catalogue.snapshot import current_catalogue
from generation.models import Channel, Contract, CostTable
from generation.oversight.splits import (
    Daily,
    expected_splits,
    left_unserved,
    recent_sales,
    serving_instead,
    splits,
)
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.seeds import sow

pytestmark = pytest.mark.django_db

D3 = RouteTerms(model="dall-e-3", upstream_model="d3")
D2 = RouteTerms(model="gpt-image-2", upstream_model="gpt-image-2")


@pytest.fixture(autouse=True)
def channels() -> None:
    """Two channels; `old` serves everything `new` would."""
    sow()
    for name, priority in (("old", 10), ("new", 10)):
        options = ChannelOptions(
            base_url="https://api.example.com/v1", api_key="k", routes=[D3, D2], priority=priority
        )
        services.set_channel(name=name, options=options, actor="test")
    enable("old")


def enable(name: str) -> None:
    channel = Channel.objects.get(name=name)
    services.set_enabled(channel=channel, is_enabled=True, actor="test", untested=True)


def change(name: str, **options: object) -> list[str]:
    said = ChannelOptions(**options)  # type: ignore[typeddict-item] # of the test's own
    found = expected_splits(lambda: services.set_channel(name=name, options=said, actor="test"))
    return [str(split) for split in found]


def test_a_model_that_has_ended_is_left_unserved_by_nothing():
    Contract.objects.filter(model="dall-e-3").update(sunset_at=clock.now())
    before = current_catalogue()
    Channel.objects.update(is_enabled=False)

    assert left_unserved(before, current_catalogue()) == ["gpt-image-2"]


def test_a_channel_joins_with_the_weight_it_was_given():
    change_of_weight = change("new", weight=3)
    services.set_channel(name="new", options=ChannelOptions(weight=3), actor="test")

    said = [str(split) for split in expected_splits(lambda: enable("new"))]

    assert change_of_weight == []  # it serves nothing yet
    assert said == [
        "dall-e-3: old 100 % -> 25 %, new 0 % -> 75 %",
        "gpt-image-2: old 100 % -> 25 %, new 0 % -> 75 %",
    ]


def test_only_the_sizes_that_change_are_named():
    enable("new")
    natively = RouteTerms(model="gpt-image-2", upstream_model="gpt-image-2", sizes=["1536x1024"])

    at_once = change("new", routes=[D3, natively])
    services.set_channel(name="new", options=ChannelOptions(routes=[D3, natively]), actor="test")
    channel = Channel.objects.get(name="new")
    (split,) = expected_splits(lambda: services.swap(channel=channel, actor="test", untested=True))

    assert at_once == []  # it waits as a pending revision
    assert str(split) == (
        "gpt-image-2 (1024x1024, 1536x1152, 1024x1536 and 6 more):"
        " new 50 % -> 0 %, old 50 % -> 100 %"
    )


def test_nothing_is_left_of_the_change_that_was_looked_at():
    enable("new")
    revision, events = config_revision(), AuditEvent.objects.count()

    assert change("new", priority=20) == [
        "dall-e-3: new 50 % -> 0 %, old 50 % -> 100 %",
        "gpt-image-2: new 50 % -> 0 %, old 50 % -> 100 %",
    ]
    assert Channel.objects.get(name="new").priority == 10
    assert (config_revision(), AuditEvent.objects.count()) == (revision, events)


def test_a_change_that_is_refused_is_refused_beforehand():
    with pytest.raises(ValidationError, match="weight must be from 1"):
        change("new", weight=0)


NOON = datetime(2030, 11, 26, 12, tzinfo=UTC)
"""Costs begin now or later."""


@pytest.fixture
def sold(monkeypatch):
    """26 images a day, all made by `old` at 0.02 USD; it is noon of the seventh day."""
    monkeypatch.setattr(clock, "now", lambda: NOON)
    tenant = create_tenant(name="acme", actor="test")
    facts = dict.fromkeys(FIGURES, 0) | {"images": 169, "cost_micros": 3_380_000}
    row = {"model": "dall-e-3", "asked": "1024x1024", "quality": "standard", "channel": "old"}
    for is_demo, day in ((False, 20), (True, 20), (False, 19)):
        SoldDay.objects.create(
            tenant=tenant, is_demo=is_demo, day=date(2030, 11, day), **row, **facts
        )


def cost(channel: str, micros: int | None, *, tokens: int | None = None) -> None:
    """Set the cost of an image and of a million tokens."""
    image = ["d3", "1024x1024", "standard", "fixed", micros]
    million = ["d3", "tokens", "output", "tokens", tokens]
    CostTable.objects.create(
        channel=Channel.objects.get(name=channel),
        rows=[row for row in (image, million) if row[-1] is not None],
        effective_from=NOON - timedelta(days=1),
    )


@pytest.mark.usefixtures("sold")
def test_the_daily_cost_is_told_before_and_after():
    cost("old", 20_000)
    cost("new", 5_000)
    services.set_channel(name="new", options=ChannelOptions(weight=3), actor="test")

    split = str(expected_splits(lambda: enable("new"))[0])

    assert split == ("dall-e-3: old 100 % -> 25 %, new 0 % -> 75 %; cost a day $0.52 -> $0.23")


@pytest.mark.usefixtures("sold")
def test_a_channel_charging_tokens_costs_as_before_and_a_new_ones_cost_is_unknown():
    cost("old", 90_000, tokens=40_000_000)
    cost("new", None, tokens=40_000_000)

    split = expected_splits(lambda: enable("new"))[0]

    assert (split.images, split.cost_before, split.cost_after) == (
        26.0, Daily(Micros(520_000), 0), Daily(Micros(260_000), 13.0),
    )  # fmt: skip
    assert str(split).endswith("; cost a day $0.52 -> $0.26 and 13 images of unknown cost")


@pytest.mark.usefixtures("sold")
def test_a_new_mapping_at_the_same_channel_has_an_unknown_cost():
    cost("old", 20_000)
    old = Channel.objects.get(name="old")
    services.set_channel(name="old", options={"maps": {"dall-e-3": "d3-hd"}}, actor="test")

    (split,) = expected_splits(lambda: services.swap(channel=old, actor="test", untested=True))

    assert str(split) == "dall-e-3: old 100 % -> 100 %; cost a day $0.52 -> unknown"


@pytest.mark.usefixtures("sold")
def test_a_sandbox_costs_nothing():
    Channel.objects.filter(name="old").update(serves="both")
    cost("new", 20_000)

    split = str(expected_splits(lambda: enable("new"))[0])

    assert split.endswith("; cost a day $0.00 -> $0.26")


@pytest.mark.usefixtures("sold")
def test_an_added_channels_share_is_foreseen_without_a_change():
    options = ChannelOptions(priority=5, cost=Micros(5_000))
    services.set_channel(name="new", options=options, actor="test")
    new = Channel.objects.get(name="new")

    def foreseen_alike(change: Callable[[], object]) -> list[str]:
        candidate, routes = services.revised(new)
        before = current_catalogue()
        after = serving_instead(before, candidate, routes, tables=())
        found = splits(before, after, sold=recent_sales(NOON))
        assert found == expected_splits(change)
        return [str(split) for split in found]

    enabling = foreseen_alike(lambda: enable("new"))
    enable("new")
    options = ChannelOptions(models=["dall-e-3"], maps={"dall-e-3": "d4"})
    services.set_channel(name="new", options=options, actor="test")
    swap = partial(services.swap, channel=new, actor="test", untested=True)
    swapping = foreseen_alike(swap)

    assert enabling == [
        "dall-e-3: old 100 % -> 0 %, new 0 % -> 100 %; cost a day $0.52 -> $0.13",
        "gpt-image-2: old 100 % -> 0 %, new 0 % -> 100 %",
    ]
    assert swapping == ["gpt-image-2: new 100 % -> 0 %, old 0 % -> 100 %"]
