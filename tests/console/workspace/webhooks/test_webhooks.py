"""Webhooks in the console: made, switched, rotated, tested and resent, by permitted roles."""

import re

import pytest

from accounts.models import AuditEvent
from billing.models import TenantBalance
from console.workspace.webhooks import pages as webhooks
from pictor.kit.secrets.encryption import decrypted
from pictor.kit.words import clock
from tests.console.answers import said_by, words_of
from tests.console.workspace.conftest import told, url
from webhooks import outbox, selectors
from webhooks.models import Delivery, Event, WebhookEndpoint
from webhooks.outbox import DeliveryOutcome

HOOK = "https://1.1.1.1/hook"


@pytest.fixture
def sent(acme):
    return told(acme)


def answered(delivery: Delivery, status: int, answer: str) -> None:
    now = clock.now()
    (held,) = outbox.claim(now=now, limit=1, in_hand={})
    outcome = DeliveryOutcome(began_at=now, took=now - now, status=status, answer=answer)
    outbox.write_down(delivery=held, outcome=outcome, now=now)
    delivery.refresh_from_db()


@pytest.mark.parametrize("role", ["owner", "admin", "developer"])
def test_an_endpoint_is_made_and_its_secret_shown_once(acme, sign_in, role):
    client = sign_in(acme, role)

    revealed = client.post(
        url("webhook_new", acme), {"url": HOOK, "events": ["generation.failed"], "mode": "live"}
    ).content.decode()

    endpoint = WebhookEndpoint.objects.get()
    (secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", revealed))
    assert secret == decrypted(endpoint.secret)
    assert (endpoint.url, endpoint.events) == (HOOK, ["generation.failed"])
    assert endpoint.livemode
    listed = words_of(client.get(url("webhooks", acme)))
    page = words_of(client.get(url("webhook", acme, endpoint.public_id)))
    assert [HOOK in words for words in (listed, page)] == [True, True]
    assert [secret in words for words in (listed, page)] == [False, False]
    event = AuditEvent.objects.get(action="webhook_endpoint.create")
    assert event.actor_name == f"{role}@acme.example"


def test_a_form_that_is_sent_twice_makes_one_endpoint(acme, sign_in):
    client, page = sign_in(acme), url("webhook_new", acme)
    (drawn,) = re.findall(r'name="once" value="([^"]+)"', client.get(page).content.decode())

    first = client.post(page, {"url": HOOK, "mode": "live", "once": drawn})
    second = client.post(page, {"url": HOOK, "mode": "live", "once": drawn})
    wrong = client.post(page, {"url": HOOK, "mode": "live", "once": "twice"})

    assert str(WebhookEndpoint.objects.get().id) == drawn
    assert [answer.status_code for answer in (first, second, wrong)] == [200, 422, 422]
    assert "This form has already created its endpoint" in words_of(second)
    assert "This form is incomplete: open it again." in words_of(wrong)


def test_a_test_endpoint_says_so_wherever_it_is_shown(acme, sign_in):
    client = sign_in(acme)

    refused = client.post(url("webhook_new", acme), {"url": HOOK})
    client.post(url("webhook_new", acme), {"url": HOOK, "mode": "test"})

    assert refused.status_code == 422
    endpoint = WebhookEndpoint.objects.get()
    assert not endpoint.livemode
    client.post(url("webhook_test", acme, endpoint.public_id))
    delivery = Delivery.objects.get()
    pages = (
        url("webhooks", acme),
        url("webhook", acme, endpoint.public_id),
        url("delivery", acme, endpoint.public_id, delivery.public_id),
    )
    shown = [words_of(client.get(page)) for page in pages]
    assert ["</span>Test</span>" in words for words in shown] == [True, True, True]


@pytest.mark.parametrize("bad", ["", "http://1.1.1.1/", "https://10.0.0.1/", "nonsense"])
def test_a_url_that_is_not_called_is_refused_beside_its_field(acme, sign_in, bad):
    answer = sign_in(acme).post(url("webhook_new", acme), {"url": bad, "mode": "live"})

    assert answer.status_code == 422
    assert "text-bad" in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_an_endpoint_is_changed_switched_off_and_on(acme, sign_in, sent):
    client, endpoint = sign_in(acme), sent.endpoint
    here = url("webhook", acme, endpoint.public_id)
    switch = url("webhook_switch", acme, endpoint.public_id)

    changed = client.post(here, {"url": f"{HOOK}/2", "events": ["generation.failed"]})
    off = client.post(switch, {"to": "disabled"})
    page = words_of(client.get(here))
    refused = client.post(url("webhook_test", acme, endpoint.public_id))
    client.post(switch, {"to": "enabled"})

    assert [changed.status_code, off.status_code, refused.status_code] == [302, 302, 422]
    assert "Disabled" in page
    assert "Send test event" not in page
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.status) == (f"{HOOK}/2", "enabled")


def test_every_event_ticked_is_everything(acme, sign_in, sent):
    here = url("webhook", acme, sent.endpoint.public_id)
    every = [
        "generation.succeeded", "generation.failed", "generation.canceled", "balance.low",
        "budget.threshold",
    ]  # fmt: skip

    sign_in(acme).post(here, {"url": HOOK, "events": every})

    sent.endpoint.refresh_from_db()
    assert sent.endpoint.events is None


def test_a_secret_is_rotated_with_an_overlap(acme, sign_in, sent):
    client, endpoint = sign_in(acme), sent.endpoint
    rotate = url("webhook_rotate", acme, endpoint.public_id)
    before = decrypted(endpoint.secret)

    page = client.post(rotate, {"overlap": "1h"}).content.decode()
    refused = client.post(rotate, {"overlap": "forever"})
    again = client.post(rotate, {"overlap": "1h"})

    endpoint.refresh_from_db()
    assert decrypted(endpoint.secret) in page
    assert decrypted(endpoint.previous_secret) == before
    assert refused.status_code == again.status_code == 422
    assert "To end all secrets at once, rotate with the overlap &quot;0&quot;" in words_of(again)
    assert "Old secret ends" in words_of(client.get(url("webhook", acme, endpoint.public_id)))


def test_each_attempt_is_shown_and_can_be_made_again(acme, sign_in, sent):
    client = sign_in(acme)
    answered(sent, 500, "<script>alert(1)</script>")
    here = url("delivery", acme, sent.endpoint.public_id, sent.public_id)

    page = words_of(client.get(here))
    resent = client.post(url("delivery_resend", acme, sent.endpoint.public_id, sent.public_id))

    assert "HTTP 500" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "webhook.test" in page
    assert resent["Location"] == here
    sent.refresh_from_db()
    assert (sent.state, sent.tries) == ("pending", 0)


def test_a_test_leads_to_its_delivery(acme, sign_in, sent):
    answer = sign_in(acme).post(url("webhook_test", acme, sent.endpoint.public_id))

    made = Delivery.objects.exclude(id=sent.id).get()
    assert answer["Location"] == url("delivery", acme, sent.endpoint.public_id, made.public_id)


def test_missed_events_are_sent_again_and_counted(acme, sign_in, sent):
    Delivery.objects.update(state="failed")

    resend = url("webhook_resend", acme, sent.endpoint.public_id)
    page = words_of(sign_in(acme).post(resend, {"since": "1h"}, follow=True))

    assert "1 event being sent again" in page
    assert Delivery.objects.get().state == "pending"


def test_a_paused_endpoint_is_said_to_be_so(acme, sign_in, sent):
    WebhookEndpoint.objects.update(status="paused")
    client = sign_in(acme)

    assert "is paused" in words_of(client.get(url("webhooks", acme)))
    assert "is paused" in words_of(client.get(url("webhook", acme, sent.endpoint.public_id)))


def test_a_deleted_endpoint_is_gone(acme, sign_in, sent):
    client, endpoint = sign_in(acme), sent.endpoint

    client.post(url("webhook_delete", acme, endpoint.public_id))

    assert client.get(url("webhook", acme, endpoint.public_id)).status_code == 404
    assert "No endpoints yet" in words_of(client.get(url("webhooks", acme)))


@pytest.fixture
def lost(sent, monkeypatch):
    """An endpoint that is deleted just after it was looked up."""
    look_up = selectors.endpoint_by_id

    def look_up_and_lose(*args, **fields):
        found = look_up(*args, **fields)
        WebhookEndpoint.objects.filter(id=sent.endpoint.id).delete()
        return found

    monkeypatch.setattr(webhooks, "endpoint_by_id", look_up_and_lose)
    return sent.endpoint


@pytest.mark.parametrize(
    ("view", "form"),
    [
        ("webhook", {"url": "https://1.1.1.1/other", "events": ["generation.succeeded"]}),
        ("webhook_switch", {"to": "disabled"}),
        ("webhook_rotate", {"overlap": "24h"}),
    ],
)
def test_an_endpoint_that_is_deleted_meanwhile_is_gone(acme, sign_in, lost, view, form):
    answer = sign_in(acme).post(url(view, acme, lost.public_id), form)

    assert answer.status_code == 404


def test_a_generation_says_whom_it_was_told(acme, sign_in, sent, delivered):
    made = delivered(acme)
    here = url("generation", acme, made.public_id)

    page = words_of(sign_in(acme).get(here))
    seen_by_a_viewer = words_of(sign_in(acme, "viewer").get(here))

    delivery = Delivery.objects.get(event=Event.objects.get(type="generation.succeeded"))
    link = url("delivery", acme, sent.endpoint.public_id, delivery.public_id)
    assert link in page
    assert link not in seen_by_a_viewer


def test_another_endpoints_deliveries_are_not_found(acme, other, sign_in, sent):
    theirs = told(other)

    client = sign_in(acme)
    below_ours = url("delivery", acme, sent.endpoint.public_id, theirs.public_id)
    below_theirs = url("delivery", acme, theirs.endpoint.public_id, theirs.public_id)

    assert client.get(below_ours).status_code == 404
    assert client.get(below_theirs).status_code == 404


def test_the_navigation_counts_what_needs_care(acme, sign_in):
    told(acme)
    client, page = sign_in(acme), url("overview", acme)
    before = said_by(client.get(page))

    WebhookEndpoint.objects.update(failing_since=clock.now())
    TenantBalance.objects.update(available=0)

    care = r"(\w+) (\d+) need care"
    assert re.findall(care, before) == []
    assert re.findall(care, said_by(client.get(page))) == [("Webhooks", "1"), ("Billing", "1")]
