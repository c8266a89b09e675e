"""Starting points and readers for tests of channel pages."""

import re
from datetime import timedelta
from typing import Any, cast

from django.test import Client

from accounts.models import Tenant
from accounts.services.office.tenants import create_tenant
from billing.models import FIGURES, SoldDay
from generation.catalogue import services
from generation.catalogue.services import ChannelOptions
from generation.catalogue.traffic.errors import fingerprint_of
from generation.models import Attempt, AttemptMinute, Channel, Generation
from pictor.kit.words import clock
from tests.console.answers import said_by

LIST = "/ops/channels/"
NEW = "/ops/channels/new/"
ROUTE = "route-gpt-image-2-"
FORM = {
    "name": "acme",
    "kind": "openai",
    "base_url": "https://api.acme.example/v1",
    "api_key": "sk-acme",
    "serves": "live",
    "priority": "10",
    "weight": "1",
    "timeout_seconds": "240",
    "queue_seconds": "60",
    "allows_redispatch": "on",
    "keeps_credentials": "on",
    f"{ROUTE}is_served": "on",
    f"{ROUTE}upstream_model": "gpt-image-2",
}


def of(channel: Channel, *rest: str) -> str:
    return f"{LIST}{channel.pk}/{'/'.join(rest)}{'/' if rest else ''}"


def text_of(answer: Any) -> str:
    """Return a page's visible text, with a plain x between the sides of a size."""
    return said_by(answer).replace("\N{MULTIPLICATION SIGN}", "x")


def names_of(answer: Any) -> list[str]:
    return re.findall(
        r'id="channel-\d+">.*?href="[^"]*">([^<]+)<', answer.content.decode(), re.DOTALL
    )


def called(channel: Channel, *, minutes_ago: int = 5, **classes: int) -> None:
    minute = clock.now().replace(second=0, microsecond=0) - timedelta(minutes=minutes_ago)
    for name, number in classes.items():
        AttemptMinute.objects.create(
            minute=minute,
            channel=channel,
            model="gpt-image-2-origin",
            attempt_class=name,
            number=number,
            latency={"13": number},
        )


def sold(channel: Channel, *, days_ago: int = 0, is_demo: bool = False, **facts: Any) -> None:
    tenant = Tenant.objects.first() or create_tenant(name="acme", actor="test")
    SoldDay.objects.create(
        day=clock.now().date() - timedelta(days=days_ago),
        tenant_id=tenant.id,
        is_demo=is_demo,
        model="gpt-image-2-origin",
        channel=channel.name,
        **dict.fromkeys(FIGURES, 0) | facts,
    )


def failed(
    generation: Generation,
    channel: Channel,
    detail: str,
    *,
    status: int,
    ended_as: str = "refused",
) -> None:
    Attempt.objects.create(
        generation=generation,
        dispatch=1,
        number=1 + generation.attempts.count(),
        channel=channel,
        upstream_model="d3",
        finished_at=clock.now(),
        attempt_class=ended_as,
        http_status=status,
        detail=detail,
        fingerprint=fingerprint_of(detail),
    )


def make(base_url: str = FORM["base_url"], *, name: str = "acme", **options: Any) -> Channel:
    """Make a channel with one untested route."""
    said = {"base_url": base_url, "api_key": "sk-acme", "models": ["gpt-image-2"], **options}
    channel, _ = services.set_channel(name=name, options=cast(ChannelOptions, said), actor="test")
    return channel


def serving(base_url: str = FORM["base_url"], **options: Any) -> Channel:
    channel = make(base_url, **options)
    services.set_enabled(channel=channel, is_enabled=True, untested=True, actor="test")
    return channel


def said_on(page: Any) -> dict[str, str]:
    """Return the values that the form of an open page would send unchanged."""
    form, rows = page.context["form"], page.context["rows"]
    fields = [field for one in (form, *rows) for field in one]
    found = {}
    for field in fields:
        value = field.field.prepare_value(field.value())
        if getattr(field.field.widget, "input_type", "") == "checkbox" and not isinstance(
            value, list
        ):
            value = "on" if value else None
        if value not in (None, "", []):
            found[field.html_name] = value
    return {**found, "shown": page.context["tried"].digest}


def edit(owner: Client, channel: Channel, **changes: Any) -> Any:
    """Post the channel's form with these changes."""
    address = f"/ops/channels/{channel.pk}/edit/"
    page = owner.get(address)
    said = said_on(page) | {name.replace("route_", ROUTE): word for name, word in changes.items()}
    return owner.post(address, {name: word for name, word in said.items() if word is not None})


def trouble(answer: Any) -> dict[str, Any]:
    """Return the form's errors by field."""
    assert answer.status_code == 422
    rows = {name: words for row in answer.context["rows"] for name, words in row.errors.items()}
    return {**answer.context["form"].errors, **rows}
