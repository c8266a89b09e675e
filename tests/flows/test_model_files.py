"""A model that Pictor does not know, from its file to its end: shown, tried, sold, sent, billed."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from generation.catalogue.services import shipped_files
from pictor.kit.words import clock
from tests.console.conftest import signed_in_without_a_browser
from tests.customers.customer import Customer, Operator, by_test_key
from tests.customers.openapi import Document
from tests.fakes.recorder import Recorder
from tests.stack.servers import Stack
from tests.stack.stack_processes import until

pytest_plugins = ("tests.fakes.channel",)

FOX = """
model = "fox-1"
maker = "Fox Labs"
about = "Foxes in any light."
source = "docs.foxlabs.example/pricing, 30 November 2026"
tasks = ["generate", "edit"]
prompt_max_chars = 400
max_n = 2
default_size = "1024x1024"
qualities = ["1K", "xhigh-definition", "auto"]
default_quality = "1K"
formats = ["jpeg", "png"]
response_format_default = "b64_json"
ratios = true
[sizes]
list = [
  { size = "1024x1024", tier = "1K" },
  { size = "512x256", tier = "1K", preset = "small", ratio = "2:1" },
]
[sizes.rule]
step = 16
min_side = 256
max_side = 4096
min_pixels = 65536
max_pixels = 4194304
max_ratio = 3
[parameters]
seed = { type = "integer", least = 0, most = 4294967295 }
grounding = { type = "flag", default = false }
"""
PRICES = """
[prices]
1024x1024 = { 1K = "0.030001", xhigh-definition = "0.05" }
any = { 1K = "0.01", xhigh-definition = { megapixels = ["0.03", "0.015"] } }
"""
COUNTED = """
from billing.selectors.office import sold
from generation.oversight.daily_sales import add_sold

sold.TRAIL_SECONDS = 0.0
add_sold()
"""
PutOnSale = Callable[[str], None]
Raise = Callable[[str], tuple[dict[str, Any], Callable[[], str]]]


@pytest.fixture(scope="module")
def put_on_sale(
    operator: Operator, channel: Recorder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PutOnSale]:
    """Put a file's model on sale by the guide's five steps, and on the sandbox."""
    done: list[str] = []

    def put(content: str) -> None:
        file = tmp_path_factory.mktemp("models") / "model.toml"
        file.write_text(content)
        (model,) = re.findall('^model = "(.*)"$', content, re.MULTILINE)
        imported = operator("do", "model.import", "--file", f"@{file}", "--yes")
        operator("price", "publish", re.findall(r"in the draft (\S+)", imported)[-1], "--yes")
        for name in ("rec", "sandbox"):
            operator("channel", "set", name, "--map", f"{model}=fox-large")
            operator("channel", "test", name, "--route", model)
        operator("do", "model.enable", model, "--yes")
        done.append(model)

    yield put
    for model in done:
        operator("do", "model.disable", model, "--yes")


@pytest.fixture(scope="module")
def fox(put_on_sale: PutOnSale) -> None:
    put_on_sale(FOX + PRICES)


def test_a_model_from_a_file_is_shown_sold_and_billed_to_the_micro(
    fox: None, customer: Customer, upstream: Recorder
) -> None:
    asked: dict[str, Any] = {"model": "fox-1", "seed": 7, "quality": "xhigh-definition"}

    shown = customer.client.get("/v1/models/fox-1").json()
    quoted = customer.client.post("/v1/images/quote", json={"prompt": "a fox", **asked}).json()
    small = {"prompt": "a fox", "model": "fox-1", "aspect_ratio": "2:1", "resolution": "1K"}
    by_ratio = customer.client.post("/v1/images/quote", json=small).json()
    made = customer.generate("a fox", **asked)

    assert (by_ratio["size"], by_ratio["price"]) == ("512x256", "0.010000")
    assert shown["parameters"]["aspect_ratio"] == {"type": "string", "enum": ["1:1", "2:1"]}
    assert (shown["owned_by"], shown["description"]) == ("Fox Labs", "Foxes in any light.")
    assert shown["output_formats"] == ["jpeg", "png"]
    assert shown["parameters"]["seed"] == {"type": "integer", "minimum": 0, "maximum": 4294967295}
    assert quoted["price"] == "0.050000"
    assert made.status_code == 200, made.text
    assert upstream.only.body["seed"] == 7
    assert upstream.only.body["grounding"] is False
    assert upstream.only.body["model"] == "fox-large"
    assert upstream.only.body["output_format"] == "jpeg"
    assert made.json()["metadata"]["ignored"] == []
    assert customer.captures() == [50_000]


def test_a_size_by_the_rule_is_shown_priced_made_and_billed(
    fox: None, customer: Customer, upstream: Recorder
) -> None:
    asked: dict[str, Any] = {
        "model": "fox-1", "quality": "xhigh-definition", "size": "1008x1344", "strict_size": True,
    }  # fmt: skip

    shown = customer.client.get("/v1/models/fox-1").json()
    quoted = customer.client.post("/v1/images/quote", json={"prompt": "a fox", **asked}).json()
    made = customer.generate("a fox", **asked)

    assert shown["size_rule"] == {
        "step": 16, "min_side": 256, "max_side": 4096, "min_pixels": 65_536,
        "max_pixels": 4_194_304, "max_ratio": 3.0,
    }  # fmt: skip
    assert [one["size"] for one in shown["sizes"]] == ["1024x1024", "512x256"]
    assert shown["prices"][-1] == {"size": "any", "quality": "xhigh-definition",
                                   "price": "0.075000"}  # fmt: skip
    assert (quoted["tier"], quoted["price"]) == ("any", "0.045000")
    assert made.status_code == 200, made.text
    assert upstream.only.body["size"] == "1008x1344"
    assert made.json()["metadata"]["delivered_sizes"] == ["1008x1344"]
    assert customer.captures() == [45_000]


def test_what_the_model_lacks_is_refused_before_anything_is_sent(
    fox: None, customer: Customer, upstream: Recorder
) -> None:
    def refusal(**fields: Any) -> tuple[str, str, str]:
        error = customer.generate("a fox", **{"model": "fox-1", **fields}).json()["error"]
        return error["param"], error["code"], error["message"]

    assert refusal(seed=-1)[2] == "seed must be between 0 and 4294967295."
    assert refusal(output_format="webp")[2] == "output_format must be one of jpeg, png for fox-1."
    assert refusal(size="1000x1344")[2] == (
        "fox-1 does not make that size. It makes: small, 1024x1024, 512x256; any size with width"
        " and height divisible by 16, from 256 to 4096, from 65536 to 4194304 pixels, at most 3:1."
    )
    assert refusal(sed=1)[:2] == ("sed", "unknown_parameter")
    assert refusal(model="gpt-image-2", seed=1)[:2] == ("seed", "unknown_parameter")
    assert upstream.requests == []


def test_the_document_says_which_model_has_which_parameter(fox: None, customer: Customer) -> None:
    body = customer.client.get("/openapi.json").json()["components"]["schemas"]["GenerationRequest"]
    of = {
        rule["if"]["properties"]["model"]["const"]: rule["then"]["properties"]
        for rule in body["allOf"]
    }

    assert body["properties"]["grounding"]["description"] == "A parameter of fox-1 alone."
    assert of["fox-1"]["grounding"]["type"] == ["boolean", "null"]
    assert of["gpt-image-2"]["grounding"] is False


def test_a_model_without_reference_images_refuses_them_for_nothing(
    put_on_sale: PutOnSale, customer: Customer, upstream: Recorder
) -> None:
    model = f"fox-{uuid4().hex[:6]}"
    none = 'tasks = ["generate"]\nreferences = { most = 0 }'
    file = FOX.replace("fox-1", model).replace('tasks = ["generate", "edit"]', none)
    put_on_sale(file.partition("[parameters]")[0] + PRICES)
    asked = {"model": model, "prompt": "a fox", "image": "https://images.example.com/a.png"}
    document = Document(customer.client.get("/openapi.json").json())
    schema = document.document["components"]["schemas"]["GenerationRequest"]
    upstream.requests.clear()

    answers = [
        customer.client.post(f"/v1/images/{path}", json=asked) for path in ("generations", "quote")
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert [answer.json()["error"] for answer in answers] == [
        {
            "message": f"{model} takes no reference images.",
            "type": "invalid_request_error",
            "param": "image",
            "code": "invalid_image",
        }
    ] * 2
    assert document.mismatch(schema, asked)
    assert not document.mismatch(schema, {**asked, "image": None})
    assert f"{model} takes no reference images." in json.dumps(schema)
    assert "Takes no reference images." in customer.client.get("/docs/models/").text
    assert upstream.requests == []


def test_the_document_states_the_rule_of_sizes(fox: None, customer: Customer) -> None:
    document = Document(customer.client.get("/openapi.json").json())
    schema = document.document["components"]["schemas"]["GenerationRequest"]
    asked = {"model": "fox-1", "prompt": "a fox"}

    taken = [
        not document.mismatch(schema, {**asked, "size": size})
        for size in ("small", "1008x1344", None, "1008", "16:9")
    ]

    assert taken == [True, True, True, False, False]
    assert document.mismatch(schema, {**asked, "model": "dall-e-3", "size": "1008x1344"})
    of = {one["if"]["properties"]["model"]["const"]: one["then"] for one in schema["allOf"]}
    assert of["fox-1"]["properties"]["size"]["anyOf"][1]["description"] == (
        "Any size with width and height divisible by 16, from 256 to 4096, from 65536 to 4194304"
        " pixels, at most 3:1."
    )


def test_a_test_key_tries_it_on_the_sandbox_for_nothing(
    fox: None, customer: Customer, upstream: Recorder, sandbox: httpx.Client
) -> None:
    with closing(by_test_key(customer)) as tester:
        made = tester.generate("a fox", model="fox-1", seed=7, grounding=True)

    assert made.status_code == 200, made.text
    assert made.headers["x-pictor-charge"] == "0.030001"
    assert made.json()["metadata"]["delivered_sizes"] == ["1024x1024"]
    assert sandbox.get("/__stats").json()["images"] == 1
    assert (customer.balance(), customer.captures()) == ((10_000_000, 0), [])
    assert upstream.requests == []


def test_guide_prices_and_playground_show_it(fox: None, stack: Stack) -> None:
    tenant, cookies = signed_in_without_a_browser(stack)
    theirs = {str(cookie["name"]): str(cookie["value"]) for cookie in cookies}

    with httpx.Client(base_url=stack.base_url, cookies=theirs, trust_env=False) as client:
        guide, pricing = client.get("/docs/models/").text, client.get("/pricing/").text
        playground = client.get(f"/console/{tenant}/playground/?model=fox-1").text

    assert "Foxes in any light." in guide
    assert "<code>aspect_ratio</code> <code>resolution</code> <code>seed</code>" in guide
    assert "$0.030001" in pricing
    assert 'name="own-seed"' in playground
    assert 'name="own-grounding"' in playground


@pytest.fixture
def raised(stack: Stack, operator: Operator) -> Raise:
    """Draft prices of a model that are 20 % higher; return the what-if, and what publishes them."""

    def draft(model: str) -> tuple[dict[str, Any], Callable[[], str]]:
        operator("shell", "-v0", "-c", COUNTED)
        books = json.loads(operator("price", "list", "--json"))
        present = next(one["book"] for one in books if one["state"] == "current")
        book = json.loads(operator("price", "draft", present, "--json"))["book"]
        ran = stack.manage("price", "change", book, "--model", model, "--by", "20%", typed="y\n")
        assert "changed prices: 4" in ran.stdout, ran
        whatif = json.loads(operator("price", "diff", book, "--json"))["last_30_days"]
        return whatif, lambda: operator("price", "publish", book, "--yes")

    return draft


@pytest.fixture
def another(put_on_sale: PutOnSale) -> dict[str, Any]:
    """A request for a new model like it, without parameters of its own."""
    model = f"fox-{uuid4().hex[:6]}"
    put_on_sale(FOX.partition("[parameters]")[0].replace("fox-1", model) + PRICES)
    return {"model": model, "prompt": "a fox"}


def test_a_raised_price_is_for_later_requests_and_the_what_if_says_what_it_brings(
    another: dict[str, Any], raised: Raise, customer: Customer, upstream: Recorder, monkeypatch: Any
) -> None:
    gate, drawn = threading.Event(), upstream.answer
    customer.generate(**another)
    whatif, publish = raised(another["model"])
    monkeypatch.setattr(upstream, "answer", lambda body: (gate.wait(60), drawn(body))[1])

    upstream.requests.clear()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(customer.generate, **another)
        until(lambda: len(upstream.requests) == 1)
        publish()
        gate.set()
    quoted = customer.client.post("/v1/images/quote", json=another).json()["price"]
    customer.generate(**another)

    (effect,) = [one for one in whatif["most_touched"] if one["name"] == customer.name]
    assert (effect["was"], effect["would_be"]) == ("0.030001", "0.036001")
    assert running.result().headers["x-pictor-charge"] == "0.030001"
    assert quoted == "0.036001"
    assert customer.captures() == [30_001, 30_001, 36_001]


def test_it_ends_and_says_what_follows(
    another: dict[str, Any],
    customer: Customer,
    operator: Operator,
    database: "psycopg.Connection[Any]",
) -> None:
    end = (clock.now() + timedelta(days=61)).date().isoformat()
    operator("model", "sunset", another["model"], "--on", end, "--successor", "gpt-image-2")
    announced = customer.generate(**another)
    database.execute(  # its day has come, and no command can hasten it
        "UPDATE generation_contract SET deprecated_at = '2026-10-01', sunset_at = '2026-11-01'"
        " WHERE model = %s",
        [another["model"]],
    )
    refused = customer.generate(**another)

    assert 'rel="successor-version"' in announced.headers["link"]
    assert (refused.status_code, refused.json()["error"]["code"]) == (410, "model_sunset")
    assert "Use gpt-image-2 instead." in refused.json()["error"]["message"]


# --- FLUX.2 pro, by its own file: at the shell in five steps, by an operator's key in four


FLUX = shipped_files()["flux-2-pro"]
KEY = """
from datetime import timedelta
from accounts.models import User
from accounts.services.office.operator_keys import KeyTerms, issue_operator_key
from pictor.kit.words import clock, ids

owner = User.objects.create_user("models@pictor.example", staff_role="owner")
acts = ["model.import", "price_book.publish", "channel.route", "model.enable"]
may = ["see", "money", "publish", "channels"]
terms = KeyTerms(may, acts=acts, ip_ranges=[], expires_at=clock.now() + timedelta(days=1))
by = {"actor": owner, "ip": None}
print(issue_operator_key(name="ci", terms=terms, once=ids.new_uuid(), now=clock.now(), by=by)[1])
"""


@pytest.fixture
def act(stack: Stack) -> Iterator[Callable[..., dict[str, Any]]]:
    """Preview an act with an operator's key, then do it; return both answers together."""
    key = stack.manage("shell", "--command", KEY).stdout.split()[-1]
    bearer = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"{stack.base_url}/ops/v1", headers=bearer, trust_env=False) as door:

        def act(name: str, subject: str = "", **fields: str) -> dict[str, Any]:
            sent = {"subject": subject, "fields": fields}
            shown = door.post(f"/acts/{name}/preview", json=sent).json()
            assert "token" in shown, shown
            done = door.post(f"/acts/{name}", json=sent | {"token": shown["token"]}).json()
            return {**shown, **done}

        yield act


def untested(operator: Operator) -> list[str]:
    """The models whose test has not passed at the channel."""
    waiting: list[str] = json.loads(operator("channel", "show", "rec", "--json"))["untested"]
    return waiting


def flux_is_charged_by_its_pixels(customer: Customer, model: str) -> None:
    """The first megapixel is 0.03 USD, each further one 0.015."""
    sizes: tuple[dict[str, Any], ...] = (
        {"size": "1440x1440"},
        {"aspect_ratio": "1:1", "resolution": "4MP"},
        {},
    )

    made = [customer.generate("a fox", model=model, **size) for size in sizes]

    assert [answer.status_code for answer in made] == [200, 200, 200]
    assert customer.captures() == [45_000, 75_000, 30_000]


def test_flux_is_sold_after_five_commands(put_on_sale: PutOnSale, customer: Customer) -> None:
    put_on_sale(FLUX.replace('"flux-2-pro"', '"flux-shell"'))

    flux_is_charged_by_its_pixels(customer, "flux-shell")


@pytest.fixture
def off_afterwards(operator: Operator) -> Iterator[None]:
    """Other tests of this stack list the models on offer."""
    yield
    operator("do", "model.disable", "flux-door", "--yes")


def test_flux_is_sold_after_four_acts_of_a_program(
    act: Callable[..., dict[str, Any]],
    channel: Recorder,
    customer: Customer,
    operator: Operator,
    off_afterwards: None,
) -> None:
    imported = act("model.import", file=FLUX.replace('"flux-2-pro"', '"flux-door"'))
    published = act("price_book.publish", imported["facts"]["draft"])
    routed = act("channel.route", "rec", model="flux-door", upstream_model="black-forest/flux.2")
    until(lambda: "flux-door" not in untested(operator))
    enabled = act("model.enable", "flux-door")

    assert published["changes"] == [
        {
            "of": "flux-door any standard",
            "before": "no price",
            "after": "0.030000 USD the first megapixel, 0.015000 USD each further one",
        },
        {
            "of": "flux-door reference input",
            "before": "included",
            "after": "0.015000 USD each megapixel, up to 2048x2048",
        },
    ]
    assert routed["done"] == "flux-door is being tested at rec"
    assert enabled["notes"] == ["22 of 22 cells have a price.", "Served by rec."]
    flux_is_charged_by_its_pixels(customer, "flux-door")
