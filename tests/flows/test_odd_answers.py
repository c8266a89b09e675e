"""Upstreams whose answers have odd words or odd pixels in them."""

import base64
import time
from typing import Any

import pytest

from tests.contracts.recorder import Recorder, drawn
from tests.customer import Customer

pytest_plugins = ("tests.contracts.channel",)

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


def attempts_of(database: Any, customer: Customer) -> list[tuple[Any, ...]]:
    """Class, whether it has ended, and whether it may have been billed."""
    rows: list[tuple[Any, ...]] = database.execute(
        "SELECT a.attempt_class, a.finished_at IS NOT NULL, a.may_have_billed"
        " FROM generation_attempt AS a JOIN generation_generation AS g ON g.id = a.generation_id"
        " JOIN accounts_tenant AS t ON t.id = g.tenant_id WHERE t.name = %s ORDER BY a.number",
        [customer.name],
    ).fetchall()
    return rows
