"""`manage.py channel set`: options of single models and abilities of an account."""

import json

import pytest

from generation.models import Route
from tests.making.factories import make_channel

MODEL = "dall-e-3"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

NEW = (
    *("channel", "set", "acme", "--base-url", "https://api.example.com/v1", "--api-key", "k"),
    *("--models", "gpt-image-2,dall-e-3"),
)


def test_all_that_the_form_says_can_be_said(manage):
    said = manage(
        *NEW, "--words", "gpt-image-2:high=hd, low=draft", "--words", "dall-e-3:standard=low",
        "--sizes-of", "dall-e-3:1024x1024,1792x1024", "--cost", "0.01", "--cost-of",
        "gpt-image-2:0.002", "--cost-of", "dall-e-3:unknown", "--concurrency", "4",
        "--statuses", "429=unknown,418=rejected", "--crop", "--no-redispatch", "--free-retries",
        "--queue-seconds", "30",
    )  # fmt: skip

    (listed,) = json.loads(manage("channel", "list", "--json").out)
    assert said.error is None
    assert listed["quality_maps"] == {
        "gpt-image-2": {"high": "hd", "low": "draft"}, "dall-e-3": {"standard": "low"},
    }  # fmt: skip
    assert listed["model_sizes"] == {"dall-e-3": ["1024x1024", "1792x1024"]}
    assert listed["cost"] == {"gpt-image-2": "0.002000"}
    assert (listed["max_concurrency"], listed["queue_seconds"]) == (4, 30)
    assert listed["class_overrides"] == {"429": "unknown", "418": "rejected"}
    assert [listed[name] for name in ("allows_exact_crop", "allows_redispatch")] == [True, False]
    assert listed["retry_is_free"] is True


def test_every_option_can_be_taken_back(manage):
    manage(
        *NEW, "--words", "dall-e-3:standard=low", "--sizes-of", "dall-e-3:1024x1024",
        "--concurrency", "4", "--statuses", "429=unknown", "--crop",
    )  # fmt: skip

    manage(
        "channel", "set", "acme", "--words", "dall-e-3:none", "--sizes-of", "dall-e-3:all",
        "--concurrency", "none", "--statuses", "none", "--no-crop",
    )  # fmt: skip

    (listed,) = json.loads(manage("channel", "list", "--json").out)
    assert (listed["quality_maps"], listed["model_sizes"], listed["class_overrides"]) == (
        {},
        {},
        {},
    )
    assert (listed["max_concurrency"], listed["allows_exact_crop"]) == (None, False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--words", "dall-e-3"), "--words takes MODEL:VALUE, not"),
        (("--words", "dall-e-3:high"), "--words takes OURS=THEIRS"),
        (("--words", "dall-e-3:hd=a,hd=b"), "--words takes OURS=THEIRS, each once"),
        (("--words", "dall-e-3:hgih=hd"), "dall-e-3 has no quality hgih; available: standard, hd"),
        (("--words", "dall-e-2:standard=low"), "the channel does not serve dall-e-2"),
        (("--cost-of", "dall-e-3:1", "--cost-of", "dall-e-3:2"), "names dall-e-3 twice"),
        (("--cost-of", "dall-e-3:much"), "'much' is not an amount"),
        (("--sizes-of", "dall-e-3:big"), "'big' is neither WIDTHxHEIGHT nor auto"),
        (("--sizes-of", "nothing:all"), "no such model: nothing"),
        (("--concurrency", "few"), "--concurrency: 'few' is not a whole number from 0"),
        (("--concurrency", "0"), "the number of calls at once must be from 1"),
        (("--statuses", "999=unknown"), "'999': 'unknown' is not an HTTP status and a class"),
    ],
    ids=str,
)
def test_a_mistake_is_one_clear_line_and_makes_no_channel(manage, words, message):
    said = manage(*NEW, *words)

    assert message in (said.error or "")
    assert json.loads(manage("channel", "list", "--json").out) == []


def test_a_vendors_end_of_a_model_is_entered(manage):
    make_channel("acme", MODEL)

    said = manage("channel", "set", "acme", "--retires", f"{MODEL}:2026-12-01")
    shown = json.loads(manage("channel", "show", "acme", "--json").out)
    manage("channel", "set", "acme", "--retires", f"{MODEL}:none")

    assert said.error is None
    assert shown["retires"] == {MODEL: "2026-12-01"}
    assert Route.objects.get().retires_on is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("dall-e-3", "--retires takes MODEL:VALUE, not"),
        ("dall-e-3:soon", "--retires: 'soon' is not a day, such as 2026-12-01"),
        ("dall-e-3:2026-02-30", "--retires: '2026-02-30' is not a day"),
        ("none:2026-12-01", "acme has no route for none yet"),
    ],
)
def test_a_mistaken_end_of_a_model_is_explained(manage, words, message):
    make_channel("acme", MODEL)

    assert message in str(manage("channel", "set", "acme", "--retires", words).error)
