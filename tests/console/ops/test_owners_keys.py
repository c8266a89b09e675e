"""Keys that staff make for a tenant with an active owner: only the owner ever sees the text."""

import re
from http import HTTPStatus
from uuid import uuid4

import pytest
from django.test import Client

from accounts.authentication import authenticate
from accounts.models import ApiKey, AuditEvent, Tenant, User
from accounts.services import create_tenant
from pictor.kit.words import clock
from tests.console.answers import said_by
from tests.console.ops.conftest import member_of, signed_in

TEXT = re.compile(r"sk-pictor-\w{38}")


@pytest.fixture
def acme(owner: Client) -> Tenant:
    return create_tenant(name="Acme", actor="test")


@pytest.fixture
def ann(acme: Tenant) -> Client:
    return member_of(acme, "ann")


@pytest.fixture
def sam(acme: Tenant) -> Client:
    """A session of an operator."""
    client = signed_in("operator")
    User.objects.filter(email="operator@pictor.example").update(name="Sam Smith")
    return client


def create_key(sam: Client, acme: Tenant) -> str:
    """What staff are told, on the page after the click."""
    here = f"/ops/tenants/{acme.public_id}/keys/"
    answer = sam.post(here, {"name": "ci", "once": str(uuid4())}, follow=True)
    return str(answer.content.decode())


def test_staff_see_no_text_and_an_owner_opens_the_key_once(acme, ann, sam):
    seen_by_staff = create_key(sam, acme)
    key = ApiKey.objects.get()
    listed = said_by(ann.get(f"/console/{acme.public_id}/keys/"))
    there = f"/console/{acme.public_id}/keys/{key.public_id}/open/"

    opened, again = ann.post(there), ann.post(there)

    assert not TEXT.search(seen_by_staff)
    assert "ci created: an owner sees its secret once, on opening it" in seen_by_staff
    assert "not opened yet" in seen_by_staff
    assert "Made by Pictor support (Sam). An owner opens it and sees its secret, once." in listed
    text = TEXT.findall(opened.content.decode())[0]
    assert authenticate(text, now=clock.now(), ip=None).key_id == key.id
    key.refresh_from_db()
    assert (key.visible_prefix, str(key.created_by)) == (text[:14], "ann@acme.example")
    assert again.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "This key was opened before, and its secret is shown only once." in said_by(again)
    assert not TEXT.search(again.content.decode())
    assert AuditEvent.objects.get(action="api_key.open").actor_name == "ann@acme.example"


def test_only_an_owner_opens_a_key(acme, ann, sam):
    create_key(sam, acme)
    key = ApiKey.objects.get()
    page, there = f"/console/{acme.public_id}/keys/", f"{key.public_id}/open/"
    adam = member_of(acme, "adam", "admin")

    assert adam.post(page + there).status_code == HTTPStatus.NOT_FOUND
    assert sam.post(page + there).status_code == HTTPStatus.NOT_FOUND
    assert (there in adam.get(page).content.decode()) is False
    assert (there in ann.get(page).content.decode()) is True


def test_an_unopened_key_is_not_rotated_but_limited_and_revoked(acme, ann, sam):
    create_key(sam, acme)
    key = ApiKey.objects.get()
    here = f"/console/{acme.public_id}/keys/{key.public_id}/"

    rotated = ann.post(f"{here}rotate/", {"overlap": "24h"})
    limits = {"name": "ci", "scopes": ["images:write"], "requests_per_minute": "5"}
    sam.post(f"/ops/tenants/{acme.public_id}/keys/{key.public_id}/change/", limits)
    limited = ApiKey.objects.get()
    ann.post(f"{here}revoke/")

    assert "the key has no secret yet: an owner opens it in the console" in said_by(rotated)
    assert (limited.requests_per_minute, limited.waits_for_owner) == (5, True)
    assert ApiKey.objects.get().status(clock.now()) == "revoked"
    assert ann.post(f"{here}open/").status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_staff_see_the_text_of_a_tenant_without_an_active_owner(acme, ann, sam):
    User.objects.filter(email="ann@acme.example").update(is_active=False)

    assert TEXT.search(create_key(sam, acme))
    assert ApiKey.objects.get().status(clock.now()) == "active"
