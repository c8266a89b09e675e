"""The page that explains which channels a request would be sent to, and why no others."""

import re
from http import HTTPStatus

import pytest

from generation.catalogue.traffic import open_breakers
from generation.catalogue.traffic.open_breakers import BreakerKey
from generation.models import Channel
from tests.console.ops.channel_pages import LIST, text_of
from tests.making.factories import make_channel

pytestmark = pytest.mark.usefixtures("sown")


def test_the_page_explains_why_a_channel_is_asked_and_another_is_not(owner):
    make_channel("acme", cost_micros=30_000)
    off = make_channel("off", is_enabled=False)

    answer = owner.get(f"{LIST}explain/?channel={off.pk}&size=1024x1024")

    said = text_of(answer)
    assert "off would not be called: disabled." in said
    assert "acme 1 100% native gpt-image-2-origin 1024x1024 none $0.030" in said


def test_the_page_explains_several_images_ignored_fields_and_open_breakers(owner):
    channel = make_channel("acme", cost_micros=30_000, ignored_fields=["style"])
    Channel.objects.update(settings={"max_n": "1"})
    open_breakers.write({BreakerKey(channel.id, 0, ""): 0.001})

    answer = owner.get(
        f"{LIST}explain/?model=gpt-image-2-origin&n=2&references=1&fields=style,+user"
    )

    said = text_of(answer)
    assert "acme 1 100% native gpt-image-2-origin 1024x1024 (2 orders) style $0.060" in said
    assert "The breaker of acme is open in all image workers" in said


@pytest.mark.parametrize(
    "query",
    [
        "model=nothing",
        "size=7x7",
        "quality=best",
        "channel=x&task=dance&size=7x7",
        "n=x",
        "fields=x",
    ],
)
def test_a_missing_model_or_size_is_named(owner, query):
    make_channel("acme")

    answer = owner.get(f"{LIST}explain/?{query}")

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert re.search("available:|there is no|is not a whole", text_of(answer), re.IGNORECASE)
