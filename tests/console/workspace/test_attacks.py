"""Attacks on pages from outside: forms of other sites, and texts that are scripts."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, AuditEvent, Tenant
from billing.models import Transfer
from tests.console.workspace.addresses import ACTIONS, ELSEWHERE, address, names
from tests.console.workspace.conftest import peopled, told
from webhooks.models import WebhookEndpoint

WORDS = """<script>x()</script>"'><img src=x onerror=x()>"""
FORMS = sorted(ACTIONS | {"key_new", "webhook_new", "settings", "playground"})


@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_another_site_does_nothing(acme, sign_in, delivered, name):
    told(acme)
    made = delivered(acme).public_id
    peopled(acme, sign_in)
    client = Client(enforce_csrf_checks=True)
    client.cookies = sign_in(acme).cookies
    before = (AuditEvent.objects.count(), Transfer.objects.count(), ApiKey.objects.count())

    answer = client.post(address(name, acme, made, acme.key.public_id))

    assert answer.status_code == 403
    assert (AuditEvent.objects.count(), Transfer.objects.count(), ApiKey.objects.count()) == before


@pytest.fixture
def hostile(acme, sign_in, delivered, takes_cards):
    """Objects whose every text from outside is a script."""
    told(acme)
    made = delivered(acme, prompt=WORDS, user=WORDS).public_id
    peopled(acme, sign_in)
    ApiKey.objects.update(name=WORDS)
    WebhookEndpoint.objects.update(url=f"https://example.com/{WORDS}")
    Tenant.objects.update(title=WORDS[:100])
    AuditEvent.objects.create(
        tenant=acme.tenant, action="key.create", actor_name=WORDS, object_type="key"
    )
    return made


@pytest.mark.parametrize("name", sorted(set(names()) - ACTIONS - ELSEWHERE))
def test_no_words_are_markup_on_any_page(acme, sign_in, hostile, name):
    html = sign_in(acme).get(address(name, acme, hostile, acme.key.public_id)).content.decode()

    assert "&lt;script&gt;x()&lt;/script&gt;" in html  # the workspace's name, on every page
    assert "<script>x" not in html
    assert "<img src=x" not in html


def test_a_searched_text_is_no_markup(acme, sign_in):
    page = reverse("workspace:generations", args=[acme.tenant.public_id])

    html = sign_in(acme).get(page, {"q": WORDS, "tag": WORDS}).content.decode()

    assert "<script>x" not in html
    assert "&lt;script&gt;x()" in html
