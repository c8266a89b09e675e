"""A file is written as a model that is off and a draft of its prices; nothing else changes."""

from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from billing.models import PriceBook
from billing.selectors import current_table, rows_of
from billing.services.office.prices import publish_price_book
from generation.catalogue import services
from generation.catalogue.model_files import ModelFile, read, written
from generation.catalogue.services import model_imports
from generation.models import Contract
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.seeds import sow

pytestmark = pytest.mark.django_db
MODEL = "dall-e-3"


@pytest.fixture(autouse=True)
def offer() -> None:
    sow()


def file(model: str = "fox-1", *, prices: Any = None, **columns: Any) -> ModelFile:
    """The file of dall-e-3 under another name, with changes."""
    like = services.shipped(MODEL)
    rows = [replace(row, model=model) for row in like.prices] if prices is None else prices
    kept = {name: value for name, value in like.columns.items() if name != "position"}
    return ModelFile(model, {**kept, **columns}, rows)


@pytest.mark.parametrize("model", ["flux-2-pro", "seedream-4.5"])
def test_a_model_priced_for_any_size_is_exported_as_it_came(model):
    came = services.shipped(model)
    _, draft = services.import_model(came, actor="Ann")

    before = services.file_of(Contract.objects.get(pk=model))
    assert draft is not None
    publish_price_book(book=draft, actor="Ann", now=clock.now())
    gone = services.file_of(Contract.objects.get(pk=model))

    assert before.prices == ()  # a draft is charged to nobody
    assert read(written(gone)).prices == list(came.prices)


def test_a_new_model_is_off_last_and_priced_in_a_draft():
    before = current_table(None, clock.now())

    planned, draft = services.import_model(file(about="Foxes."), actor="Ann")

    made = Contract.objects.get(pk="fox-1")
    assert (made.is_enabled, made.about, made.maker) == (False, "Foxes.", "pictor")
    assert Contract.objects.order_by("position").last() == made
    assert (planned.stored, planned.is_unpriced) == (None, False)
    assert draft is not None
    assert (draft.name, draft.version, draft.published_at) == ("list", 2, None)
    assert len(rows_of(draft)) == len(before.rows) + 6
    assert current_table(None, clock.now()) == before


def test_a_second_file_goes_into_the_same_draft_in_place_of_its_former_prices():
    services.import_model(file(), actor="Ann")
    cheaper = [replace(row, micros=Micros(1)) for row in file().prices[:1]]

    services.import_model(file("fox-2"), actor="Ann")
    _, draft = services.import_model(file(prices=cheaper), actor="Ann")

    rows = [row for row in rows_of(draft) if row.model in {"fox-1", "fox-2"}]
    assert PriceBook.objects.count() == 2
    assert rows == [*cheaper, *sorted(file("fox-2").prices, key=lambda row: row.key)]


@pytest.mark.parametrize("prices", [None, []])
def test_what_is_as_its_file_says_stays(prices):
    before = Contract.objects.filter(pk=MODEL).values().get()
    stored = services.file_of(Contract.objects.get(pk=MODEL))
    same = stored if prices is None else replace(stored, prices=prices)

    assert services.is_written(read(written(same)))
    planned, draft = services.import_model(read(written(same)), actor="Ann")

    assert planned.columns["is_enabled"] is True
    assert draft is None
    assert Contract.objects.filter(pk=MODEL).values().get() == before


def test_a_model_on_offer_waits_for_the_prices_of_what_it_would_promise():
    stored = services.file_of(Contract.objects.get(pk=MODEL))
    sizes = [*stored.columns["sizes"], {"size": "512x512"}]
    new = [replace(row, size="512x512", width=512, height=512) for row in stored.prices[:2]]
    wider = ModelFile(MODEL, {**stored.columns, "sizes": sizes}, [*stored.prices, *new])

    planned, draft = services.import_model(wider, actor="Ann")

    assert draft is not None
    assert planned.is_unpriced
    assert len(Contract.objects.get(pk=MODEL).sizes) == 3
    publish_price_book(book=draft, actor="Ann", now=clock.now())
    assert services.import_model(wider, actor="Ann")[0].is_unpriced is False
    assert len(Contract.objects.get(pk=MODEL).sizes) == 4


def test_a_model_that_was_switched_off_meanwhile_stays_off(monkeypatch):
    def drafted(*_args: Any, **_kwargs: Any) -> None:
        Contract.objects.filter(pk=MODEL).update(is_enabled=False)

    monkeypatch.setattr(model_imports, "draft_prices_of", drafted)
    stored = services.file_of(Contract.objects.get(pk=MODEL))

    services.import_model(replace(stored, columns={**stored.columns, "max_n": 2}), actor="Ann")

    now = Contract.objects.get(pk=MODEL)
    assert (now.is_enabled, now.max_n) == (False, 2)


def test_a_file_has_the_prices_of_all_that_is_promised_or_none():
    contract = Contract.objects.get(pk=MODEL)
    contract.sizes = contract.sizes[:1]
    narrower = services.file_of(contract)
    contract.sizes = [{"size": "9x9"}]

    assert {row.size for row in narrower.prices} == {"1024x1024"}
    assert read(written(narrower)) == narrower
    assert services.file_of(contract).prices == ()


@pytest.mark.parametrize(
    ("model", "columns", "words"),
    [
        ("-fox", {}, "model: a name has 1 to 60 letters"),
        ("fox", {"max_n": 11}, "max_n: must be from 1 to 10"),
        ("fox", {"quality_default": "low"}, "default_quality: is not one of the qualities"),
        ("fox", {"quality_aliases": {"a": "b"}}, "aliases: must each map to one of the qualities"),
        ("fox", {"sizes": [{"size": "1x1"}] * 2}, "sizes.list[1]: 1x1 is listed twice"),
        ("fox", {"size_rule": {"step": 16}}, "sizes.rule: has the keys step, min_side, max_side,"),
        ("fox", {"maker": "m" * 65}, "maker: Ensure this value has at most 64 characters"),
        (
            "fox",
            {"parameters": [{"name": "model"}]},
            "parameters: model cannot be the name of a parameter",
        ),
        (
            "fox",
            {"parameters": [{"name": "seed", "type": "flag"}] * 2},
            "parameters: seed is listed twice",
        ),
        (
            "fox",
            {"parameters": [{"name": f"p{number}", "type": "flag"} for number in range(21)]},
            "parameters: are more than 20",
        ),
        ("fox", {"most_references": 17}, "references: must be from 0 to 16"),
        (
            "fox",
            {"most_references": 0, "tasks": ["generate", "edit"]},
            "references: cannot be 0 with the tasks edit and variation",
        ),
        ("fox", {"about": "a\nb"}, "about: has characters that cannot be shown"),
        (
            "fox",
            {"takes_ratio": True, "sizes": [], "accepts_auto": True, "default_size": "auto"},
            "ratios: needs sizes to choose from",
        ),
        ("fox", {"token_rule": "x"}, "tokens: there is only gpt-image-2"),
        ("fox", {"formats": ["gif"]}, "formats: must be of png, jpeg, webp"),
        ("fox", {"formats": []}, "formats: This field cannot be blank"),
        ("fox", {"tasks": ["draw"]}, "tasks: there is no task draw"),
        ("fox", {"position": 40_000}, "position: Ensure this value is less than or equal to 32767"),
        ("fox", {"prompt_max_chars": 2**40}, "prompt_max_chars: Ensure this value is less than"),
    ],
)
def test_a_promise_that_cannot_be_kept_is_named_by_its_key_and_nothing_is_written(
    model, columns, words
):
    with pytest.raises(ValidationError) as refused:
        services.import_model(file(model, **columns), actor="Ann")

    assert refused.value.messages[0].startswith(words)
    assert Contract.objects.count() == 7
    assert PriceBook.objects.count() == 1


def test_a_size_at_fault_is_named_by_its_key_in_the_file():
    text = """
model = "fox-1"
tasks = ["generate"]
prompt_max_chars = 4000
default_size = "1024x1024"
qualities = ["1K"]
default_quality = "1K"
[sizes]
list = [{ size = "1024x1024", tier = "1K" }, { size = "big" }]
table = { "16:9" = { 1K = "1376x768", 2K = "large" } }
"""

    with pytest.raises(ValidationError) as refused:
        services.import_of(read(text))

    assert refused.value.messages == [
        "sizes.list[1]: 'big' is not a size such as 1536x1024",
        """sizes.table."16:9"."2K": 'large' is not a size such as 1536x1024""",
    ]
