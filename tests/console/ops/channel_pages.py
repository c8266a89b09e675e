"""What tests of the pages of channels begin with, and read."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

from asgiref.sync import async_to_sync
from django.test import Client

from accounts.models import Tenant
from accounts.services import create_tenant
from billing.models import FIGURES, SoldDay
from generation.models import Attempt, AttemptMinute, Channel, Generation
from generation.traffic.errors import fingerprint_of
from pictor.kit import clock

LIST = "/ops/channels/"


def of(channel: Channel, *rest: str) -> str:
    return f"{LIST}{channel.pk}/{'/'.join(rest)}{'/' if rest else ''}"


def text_of(answer: Any) -> str:
    """What a person reads, with a plain x between the sides of a size."""
    bare = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(unescape(bare).split()).replace("\N{MULTIPLICATION SIGN}", "x")


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


def csv_of(answer: Any) -> str:
    async def read() -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    return async_to_sync(read)().decode("utf-8-sig")


def seen(owner: Client, url: str) -> str:
    """The digest of what its page shows."""
    found = re.search(r'name="seen" value="(\w+)"', owner.get(url).content.decode())
    assert found
    return found[1]
