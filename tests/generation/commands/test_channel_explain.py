"""`manage.py channel explain`: the channels that would be called now, and why not the others."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from generation.catalogue.traffic import open_breakers
from generation.catalogue.traffic.open_breakers import BreakerKey
from generation.models import Contract, CostTable, OpenBreaker, Route
from pictor.kit.words import clock
from tests.generation.commands.conftest import Output
from tests.making.factories import make_channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

D3 = "dall-e-3"


def explained(manage: Callable[..., Output], *words: str) -> dict[str, Any]:
    answer = manage("channel", "explain", *words, "--json")
    assert answer.error is None
    found: dict[str, Any] = json.loads(answer.out)
    return found


def test_channels_are_listed_in_order_with_share_and_request(manage):
    make_channel("small", D3, weight=1, cost_micros=30_000)
    large = make_channel("large", D3, weight=3)
    make_channel("last", D3, priority=20)
    Route.objects.filter(channel=large).update(upstream_model="d3", quality_map={"hd": "best"})
    CostTable.objects.create(channel=large, rows=[["d3", "any", "best", "fixed", 40_000]])

    shown = manage("channel", "explain", D3, "--size", "1024x1792", "--quality", "hd").out

    lines = [line.split() for line in shown.splitlines()]
    assert lines[0] == ["a", "live", "request", "for", "dall-e-3", "1024x1792", "hd", "generate"]
    assert lines[2:5] == [
        ["large", "1", "75", "%", "native", "d3", "1024x1792", "best", "1", "0.040000", "none"],
        ["small", "1", "25", "%", "native", "dall-e-3", "1024x1792", "hd", "1", "0.030000", "none"],
        ["last", "2", "0", "%", "native", "dall-e-3", "1024x1792", "hd", "1", "unknown", "none"],
    ]
    assert shown.splitlines()[-1].startswith("Not considered: Retry-After gates")


def test_every_reason_against_a_channel_is_told(manage):
    make_channel("tested", D3, is_enabled=False)
    make_channel("untested", D3).routes.update(is_approved=False)
    make_channel("sandbox", "dall-e-2", serves="test")
    make_channel("narrow", D3, sizes=["1024x1792"])
    make_channel("refusing", D3, refused_tasks=["edit"])
    Contract.objects.filter(model=D3).update(is_exact=True)

    plain = explained(manage, D3, "--size", "1024x1024")
    edit = explained(manage, D3, "--task", "edit")

    assert [one["channel"] for one in plain["serving"]] == ["refusing"]
    assert plain["others"] == {
        "narrow": ["does not make 1024x1024 itself, and the sizes of dall-e-3 are exact"],
        "sandbox": ["serves only test keys", "has no route for dall-e-3"],
        "tested": ["disabled"],
        "untested": ["has not been tested for dall-e-3 as it is now"],
    }
    assert edit["others"]["refusing"] == ["is no channel that edits images"]


def test_a_size_that_is_not_native_goes_behind_and_auto_needs_its_word(manage):
    model = "gpt-image-2"
    Contract.objects.filter(model=model).update(is_exact=False)
    make_channel("near", model, sizes=["1024x1024"], priority=1)
    make_channel("nearer", model, sizes=["1024x1024", "1536x1152"], priority=1)

    closest = explained(manage, model, "--size", "1536x1152")
    auto = explained(manage, model, "--size", "auto")

    columns = ("channel", "rank", "plan", "ignored")
    assert [tuple(one[name] for name in columns) for one in closest["serving"]] == [
        ("nearer", 1, "native", []),
        ("near", 2, "closest", ["size"]),
    ]
    without_auto = ["does not take auto as a size"]
    assert auto["others"] == {"near": without_auto, "nearer": without_auto}


def test_the_reasons_that_refuse_every_such_request_are_told(manage):
    make_channel("one", D3)
    Contract.objects.filter(model=D3).update(is_enabled=False, tasks=["generate"])

    found = explained(manage, D3, "--task", "edit")

    assert found["refused"] == ["dall-e-3 is switched off", "dall-e-3 does not offer edit"]
    assert "refused: dall-e-3 is switched off" in manage("channel", "explain", D3).out


def test_a_request_without_a_channel_says_so(manage):
    assert "refused: no channel would be asked" in manage("channel", "explain", D3).out


def test_a_preset_is_the_size_that_it_names(manage):
    preset = next(one for one in Contract.objects.all() if "preset" in (one.sizes or [{}])[0])
    named = preset.sizes[0]

    found = explained(manage, preset.model, "--size", named["preset"])

    assert found["size"] == named["size"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("nothing",), "there is no model 'nothing'"),
        ((D3, "--size", "1x1"), "dall-e-3 has no size '1x1'; available: 1024x1024, "),
        ((D3, "--size", "auto"), "dall-e-3 has no size 'auto'"),
        ((D3, "--n", "0"), "'0' is not a whole number from 1"),
        ((D3, "--fields", "colour"), "dall-e-3 has no such field 'colour'; available: background"),
        ((D3, "--quality", "low"), "dall-e-3 has no quality 'low'; available: standard, hd"),
    ],
)
def test_an_unknown_model_or_size_is_refused_in_a_line(manage, words, error):
    assert error in (manage("channel", "explain", *words).error or "")


def test_each_channel_says_what_it_would_ignore_and_what_all_images_cost(manage):
    make_channel("all", D3, cost_micros=40_000)
    make_channel("few", D3, ignored_fields=["style", "quality", "image", "partial_images"])
    words = ("--quality", "hd", "--n", "2", "--references", "1")
    fields = ("--fields", "style,output_compression,partial_images")
    Contract.objects.filter(model=D3).update(max_n=2)

    found = explained(manage, D3, *words, *fields)
    shown = manage("channel", "explain", D3, *words, *fields).out

    assert {one["channel"]: one["ignored"] for one in found["serving"]} == {
        "all": ["output_compression"],
        "few": ["image", "output_compression", "partial_images", "quality", "style"],
    }
    assert {one["channel"]: one["cost"] for one in found["serving"]} == {
        "all": "0.080000",
        "few": "unknown",
    }
    assert (found["n"], found["references"]) == (2, 1)
    assert "0.080000  output_compression" in shown


def test_more_images_than_the_model_makes_or_takes_are_among_the_refusals(manage):
    make_channel("one", "gpt-image-2")
    Contract.objects.filter(model="gpt-image-2").update(max_n=4, most_references=2)

    found = explained(manage, "gpt-image-2", "--task", "edit", "--n", "5", "--references", "3")

    assert found["refused"] == [
        "gpt-image-2 makes at most 4 images",
        "gpt-image-2 takes at most 2 reference images",
    ]


def test_each_channel_says_how_many_orders_it_would_get(manage):
    make_channel("all", "gpt-image-2")
    make_channel("pairs", "gpt-image-2", settings={"max_n": "2"})

    found = explained(manage, "gpt-image-2", "--n", "5")

    assert {one["channel"]: one["orders"] for one in found["serving"]} == {"all": 1, "pairs": 3}


@pytest.mark.parametrize("overlay", ["mask", "markup"])
def test_an_edit_goes_only_where_what_lies_over_its_image_is_taken(manage, overlay):
    make_channel("bare", "gpt-image-2", ignored_fields=[overlay])

    found = explained(manage, "gpt-image-2", "--task", "edit", "--fields", overlay)

    assert found["others"]["bare"] == [f"is no channel that takes a {overlay}"]


def test_an_edit_of_more_images_than_a_channel_takes_leaves_it_out(manage):
    make_channel("small", "gpt-image-2", max_images=1)

    others = [
        explained(manage, "gpt-image-2", "--task", "edit", "--references", number)["others"]
        for number in ("1", "2")
    ]

    assert others == [{}, {"small": ["is no channel that takes 2 images"]}]


def test_the_breakers_of_all_workers_are_told(manage):
    dead, other = make_channel("dead", D3), make_channel("other", D3)
    keys = [(dead.id, D3), (dead.id, ""), (other.id, "gpt-image-2")]
    open_breakers.write({BreakerKey(channel, 0, model): 60.0 for channel, model in keys})

    waits = explained(manage, D3)["breakers"]
    shown = manage("channel", "explain", D3).out
    OpenBreaker.objects.update(until=clock.now())
    due = manage("channel", "explain", D3).out

    assert list(waits) == ["dead"]
    assert 50 < waits["dead"] <= 60
    assert re.search("the breaker of dead is open; next probe: in [56][0-9] s, by one call", shown)
    assert "the breaker of dead is open; next probe: by the next request" in due


def test_a_stop_is_among_the_refusals(manage):
    make_channel("small", D3)
    for what in ("all", D3, "dall-e-2"):
        manage("stop", what, "--reason", "wrong colours")

    refused = explained(manage, D3)["refused"]

    assert [words.partition(" since ")[0] for words in refused] == [
        f"{D3} is stopped",
        "Everything is stopped",
    ]
