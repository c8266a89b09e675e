"""Upstream requests, recorded by a real HTTP server that is a channel of the stack."""

import base64
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.customers.customer import Customer
from tests.fakes.recorder import Recorder, drawn, noise

QUOTE = "/v1/images/quote"
MODEL = "gpt-image-2-origin"
SMALL = base64.b64encode(drawn((64, 64))).decode()
LARGE = base64.b64encode(noise((640, 480))).decode()
"""More than a megabyte, so that it goes through spool files."""
pytest_plugins = ("tests.fakes.channel",)


def test_the_least_request_sends_the_defaults_and_nothing_else(
    customer: Customer, upstream: Recorder
) -> None:
    response = customer.generate("a fox")

    assert response.status_code == 200, response.text
    assert upstream.only.path == "/v1/images/generations"
    assert upstream.only.body == {
        "model": "gpt-image-2-origin",
        "prompt": "a fox",
        "n": 1,
        "size": "1024x1024",
    }


def test_the_channel_s_own_key_is_sent_and_never_the_caller_s(
    customer: Customer, upstream: Recorder
) -> None:
    customer.generate("a fox", user="u-1")

    headers = upstream.only.headers
    assert headers["Authorization"] == "Bearer upstream-secret"
    assert headers["Content-Type"] == "application/json"
    assert customer.api_key not in str(upstream.only)


@pytest.mark.parametrize(
    "field",
    [
        {"style": "vivid"},
        {"style": {"preset": "ink", "strength": 0.5, "tags": ["a", None, True]}},
        {"style": ""},
        {"style": {}},
        {"background": "transparent"},
        {"background": "opaque"},
        {"background": "anything else"},
        {"background": {"type": "gradient", "stops": [1, 2.5]}},
        {"watermark": True},
        {"watermark": False},
        {"moderation": "low"},
        {"input_fidelity": "high"},
        {"complexity": "medium"},
        {"quality": "low"},
        {"quality": "high"},
        {"quality": "auto"},
        {"output_format": "webp"},
        {"output_format": "jpeg", "output_compression": 40},
        {"n": 3},
        {"image": SMALL},
        {"image": f"data:image/png;base64,{SMALL}"},
        {"image": {"b64_json": SMALL}},
        {"image": {"b64_json": f"data:image/png;base64,{SMALL}"}},
        {"image": {"url": f"data:image/png;base64,{SMALL}"}},
        {"image": {"image_url": {"url": f"data:image/png;base64,{SMALL}"}}},
        {"image": [SMALL, f"data:image/png;base64,{SMALL}", {"b64_json": SMALL}]},
        {"image": [SMALL] * 16},
        {"image": LARGE},
        {"image": f"data:image/png;base64,{LARGE}"},
        {"image": [{"b64_json": LARGE}, SMALL, LARGE]},
    ],
    ids=lambda field: str(field)[:60],
)
def test_a_field_reaches_the_upstream_exactly_as_it_was_sent(
    customer: Customer, upstream: Recorder, field: dict[str, Any]
) -> None:
    response = customer.generate("a fox", **field)

    assert response.status_code == 200, response.text
    assert response.json()["metadata"]["ignored"] == []
    assert upstream.only.body == {
        "model": "gpt-image-2-origin",
        "prompt": "a fox",
        "n": 1,
        "size": "1024x1024",
        **field,
    }


def test_many_fields_go_together(customer: Customer, upstream: Recorder) -> None:
    fields: dict[str, Any] = {
        "style": {"name": "ink"},
        "background": {"type": "solid"},
        "watermark": False,
        "quality": "medium",
        "size": "1536x1024",
        "n": 2,
        "image": [LARGE, SMALL],
    }

    response = customer.generate("a “fox” \\ \u2028 \U0001f98a", **fields)

    assert response.status_code == 200, response.text
    assert upstream.only.body == {
        "model": "gpt-image-2-origin",
        "prompt": "a “fox” \\ \u2028 \U0001f98a",
        **fields,
    }


@pytest.mark.parametrize(
    "name", ["style", "background", "watermark", "image", "quality", "user", "moderation"]
)
def test_a_field_that_is_null_is_not_sent(
    customer: Customer, upstream: Recorder, name: str
) -> None:
    response = customer.generate("a fox", **{name: None})

    assert response.status_code == 200, response.text
    assert name not in upstream.only.body


@pytest.mark.parametrize("form", ["url", "b64_json", "base64"])
def test_response_format_is_ours_and_gpt_image_models_are_never_sent_it(
    customer: Customer, upstream: Recorder, form: str
) -> None:
    customer.generate("a fox", response_format=form, strict_size=True)

    assert "response_format" not in upstream.only.body
    assert "strict_size" not in upstream.only.body


@pytest.mark.parametrize("model", ["dall-e-2", "dall-e-3"])
def test_dall_e_models_are_asked_for_base64(
    customer: Customer, upstream: Recorder, model: str
) -> None:
    customer.generate("a fox", model=model)

    assert upstream.only.body == {
        "model": model,
        "prompt": "a fox",
        "n": 1,
        "size": "1024x1024",
        "response_format": "b64_json",
    }


# --- fields that a channel cannot honour -------------------------------------------------------


@pytest.fixture
def deaf(upstream: Recorder, database: "psycopg.Connection[Any]") -> Iterator[Recorder]:
    """The channel, set to ignore style and watermark."""
    change = "UPDATE generation_channel SET ignored_fields = %s WHERE name = 'rec'"
    database.execute(change, [["style", "watermark"]])
    yield upstream
    database.execute(change, [[]])


def test_a_field_the_channel_cannot_honour_is_dropped_visibly(
    customer: Customer, deaf: Recorder
) -> None:
    response = customer.generate("a fox", style="vivid", watermark=False, background="opaque")
    without = customer.generate("a fox", background="opaque")

    assert response.json()["metadata"]["ignored"] == ["style", "watermark"]
    assert without.json()["metadata"]["ignored"] == []
    assert deaf.requests[0].body == deaf.requests[1].body
    assert deaf.requests[0].body["background"] == "opaque"


def test_a_quality_that_the_channel_ignores_is_not_sent_and_named(
    customer: Customer, deaf: Recorder, database: "psycopg.Connection[Any]"
) -> None:
    change = "UPDATE generation_channel SET ignored_fields = '{quality}' WHERE name = 'rec'"
    database.execute(change)

    asked = customer.generate("a fox", quality="high")
    plain = customer.generate("a fox")

    assert asked.json()["metadata"]["ignored"] == ["quality"]
    assert plain.json()["metadata"]["ignored"] == []
    assert "quality" not in deaf.requests[0].body
    (sent,) = database.execute(
        "SELECT DISTINCT upstream_quality FROM generation_attempt AS a JOIN generation_channel AS c"
        " ON c.id = a.channel_id WHERE c.name = 'rec' AND a.generation_id IN"
        " (SELECT id FROM generation_generation WHERE quality_sent = 'high'"
        " ORDER BY created_at DESC LIMIT 1)"
    ).fetchall()
    assert sent == ("",)


@pytest.fixture
def renaming(upstream: Recorder, database: "psycopg.Connection[Any]") -> Iterator[Recorder]:
    """The channel with its own words for qualities and its own name for the model."""
    change = """
        UPDATE generation_route SET quality_map = %s, upstream_model = %s
         WHERE channel_id = (SELECT id FROM generation_channel WHERE name = 'rec')
           AND contract_id = 'gpt-image-2'
    """
    database.execute(change, ['{"high": "xhigh", "medium": "medium"}', "gpt-image-2.5-flare"])
    yield upstream
    database.execute(change, ["{}", "gpt-image-2"])


def test_a_quality_and_a_model_go_by_the_channel_s_own_words(
    customer: Customer, renaming: Recorder
) -> None:
    renaming.extra = {"quality": "xhigh"}

    mapped = customer.generate("a fox", model="gpt-image-2", quality="high")
    as_it_is = customer.generate("a fox", model="gpt-image-2", quality="low")

    sent = [request.body["quality"] for request in renaming.requests]
    assert sent == ["xhigh", "low"]
    assert {request.body["model"] for request in renaming.requests} == {"gpt-image-2.5-flare"}
    assert mapped.json()["quality"] == "high"
    assert mapped.headers["x-pictor-charge"] == "0.210720"
    assert as_it_is.headers["x-pictor-charge"] == "0.005880"


@pytest.mark.parametrize(
    ("reported", "tokens", "billed"),
    [
        ("xhigh", 3122, ("high", "0.210720")),
        ("high", 1756, ("medium", "0.052680")),  # by the tokens: its high is none of our qualities
        ("medium", 1756, ("medium", "0.052680")),
        ("low", 196, ("low", "0.005880")),
    ],
)
def test_a_reported_quality_is_read_by_the_channel_s_own_words(
    customer: Customer, renaming: Recorder, reported: str, tokens: int, billed: tuple[str, str]
) -> None:
    renaming.extra = {"quality": reported, "usage": {"output_tokens": tokens}}

    response = customer.generate("a fox", model="gpt-image-2")

    assert (response.json()["quality"], response.headers["x-pictor-charge"]) == billed


# --- reference images -------------------------------------------------------------------------


@pytest.mark.parametrize("text", [SMALL, LARGE], ids=["small", "large"])
def test_base64_in_lines_is_sent_on_in_one(
    customer: Customer, upstream: Recorder, text: str
) -> None:
    lines = base64.encodebytes(base64.b64decode(text)).decode()

    response = customer.generate("a fox", quality="low", image=f"data:image/png;base64,{lines}")

    assert response.status_code == 200, response.text
    assert upstream.only.body["image"] == f"data:image/png;base64,{text}"


@pytest.mark.refused
@pytest.mark.parametrize(
    "image",
    [
        "not base64!",
        "data:,c21hbGw=",
        f"data:image/png;base64,data:image/png;base64,{SMALL}",
        "",
        "data:image/png;base64,",
        {"b64_json": "a"},
        {"url": "http://127.0.0.1/a.png"},
        {"url": "http://169.254.169.254/latest/meta-data"},
        {"url": "https://[::1]/a.png"},
        {"image_url": {"url": "https://10.0.0.1/a.png"}},
        {"url": "ftp://1.1.1.1/a.png"},
        {"url": "file:///etc/passwd"},
        [SMALL] * 17,
        {},
        {"something": "else"},
        {"b64_json": SMALL, "detail": "high"},
        {"b64_json": SMALL, "url": f"data:image/png;base64,{SMALL}"},
        {"image_url": {"url": f"data:image/png;base64,{SMALL}", "to": "https://10.0.0.1/"}},
        [],
        [{}],
        "AAAA",
        base64.b64encode(b"GIF89a" + bytes(100)).decode(),
        SMALL[: len(SMALL) // 2],
        [SMALL, LARGE[:900_000]],
        {"url": "https://localhost:9000/a.png"},
        {"url": "https://db/a.png"},
        {"url": "https://metadata.internal/a.png"},
        {"url": "https://user:password@cats.com/a.png"},
        [{"url": f"https://cats.com/{number}.png"} for number in range(17)],
        [SMALL] * 8 + [{"url": f"https://cats.com/{number}.png"} for number in range(9)],
    ],
    ids=lambda image: str(image)[:40],
)
def test_an_image_that_is_none_is_refused(
    customer: Customer, upstream: Recorder, image: object
) -> None:
    response = customer.generate("a fox", image=image)

    error = response.json()["error"]
    assert response.status_code == 400, response.text
    assert (error["code"], error["param"]) == ("invalid_image", "image")
    assert upstream.requests == []
    assert customer.states() == {}


@pytest.mark.refused
@pytest.mark.parametrize("image", [7, True, [7], [[SMALL]], {"b64_json": 7}, {"url": ["x"]}])
def test_an_image_of_a_wrong_type_is_refused(
    customer: Customer, upstream: Recorder, image: object
) -> None:
    response = customer.generate("a fox", image=image)

    error = response.json()["error"]
    assert response.status_code == 400, response.text
    assert (error["code"], error["param"]) == ("invalid_type", "image")
    assert upstream.requests == []


@pytest.mark.parametrize("name", ["image", "mask"])
def test_an_address_is_never_told_to_an_upstream_and_its_failure_is_free(
    customer: Customer, upstream: Recorder, name: str
) -> None:
    fields: dict[str, Any] = {
        "image": SMALL,
        name: {"url": "https://127.0.0.1.nip.example.com/a.png"},
    }

    quoted = customer.client.post(QUOTE, json={"model": MODEL, "prompt": "a fox", **fields})
    response = customer.generate("a fox", **fields)

    error = response.json()["error"]
    assert quoted.status_code == 200, quoted.text
    assert response.status_code == 400, response.text
    assert (error["code"], error["param"]) == ("invalid_image", name)
    assert error["message"].startswith(f"{name} could not be fetched from its address.")
    assert response.headers["x-should-retry"] == "false"
    assert upstream.requests == []
    assert customer.states() == {"failed": 1}
    assert customer.balance() == (10_000_000, 0)


def test_an_image_that_is_none_is_named_by_its_place(
    customer: Customer, upstream: Recorder
) -> None:
    response = customer.generate("a fox", image=[SMALL, SMALL[: len(SMALL) // 2]])

    assert response.json()["error"]["message"].startswith("image[1] is broken or cut short")


def test_a_data_uri_says_what_its_bytes_are(customer: Customer, upstream: Recorder) -> None:
    customer.generate("a fox", image=f"data:text/html;base64,{SMALL}")

    assert upstream.only.body["image"] == f"data:image/png;base64,{SMALL}"


@pytest.mark.parametrize(
    ("fields", "echoed"),
    [
        ({"quality": "low"}, {"quality": "low"}),
        ({"background": "transparent"}, {"background": "transparent"}),
        ({"background": "opaque"}, {"background": "opaque"}),
        ({"background": "auto"}, {}),
        ({"background": {"type": "solid"}}, {}),
    ],
)
def test_the_answer_echoes_what_strict_sdk_types_allow(
    customer: Customer, upstream: Recorder, fields: dict[str, Any], echoed: dict[str, str]
) -> None:
    upstream.extra = {"background": "auto", "quality": "auto"}

    answer = customer.generate("a fox", **fields).json()

    shown = {name: answer[name] for name in ("background",) if name in answer}
    assert answer["quality"] == echoed.get("quality", "medium")
    assert shown == {name: word for name, word in echoed.items() if name != "quality"}
    assert answer["output_format"] == "png"


@pytest.mark.parametrize(("quality", "model"), [("standard", "dall-e-3"), ("hd", "dall-e-3")])
def test_a_dall_e_quality_is_sent_but_not_echoed(
    customer: Customer, upstream: Recorder, quality: str, model: str
) -> None:
    answer = customer.generate("a fox", model=model, quality=quality).json()

    assert upstream.only.body["quality"] == quality
    assert "quality" not in answer


def test_the_upstreams_report_decides_the_price_of_an_automatic_quality(
    customer: Customer, upstream: Recorder
) -> None:
    upstream.extra = {"quality": "low"}
    reported = customer.generate("a fox")
    upstream.extra = {"usage": {"input_tokens": 4, "output_tokens": 7024, "total_tokens": 7028}}
    inferred = customer.generate("a fox")
    upstream.extra = {}
    assumed = customer.generate("a fox")
    upstream.extra = {"quality": "high"}
    explicit = customer.generate("a fox", quality="low")

    charges = [each.headers["x-pictor-charge"] for each in (reported, inferred, assumed, explicit)]
    assert charges == ["0.005880", "0.210720", "0.052680", "0.005880"]


def test_a_revised_prompt_is_passed_on_and_absent_otherwise(
    customer: Customer, upstream: Recorder
) -> None:
    plain = customer.generate("a fox").json()
    image = base64.b64encode(drawn((1024, 1024))).decode()
    upstream.extra = {"data": [{"b64_json": image, "revised_prompt": "a red fox"}]}
    revised = customer.generate("a fox").json()

    assert "revised_prompt" not in plain["data"][0]
    assert revised["data"][0]["revised_prompt"] == "a red fox"
