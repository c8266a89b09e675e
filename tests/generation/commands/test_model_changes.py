"""`manage.py model list|show|set|copy`, and the switches and the file by `manage.py do`."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest

from accounts.models import AuditEvent
from accounts.services.office.tenants import create_tenant
from billing.models import FIGURES, SoldDay
from generation.catalogue.services import shipped_files
from generation.models import Contract, CostTable
from pictor.kit.words import clock
from tests.making.factories import make_channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
MODEL = "dall-e-3"


@pytest.fixture
def sold():
    """A sale of 320 images of one size to one tenant."""
    facts: dict[str, Any] = dict.fromkeys(FIGURES, 0) | {"images": 320}
    facts |= {"captured_micros": 16_000_000}
    facts |= {"model": MODEL, "asked": "1792x1024", "quality": "hd", "channel": "one"}
    tenant = create_tenant(name="acme", actor="test")
    SoldDay.objects.create(day=clock.now().date(), tenant_id=tenant.id, is_demo=False, **facts)


def typed(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(f"{answer}\n"))


def stored() -> Contract:
    return Contract.objects.get(pk=MODEL)


@pytest.mark.usefixtures("sold")
def test_models_are_listed_and_shown(manage):
    make_channel("one", MODEL)

    listed = json.loads(manage("model", "list", "--json").out)
    shown = json.loads(manage("model", "show", MODEL, "--json").out)

    (row,) = [row for row in listed if row["model"] == MODEL]
    facts = {
        "state": "on offer",
        "sizes": 3,
        "channels": {"one": 1.0},
        "cells": 6,
        "priced": 6,
        "tenants": 1,
        "images": 320,
        "revenue": "16.000000",
        "margin": "16.000000",
        "wrong": [],
    }
    assert {name: row[name] for name in facts} == facts
    assert shown.pop("promise")["qualities"] == ["standard", "hd"]
    assert shown == row
    assert manage("model", "list").out.splitlines()[0].startswith("model")
    words = manage("model", "show", MODEL).out
    assert "size 1792x1024: base\n" in words
    assert "used: 1 tenant, 320 images in 30 days, last on " in words
    assert json.loads(manage("model", "show", MODEL, "--mode", "demo", "--json").out)["images"] == 0


def test_the_rule_of_sizes_is_shown_and_stays(manage):
    bounds = {"step": 16, "min_side": 256, "max_side": 4096, "min_pixels": 1}
    rule = {**bounds, "max_pixels": 4_194_304, "max_ratio": 3}
    Contract.objects.filter(pk=MODEL).update(is_enabled=False, size_rule=rule)

    manage("model", "set", MODEL, "--max-n", "2")

    assert stored().size_rule == rule
    assert (
        "further sizes: width and height divisible by 16, from 256 to 4096, from 1 to 4194304"
        " pixels, at most 3:1\n"
    ) in manage("model", "show", MODEL).out


def test_a_promise_is_changed_in_part(manage):
    Contract.objects.filter(pk=MODEL).update(is_enabled=False)

    said = manage(
        *("model", "set", MODEL, "--size", "1024x1024,tier=1K,preset=square"),
        *("--size", "2048x2048,tier=2K,ratio=1:1", "--no-size", "1024x1792"),
        *("--qualities", "standard,hd,ultra", "--aliases", "auto=standard,best=ultra"),
        *("--default-size", "square", "--default-quality", "hd", "--tasks", "generate,edit"),
        *("--prompt-chars", "9", "--max-n", "4", "--response-format", "b64_json", "--exact"),
        *("--auto", "--position", "7"),
    )

    assert said.error is None
    assert "images of a request: 1 -> 4\n" in said.out
    assert "size 1024x1792: base -> none\n" in said.out
    assert "no price: dall-e-3 2048x2048 ultra\n" in said.out
    assert said.out.endswith("dall-e-3 is changed\n")
    made = stored()
    assert made.sizes == [
        {"size": "1024x1024", "tier": "1K", "preset": "square"},
        {"size": "1792x1024", "tier": "base"},
        {"size": "2048x2048", "tier": "2K", "ratio": "1:1"},
    ]
    assert made.quality_aliases == {"auto": "standard", "best": "ultra"}
    assert (made.default_size, made.quality_default, made.tasks) == (
        "square",
        "hd",
        ["generate", "edit"],
    )
    assert (made.prompt_max_chars, made.max_n, made.position) == (9, 4, 7)
    assert (made.is_exact, made.accepts_auto) == (True, True)
    assert made.response_format_default == "b64_json"


@pytest.mark.usefixtures("sold")
def test_removing_a_used_size_needs_confirmation(manage, monkeypatch):
    gone = ("model", "set", MODEL, "--no-size", "1792x1024")

    refused = manage(*gone)
    typed(monkeypatch, "y")
    done = manage(*gone)

    assert "size 1792x1024: 1 tenants, 320 images in 30 days" in refused.out
    assert refused.error == "Nothing was changed."
    assert done.error is None
    assert [row["size"] for row in stored().sizes] == ["1024x1024", "1024x1792"]
    assert manage(*gone[:-1], "1024x1792", "--yes", "--json").error is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nothing to change was given"),
        (("--no-size", "9x9"), "dall-e-3 has no size '9x9'"),
        (("--size", "9x9,colour=red"), "--size takes WxH,tier="),
        (("--size", "9x9,tier=1K,tier=2K"), "--size takes WxH,tier="),
        (("--size", "big"), "sizes: row 4: 'big' is not a size"),
        (("--aliases", "auto"), "--aliases takes WORD=QUALITY"),
        (("--max-n", "0"), "'0' is not a whole number"),
        (("--max-n", "11"), "max_n: must be from 1 to 10"),
        (("--tasks", "dance"), "tasks: there is no task dance"),
        (("--qualities", "a,b"), "quality_default: is not one of the qualities"),
        (("--size", "2048x2048"), "is_enabled: needs a published price first for dall-e-3 2048x"),
    ],
    ids=str,
)
def test_mistakes_are_one_line_each(manage, words, message):
    assert message in str(manage("model", "set", MODEL, *words).error)


@pytest.mark.parametrize("action", ["show", "set"])
def test_an_unknown_model_is_refused(manage, action):
    assert manage("model", action, "none").error == "there is no model 'none'"


def test_a_models_file_is_printed_and_imported_under_another_name(manage, tmp_path):
    file = tmp_path / "fox-1.toml"

    exported = manage("do", "model.export", MODEL)
    file.write_text(exported.out.replace(MODEL, "fox-1"))
    imported = manage("do", "model.import", "--file", f"@{file}", "--yes")

    assert exported.out == shipped_files()[MODEL]
    said = "fox-1 is written, its prices are in the draft list:2\nmodel  fox-1\ndraft  list:2\n"
    assert imported.out.endswith(said)
    assert "1024x1024 hd: $0.08\n" in imported.out
    assert manage("do", "model.export", "fox-2").error == "there is no model 'fox-2'"


def test_a_model_is_copied_and_switched_on_once_it_was_tried(manage):
    copied = manage("model", "copy", MODEL, "fox-1")
    refused = manage("do", "model.enable", "fox-1", "--yes")

    assert copied.out == "fox-1 is created, switched off\n"
    assert refused.error == "No channel serves it. 6 of 6 cells have no price."
    assert "a name has 1 to 60 letters" in str(manage("model", "copy", MODEL, "a/b").error)


@pytest.mark.usefixtures("sold")
def test_switching_off_says_who_uses_it_and_asks(manage, monkeypatch):
    make_channel("one", MODEL)

    refused = manage("do", "model.disable", MODEL)
    typed(monkeypatch, "y")
    off = manage("do", "model.disable", MODEL, "--as", "ann@example.com")
    on = manage("do", "model.enable", MODEL, "--yes", "--json")

    assert "1 tenant, 320 images in 30 days, last on" in refused.out
    assert refused.error == "Nothing was changed."
    assert off.out.endswith("dall-e-3 is switched off\n")
    assert json.loads(on.out) == {"act": "model.enable", "done": "dall-e-3 is switched on"}
    event = AuditEvent.objects.get(action="contract.disable")
    assert event.actor_name.endswith("as ann@example.com)")
    assert manage("do", "model.disable", MODEL, "--yes").error is None
    assert manage("do", "model.disable", MODEL, "--yes").error is None


def test_a_model_below_cost_is_enabled_with_a_reason_and_the_number_of_such_prices(manage):
    at = clock.now() - timedelta(days=1)
    cell = [MODEL, "1024x1024", "hd", "fixed", 90_000]
    channel = make_channel("dear", MODEL)
    CostTable.objects.create(channel=channel, rows=[cell], effective_from=at, created_at=at)
    Contract.objects.filter(pk=MODEL).update(is_enabled=False)

    enable = ("do", "model.enable", MODEL, "--reason", "a promotion", "--yes")
    asked = manage(*enable)
    was_on = stored().is_enabled
    wrong = manage(*enable, "--confirm", "2")
    done = manage(*enable, "--confirm", "1")

    assert "Below cost: dall-e-3 1024x1024 hd: 0.080000 USD, costs 0.090000 USD" in asked.out
    assert asked.error is not None
    assert not was_on
    assert wrong.error is not None
    assert (done.error, stored().is_enabled) == (None, True)
    assert AuditEvent.objects.get(action="contract.confirm").after == {
        "reason": "a promotion", "changes": 0, "large": 0, "below_cost": 1,
    }  # fmt: skip
