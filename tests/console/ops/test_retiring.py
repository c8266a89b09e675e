"""The end date of a vendor's model, entered at a channel's route."""

from datetime import date

import pytest

from generation.catalogue import services
from generation.models import Channel, Route
from tests.console.ops.channel_pages import FORM, ROUTE, edit, of, serving, text_of, trouble

pytestmark = pytest.mark.usefixtures("sown")

DAY = date(2027, 2, 3)


def test_an_end_date_is_entered_without_a_test_and_removed(owner):
    channel = serving()

    saved = edit(owner, channel, route_retires_on="2027-02-03")
    entered = Route.objects.get()
    page = text_of(owner.get(f"{of(channel)}?tab=routes"))
    edit(owner, channel, route_retires_on=None)

    assert saved.status_code == 303
    assert (entered.retires_on, entered.is_approved) == (DAY, True)
    assert services.pending_of(channel) is None
    assert "vendor ends it 3 Feb 2027" in page
    assert Route.objects.get().retires_on is None


def test_a_new_channel_has_it_at_once(owner):
    owner.post("/ops/channels/new/", FORM | {f"{ROUTE}retires_on": "2027-02-03"})

    assert Route.objects.get().retires_on == DAY


def test_a_malformed_day_is_refused_at_its_field(owner):
    channel = serving()

    answer = edit(owner, channel, route_retires_on="soon")

    assert trouble(answer) == {"retires_on": ["Enter a valid date."]}


def test_openais_end_dates_apply_only_to_its_own_address(owner):
    channel = serving()
    Route.objects.update(upstream_model="gpt-image-1")
    relay = text_of(owner.get(f"{of(channel)}?tab=routes"))
    Channel.objects.update(base_url="https://api.openai.com/v1")

    assert "vendor ends it" not in relay
    assert "vendor ends it 23 Oct 2026" in text_of(owner.get(f"{of(channel)}?tab=routes"))


def test_history_says_who_entered_it(owner):
    channel = serving()
    edit(owner, channel, route_retires_on="2027-02-03")

    said = text_of(owner.get(f"{of(channel)}?tab=history"))

    assert "End dates of models entered by op@pictor.example" in said
    assert "retires gpt-image-2 none \N{RIGHTWARDS ARROW} to 2027-02-03" in said
