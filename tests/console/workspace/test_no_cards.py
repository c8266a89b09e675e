"""Without a provider's key no page, header or document speaks of payments by card."""

import re
from typing import Any, cast

import httpx
import pytest
from django.test import Client

from accounts.models import User
from tests.console.answers import said_by
from tests.console.ops.links import pages_found
from tests.console.pages import public_paths
from tests.console.workspace.addresses import ACTIONS, ELSEWHERE, address, names
from tests.console.workspace.conftest import peopled, told, url

CARDS = re.compile(
    r"stripe|\bcards?\b|automatic top.?up|chargeback|\bpaid? back|reinstat|repayment",
    re.IGNORECASE,
)


@pytest.fixture(autouse=True)
def _many_pages(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr("accounts.rates.buckets.PAGES_OF_PERSON", 10_000)
    settings.STAFF_MFA = False


def spoken(answer: Any) -> list[str]:
    """What a page says of cards, each with the words around it, and its policy's origins."""
    text = said_by(answer) if not answer.streaming else ""
    said = [text[max(found.start() - 30, 0) : found.end() + 30] for found in CARDS.finditer(text)]
    policy = answer.headers.get("Content-Security-Policy", "form-action 'self'")
    return said + ["policy"] * ("form-action 'self'" not in policy)


def test_no_page_of_a_workspace_does(acme, sign_in, delivered):
    made = delivered(acme).public_id
    told(acme)
    peopled(acme, sign_in)
    client = sign_in(acme)

    pages = sorted(set(names()) - ACTIONS - ELSEWHERE)
    said = {
        name: spoken(client.get(address(name, acme, made, acme.key.public_id))) for name in pages
    }
    proof = spoken(client.get(url("billing", acme), {"proof": "1"}))

    assert {name: words for name, words in said.items() if words} == {}
    assert proof == []


def test_no_page_of_the_operators_does(acme, delivered):
    delivered(acme)
    client = Client()
    client.force_login(User.objects.create_superuser("op@pictor.example", "correct horse"))

    found = pages_found(cast("httpx.Client", client))
    said = {path: spoken(client.get(path)) for path in found.values()}

    assert len(found) > 20
    assert {path: words for path, words in said.items() if words} == {}


def test_no_public_page_and_no_document_does(client):
    paths = [*public_paths(), "/openapi.json"]

    said = {path: spoken(client.get(path)) for path in paths}

    assert {path: words for path, words in said.items() if words} == {}
