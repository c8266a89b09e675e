"""Mail reaches a real SMTP server once; refused mail is tried again later."""

from datetime import datetime, timedelta
from email import message_from_bytes
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import transaction

from accounts.models import Mail
from accounts.services.office import mail as sending
from accounts.services.office.mail import (
    MAX_MAIL_ATTEMPTS,
    html_of,
    post,
    post_rendered,
    send_due,
    unsent_seconds,
)
from accounts.services.office.people import create_user
from generation.models import Incident
from generation.oversight.incidents import MAIL
from pictor.embedded.ports import free_port
from pictor.kit.words import clock

pytestmark = pytest.mark.django_db


class Post:
    """A mail server's handler that keeps messages or refuses them."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.refuses = False

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:  # noqa: N802 - aiosmtpd's
        if self.refuses:
            return "451 Try again later"
        self.kept.append(envelope.content)  # type: ignore[attr-defined]  # aiosmtpd is untyped
        return "250 OK"


@pytest.fixture
def server(settings):
    clerk = Post()
    port = free_port()
    controller = Controller(clerk, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.SENDS_MAIL, settings.MAILBOX = True, False
    yield clerk
    controller.stop()


def written(subject: str = "Hello") -> Mail:
    return post(to="ann@example.com", subject=subject, text="plain words", html="<p>words</p>")


def soon() -> datetime:
    return clock.now() + timedelta(seconds=1)


def test_a_mail_goes_out_in_both_forms_once(server):
    written("Grüße")

    assert [send_due(now=soon()), send_due(now=soon())] == [1, 0]

    (raw,) = server.kept
    mail = message_from_bytes(raw)
    assert [part.get_content_type() for part in mail.walk()][1:] == ["text/plain", "text/html"]
    assert (mail["To"], mail["From"]) == ("ann@example.com", "Pictor <no-reply@localhost>")


def test_refused_mail_is_tried_again_later(server):
    server.refuses = True
    mail = written()

    assert send_due(now=soon()) == 0
    mail.refresh_from_db()
    assert (mail.attempts, mail.sent_at, mail.text) == (1, None, "plain words")
    assert "451" in mail.error
    server.refuses = False

    assert send_due(now=soon()) == 0
    assert send_due(now=soon() + timedelta(minutes=2)) == 1


def test_a_slow_server_keeps_two_threads_and_no_more(server):
    for _ in range(3):
        written()
    with sending._senders, sending._senders:  # noqa: SLF001 - as if two were sending
        assert send_due(now=soon()) == 0

    assert send_due(now=soon()) == 3


def test_a_retry_counts_from_the_mail_and_not_from_the_first_one(server, monkeypatch):
    server.refuses = True
    later = written()
    times = iter([0.0, 0.0, 300.0, 300.0])
    monkeypatch.setattr(sending, "time", SimpleNamespace(monotonic=lambda: next(times)))
    Mail.objects.filter(pk=later.pk).update(due_at=clock.now() + timedelta(minutes=4))
    written()
    now = soon()

    send_due(now=now, limit=3)

    later.refresh_from_db()
    assert later.due_at == now + timedelta(minutes=6)


def test_a_subject_of_several_lines_goes_out_as_one(server):
    written("Acme\r\nStudio\nhas $5.00 left")

    assert send_due(now=soon()) == 1

    (raw,) = server.kept
    assert message_from_bytes(raw)["Subject"] == "Acme Studio has $5.00 left"


def test_a_server_that_is_away_loses_nothing(settings, server):
    settings.EMAIL_PORT = free_port()
    mail = written()

    assert send_due(now=soon()) == 0

    mail.refresh_from_db()
    assert "Error" in mail.error
    assert mail.sent_at is None


def test_a_mail_is_given_up_after_the_last_attempt(server):
    server.refuses = True
    mail = written()
    for hours in range(60):
        send_due(now=soon() + timedelta(hours=hours))

    mail.refresh_from_db()
    assert mail.attempts == MAX_MAIL_ATTEMPTS


def test_mail_rolled_back_is_not_sent(server):
    with transaction.atomic():
        written()
        transaction.set_rollback(True)

    assert send_due(now=soon()) == 0


def test_without_a_mail_server_mail_waits(settings, server):
    settings.SENDS_MAIL = False
    written()

    assert send_due(now=soon()) == 0
    assert Mail.objects.get().text == "plain words"


def test_waiting_mail_outlives_a_change_of_encryption_keys(server, settings):
    old, new = settings.ENCRYPTION_KEYS, Fernet.generate_key().decode()
    written()
    settings.ENCRYPTION_KEYS = [new, *old]
    call_command("person", "rotate-mfa")
    settings.ENCRYPTION_KEYS = [new]

    assert send_due(now=soon()) == 1

    (raw,) = server.kept
    assert message_from_bytes(raw)["Subject"] == "Hello"


def test_a_mail_that_no_key_opens_keeps_no_other_waiting(server, settings):
    known, lost = settings.ENCRYPTION_KEYS, [Fernet.generate_key().decode()]
    settings.ENCRYPTION_KEYS = lost
    unreadable = written()
    settings.ENCRYPTION_KEYS = known
    written()

    sent = send_due(now=soon())
    call_command("person", "rotate-mfa")

    unreadable.refresh_from_db()
    assert (sent, unreadable.error, unreadable.sent_at) == (1, "WrongKey: ", None)
    settings.ENCRYPTION_KEYS = lost
    assert send_due(now=soon() + timedelta(minutes=2)) == 1


def test_mail_is_unsent_for_as_long_as_the_first_since_the_last_that_was_sent():
    now = clock.now()
    for minutes, was_sent in [(50, False), (40, True), (30, False), (20, False)]:
        mail = written()
        posted = now - timedelta(minutes=minutes)
        Mail.objects.filter(id=mail.id).update(
            created_at=posted, sent_at=posted + timedelta(seconds=2) if was_sent else None
        )

    assert unsent_seconds() == pytest.approx(30 * 60, abs=30)

    Mail.objects.update(sent_at=now)

    assert unsent_seconds() == 0


def test_a_code_passes_50_mails_of_an_incident(server, client, plain_static_files):
    create_user(email="eve@example.com", password="correct-horse-battery", actor="test")
    told = {"incident": Incident(title="Slow images"), "state": "Resolved", "words": "All is well."}
    post_rendered(to=[f"o{n}@a.example" for n in range(50)], template=MAIL, words=told)

    client.post("/accounts/password/reset/", {"email": "eve@example.com"})
    assert send_due(now=soon(), limit=1) == 1

    assert [message_from_bytes(raw)["To"] for raw in server.kept] == ["eve@example.com"]
    assert send_due(now=soon()) == 50


def test_a_letter_links_indented_addresses_enlarges_codes_and_escapes_the_rest():
    parts = ["See <b> http://x.example:", "    https://a.example/?b=1&c=2", "    K7Q2"]
    text = "\n\n".join([*parts, "You get this by rule."])

    html = html_of(text, "account/email/invitation", {})

    assert "See &lt;b&gt; http://x.example:</p>" in html
    address = "https://a.example/?b=1&amp;c=2"
    assert f'<a href="{address}" style="color:#0b57d0">{address}</a>' in html
    assert (html.count("<a "), html.count("font-size:26px")) == (1, 1)
    assert '<p style="margin:0;font-size:13px;color:#5b6472">You get this by rule.</p>' in html
