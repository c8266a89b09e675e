"""Contracts edited on the pages: through the service, audited, always loadable."""

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from generation.catalogue.snapshot import current_catalogue
from generation.models import Contract
from tests.generation.admin.conftest import change_page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


def contract_form(**changes: str) -> dict[str, str]:
    return {
        "position": "1",
        "is_enabled": "on",
        "sizes": '[{"size": "1024x1024", "tier": "base"}, {"size": "1792x1024", "tier": "base"}]',
        "default_size": "1024x1024",
        "tasks": "generate,edit",
        "qualities": "standard,hd",
        "quality_default": "standard",
        "quality_aliases": "{}",
        "prompt_max_chars": "4000",
        "max_n": "1",
        "response_format_default": "url",
        **changes,
    }


def test_a_contract_is_edited_and_audited(pages, root):
    answer = pages.post(change_page("contract", "dall-e-3"), contract_form(max_n="2"))

    assert answer.status_code == 302
    contract = current_catalogue().contracts["dall-e-3"]
    assert (contract.max_n, len(contract.options)) == (2, 2)
    event = AuditEvent.objects.get(action="contract.set", actor=root)
    assert (event.actor, event.object_id) == (root, "dall-e-3")
    assert ((event.before or {})["max_n"], (event.after or {})["max_n"]) == (1, 2)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("sizes", '[{"size": "big"}]', "the sizes, tasks or aliases cannot be read"),
        ("sizes", '["1024x1024"]', "the sizes, tasks or aliases cannot be read"),
        ("sizes", "7", "the sizes, tasks or aliases cannot be read"),
        ("quality_aliases", "[1]", "the sizes, tasks or aliases cannot be read"),
        ("quality_aliases", '{"high": "best"}', "must each stand for one of the qualities"),
        ("quality_aliases", '{"high": ["hd"]}', "must be words for words"),
        (
            "sizes",
            '[{"size": "1024x1024", "preset": 7, "ratio": "1:1"}]',
            "a preset must be a word",
        ),
        ("default_size", "640x480", "is not one of the sizes"),
        ("default_size", "auto", "is not one of the sizes"),
        ("quality_default", "best", "is not one of the qualities"),
        (
            "qualities",
            "standard,hd,low",
            "needs a published price first for dall-e-3 1024x",
        ),
    ],
)
def test_a_contract_that_no_process_could_load_is_refused(pages, field, value, message):
    answer = pages.post(change_page("contract", "dall-e-3"), contract_form(**{field: value}))

    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert Contract.objects.get(model="dall-e-3").default_size == "1024x1024"


def test_a_contract_is_made_on_the_page(pages, root):
    form = contract_form(model="fox-1", max_n="4")
    del form["is_enabled"]

    answer = pages.post(reverse("admin:generation_contract_add"), form)

    assert answer.status_code == 302
    made = current_catalogue().contracts["fox-1"]
    assert (made.max_n, made.is_enabled) == (4, False)
    event = AuditEvent.objects.get(actor=root)
    assert (event.action, event.object_id, event.before) == ("contract.set", "fox-1", None)


def test_a_contract_without_a_price_cannot_be_enabled(pages):
    answer = pages.post(reverse("admin:generation_contract_add"), contract_form(model="fox-1"))

    assert "needs a published price first for fox-1 1024x1024 standard" in answer.content.decode()
    assert not Contract.objects.filter(model="fox-1").exists()


def test_a_contract_whose_only_size_is_auto_can_be_changed(pages):
    known = Contract.objects.get(model="gpt-image-2-auto")
    said = {
        "position": known.position, "is_enabled": "on", "sizes": "[]", "accepts_auto": "on",
        "default_size": "auto", "qualities": ",".join(known.qualities),
        "quality_default": known.quality_default, "quality_aliases": "{}", "prompt_max_chars": "9",
        "max_n": "1", "response_format_default": known.response_format_default,
        "tasks": "generate,edit",
    }  # fmt: skip

    answer = pages.post(change_page("contract", known.pk), said)

    known.refresh_from_db()
    assert (answer.status_code, known.sizes, known.prompt_max_chars) == (302, [], 9)
