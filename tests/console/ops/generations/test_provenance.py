"""Whose picture a file is, across tenants, and logged."""

from hashlib import sha256

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent, User
from console.uploads import sender
from generation.background.image_origins import fill_origins
from pictor.kit.words import clock
from storage.models import StoredImage
from tests.console.answers import words_of

PAGE = "/ops/do/generation.look_up/"
DATA = b"a picture"
DIGEST = sha256(DATA).hexdigest()


@pytest.fixture
def made(acme, delivered):
    """A generation of acme's that delivered this file."""
    made = delivered(acme)
    StoredImage.objects.update(sha256=DIGEST)
    fill_origins(now=clock.now())
    return made


@pytest.mark.parametrize(
    "sent", [{"sha256": f" {DIGEST.upper()} "}, {"file": SimpleUploadedFile("a.png", DATA)}]
)
def test_a_file_or_its_digest_leads_to_tenant_and_generation(owner, made, sent):
    page = words_of(owner.post(PAGE, sent))

    assert "1 image made here." in page
    assert f'href="/ops/generations/{made.public_id}/"' in page
    assert "acme, gpt-image-2-origin, " in page
    assert "As delivered" in page
    event = AuditEvent.objects.get(action="generation.look_up")
    assert (event.tenant_id, event.object_id) == (made.tenant_id, made.public_id)


def test_an_unknown_file_is_not_found_and_nothing_is_logged(owner, made):
    page = words_of(owner.post(PAGE, {"sha256": "0" * 64}, follow=True))

    assert "Not found: no delivered image has these bytes" in page
    assert not AuditEvent.objects.filter(action="generation.look_up").exists()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "Send a file or its SHA-256, one of the two."),
        ({"sha256": "g" * 64}, "A SHA-256 has 64 hexadecimal digits."),
        (
            {"file": SimpleUploadedFile("a.png", bytes(50 * 1024**2 + 1))},
            "The file is larger than 50 MiB.",
        ),
    ],
)
def test_what_cannot_be_looked_up_is_said(owner, sent, words):
    answer = owner.post(PAGE, sent)

    assert answer.status_code == 422
    assert words in words_of(answer)


def test_the_list_of_generations_leads_there(owner):
    assert f'href="{PAGE}"' in words_of(owner.get("/ops/generations/"))


def test_programs_send_no_file(owner):
    with pytest.raises(CommandError, match="unrecognized arguments: --file"):
        call_command("do", "generation.look_up", "--file=a.png")


def test_a_large_file_reaches_the_page_of_any_of_staff(client):
    person = User.objects.create_user("sam@pictor.example", "correct horse", staff_role="support")
    client.force_login(person)

    assert sender(PAGE, client.session.session_key) == (f"person {person.id}", True)
