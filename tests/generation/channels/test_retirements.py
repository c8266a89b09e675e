"""End dates of vendors' models: as announced, and as operators enter them for a route."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEvent
from generation.catalogue import services
from generation.catalogue.services import ChannelOptions
from generation.channels.retirements import end_of
from generation.models import Route
from tests.making.factories import make_channel
from tests.making.seeds import sow

OPENAI = "https://api.openai.com/v1"
RELAY = "https://relay.example/v1"
MODEL = "dall-e-3"
DAY = date(2027, 2, 3)


@pytest.mark.parametrize(
    ("base_url", "name", "day"),
    [
        (OPENAI, "dall-e-2", date(2026, 5, 12)),
        (OPENAI, "dall-e-3", date(2026, 5, 12)),
        (OPENAI, "gpt-image-1", date(2026, 10, 23)),
        (OPENAI, "gpt-image-1-mini", date(2026, 12, 1)),
        (OPENAI, "gpt-image-1.5", date(2026, 12, 1)),
        (OPENAI, "chatgpt-image-latest", date(2026, 12, 1)),
        ("https://API.OpenAI.com:443/v1", "dall-e-2", date(2026, 5, 12)),
        (OPENAI, "gpt-image-2", None),
        (RELAY, "gpt-image-1-mini", None),
        ("https://api.openai.com.example/v1", "dall-e-2", None),
    ],
)
def test_openais_announced_ends_apply_to_its_own_address(base_url, name, day):
    assert end_of(base_url=base_url, upstream_model=name, entered=None) == day


def test_an_entered_end_overrides_an_announced_one():
    assert end_of(base_url=OPENAI, upstream_model="dall-e-2", entered=DAY) == DAY


@pytest.fixture
def channel(db):
    sow()
    return make_channel("acme", MODEL, "gpt-image-2")


def test_a_day_is_entered_and_taken_back(channel):
    services.set_retirements(channel=channel, days={MODEL: DAY}, actor="Ann")
    entered = services.retirements_of(channel)
    services.set_retirements(channel=channel, days={MODEL: DAY}, actor="Ann")
    services.set_retirements(channel=channel, days={MODEL: None}, actor="Ann")

    assert entered == {MODEL: DAY}
    assert services.retirements_of(channel) == {}
    events = AuditEvent.objects.filter(action="channel.retire").order_by("id")
    assert [(event.before, event.after) for event in events] == [
        ({"retires dall-e-3": None}, {"retires dall-e-3": "2027-02-03"}),
        ({"retires dall-e-3": "2027-02-03"}, {"retires dall-e-3": None}),
    ]


def test_a_model_without_a_route_has_no_end(channel):
    with pytest.raises(ValidationError, match="acme has no route for gpt-image-1 yet"):
        services.set_retirements(channel=channel, days={"gpt-image-1": DAY}, actor="Ann")


def test_an_entered_end_needs_no_test_and_ends_with_the_upstream_name(channel):
    services.set_channel(name="acme", options=ChannelOptions(retires={MODEL: DAY}), actor="Ann")
    route = Route.objects.get(channel=channel, contract_id=MODEL)

    services.set_enabled(channel=channel, is_enabled=False, actor="Ann", may_stop=True)
    services.set_channel(name="acme", options=ChannelOptions(maps={MODEL: "d4"}), actor="Ann")
    renamed = Route.objects.get(channel=channel, contract_id=MODEL)

    assert (route.is_approved, route.retires_on) == (True, DAY)
    assert (renamed.upstream_model, renamed.retires_on) == ("d4", None)
