"""Starting points and readers for tests of model pages."""

from datetime import timedelta
from typing import Any

from django.test import Client

from accounts.models import Tenant
from accounts.services.office.tenants import create_tenant
from billing.models import FIGURES, SoldDay
from generation.models import AttemptMinute, Channel
from pictor.kit.words import clock

LIST = "/ops/models/"
MODEL = "gpt-image-2"
LEAST = "dall-e-3"
"""The model with three sizes and two qualities."""


def of(model: str, *rest: str) -> str:
    return f"{LIST}{model}/{'/'.join(rest)}{'/' if rest else ''}"


def sold(
    name: str = "acme", *, model: str = MODEL, days_ago: int = 0, is_demo: bool = False, **row: Any
) -> Tenant:
    """A tenant's sales of a day: images, amounts, and the cell."""
    tenant = Tenant.objects.filter(name=name).first() or create_tenant(name=name, actor="test")
    facts: dict[str, Any] = dict.fromkeys(FIGURES, 0) | {"channel": "one", **row}
    SoldDay.objects.create(
        day=clock.now().date() - timedelta(days=days_ago),
        tenant_id=tenant.id,
        is_demo=is_demo,
        model=model,
        **facts,
    )
    return tenant


def called(channel: Channel, *, model: str = MODEL, minutes_ago: int) -> None:
    """Add a live call that ended this many minutes ago."""
    minute = clock.now().replace(second=0, microsecond=0) - timedelta(minutes=minutes_ago)
    AttemptMinute.objects.create(
        minute=minute,
        channel=channel,
        model=model,
        attempt_class="delivered",
        number=1,
        latency={"13": 1},
    )


def said_on(page: Any) -> dict[str, Any]:
    """Return the values that the form of an open page would send unchanged."""
    form, rows = page.context["form"], page.context["rows"]
    said: dict[str, Any] = {}
    for field in form:
        value = field.field.prepare_value(field.value())
        if value not in (None, "", [], False):
            said[field.html_name] = "on" if value is True else value
    for name in ("size", "tier", "ratio", "preset"):
        said[name] = [getattr(row, name) for row in rows]
    said["shown"] = page.context["shown"]
    if page.context["seen"]:
        said["seen"] = page.context["seen"].digest
    return said


def typed(owner: Client, model: str, **changes: Any) -> Any:
    """Post the form with changes: None removes a field, a dict changes rows."""
    said = said_on(owner.get(of(model, "edit")))
    for name, value in changes.items():
        if isinstance(value, dict):
            for place, word in value.items():
                said[name][place] = word
        elif value is None:
            said.pop(name, None)
        else:
            said[name] = value
    return owner.post(of(model, "edit"), said)


def agreed(owner: Client, model: str, answer: Any) -> Any:
    """Post the same form again, with the state that it showed."""
    return owner.post(of(model, "edit"), said_on(answer))


def trouble(answer: Any) -> dict[str, Any]:
    """Return the form's errors by field; errors of sizes by row."""
    assert answer.status_code == 422
    rows = {
        f"{name} {number}": words
        for number, row in enumerate(answer.context["rows"])
        for name, words in row.errors.items()
    }
    form = answer.context["form"]
    return {**{name: list(words) for name, words in form.errors.items()}, **rows}
