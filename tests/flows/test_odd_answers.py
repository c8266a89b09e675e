"""Upstream answers with odd words or odd pixels."""

import base64
import io
import time
from typing import Any

import httpx
import pytest
from PIL import Image, PngImagePlugin

from tests.customers.customer import Customer
from tests.fakes.recorder import Recorder, drawn, recording
from tests.stack.servers import Stack

pytest_plugins = ("tests.fakes.channel",)

PRICE_OF_LOW = 5_880
AT_ONCE_SECONDS = 10.0


def png(size: tuple[int, int]) -> str:
    return base64.b64encode(drawn(size)).decode()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a\ud800 red fox", "a red fox"),
        ("a \x00red fox", "a red fox"),
        ("\U0001f98a", "\U0001f98a"),
        ("\udfff\x00", None),
    ],
    ids=["a lone surrogate", "NUL", "an emoji", "nothing else"],
)
def test_a_revised_prompt_that_nothing_can_hold_is_cleaned(
    customer: Customer, upstream: Recorder, said: str, shown: str | None
) -> None:
    upstream.extra = {"data": [{"b64_json": png((1024, 1024)), "revised_prompt": said}]}

    response = customer.generate("a fox", quality="low")

    assert response.status_code == 200, response.text
    assert response.json()["data"][0].get("revised_prompt") == shown
    assert customer.captures() == [PRICE_OF_LOW]


def test_an_image_that_cannot_be_converted_is_an_error_at_once(
    customer: Customer, upstream: Recorder, database: Any
) -> None:
    upstream.extra = {"data": [{"b64_json": png((20_000, 100))}]}  # too wide for WebP
    began = time.monotonic()

    response = customer.generate("a fox", output_format="webp")

    assert time.monotonic() - began < AT_ONCE_SECONDS
    assert response.status_code == 502, response.text
    assert customer.balance() == (10_000_000, 0)
    assert attempts_of(database, customer) == [("bad_result", True, True)]


def test_a_text_in_an_image_is_neither_stored_nor_shown(
    customer: Customer, upstream: Recorder
) -> None:
    said = PngImagePlugin.PngInfo()
    said.add_text("prompt", "a secret of the vendor", zip=True)
    dirty = io.BytesIO()
    Image.open(io.BytesIO(drawn((1024, 1024)))).save(dirty, "PNG", pnginfo=said)
    upstream.extra = {"data": [{"b64_json": base64.b64encode(dirty.getvalue()).decode()}]}

    made = customer.generate("a fox", quality="low").json()
    served = httpx.get(made["data"][0]["url"], trust_env=False).content

    assert b"zTXt" in dirty.getvalue()
    assert (b"zTXt" in served, b"secret" in served) == (False, False)
    assert Image.open(io.BytesIO(served)).size == (1024, 1024)
    assert customer.captures() == [PRICE_OF_LOW]


def test_an_origin_that_was_opened_for_one_channel_is_closed_to_another(
    customer: Customer, upstream: Recorder, stack: Stack
) -> None:
    with recording(stack.upstream_ports[0]) as other:
        elsewhere = f"http://127.0.0.1:{other.port}/image.png"
        upstream.extra = {"data": [{"url": elsewhere}]}
        response = customer.generate("a fox", quality="low")
        asked_by_a_tenant = customer.generate("a fox", image=elsewhere)

    assert response.status_code == 502, response.text
    assert asked_by_a_tenant.status_code == 400, asked_by_a_tenant.text
    assert (len(upstream.requests), other.requests) == (1, [])
    assert customer.balance() == (10_000_000, 0)


def attempts_of(database: Any, customer: Customer) -> list[tuple[Any, ...]]:
    """Class of each attempt, whether it has ended, and whether it may have been billed."""
    rows: list[tuple[Any, ...]] = database.execute(
        "SELECT a.attempt_class, a.finished_at IS NOT NULL, a.may_have_billed"
        " FROM generation_attempt AS a JOIN generation_generation AS g ON g.id = a.generation_id"
        " JOIN accounts_tenant AS t ON t.id = g.tenant_id WHERE t.name = %s ORDER BY a.number",
        [customer.name],
    ).fetchall()
    return rows
