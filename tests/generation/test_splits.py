"""What a change of the offer would do to traffic, seen before it is made."""

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEvent
from accounts.selectors import config_revision
from generation.catalogue import services
from generation.catalogue.services import ChannelOptions, RouteTerms
from generation.models import Channel
from generation.splits import foreseen
from tests.seeds import sow

pytestmark = pytest.mark.django_db

D3 = RouteTerms(model="dall-e-3", upstream_model="d3")
D2 = RouteTerms(model="gpt-image-2", upstream_model="gpt-image-2")


@pytest.fixture(autouse=True)
def channels() -> None:
    """`old` serves all that `new` would."""
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
    found = foreseen(lambda: services.set_channel(name=name, options=said, actor="test"))
    return [str(split) for split in found]


def test_a_channel_that_joins_with_its_weight():
    change_of_weight = change("new", weight=3)
    services.set_channel(name="new", options=ChannelOptions(weight=3), actor="test")

    said = [str(split) for split in foreseen(lambda: enable("new"))]

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
    (split,) = foreseen(lambda: services.swap(channel=channel, actor="test", untested=True))

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
