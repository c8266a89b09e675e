"""`manage.py support`: open support views by tenant, and their early end."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent, SupportGrant, Tenant, User
from accounts.services.office.erasure import end_tenant, erase_tenant
from accounts.services.office.support import open_support
from accounts.services.office.tenants import create_tenant
from pictor.kit.words import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Tenant:
    return create_tenant(name="acme", actor="test")


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann@pictor.example", name="Ann", staff_role="support")


@pytest.fixture
def grant(acme: Tenant, ann: User) -> SupportGrant:
    return open_support(tenant=acme, user=ann, reason=" late \n images ", now=clock.now())


def run(*words: str) -> str:
    out = StringIO()
    call_command("support", *words, stdout=out)
    return out.getvalue()


def test_support_views_are_listed_with_reason_and_end(grant):
    create_tenant(name="other", actor="test")

    (row,) = json.loads(run("list", "--json"))

    assert (row["tenant"], row["by"], row["reason"]) == (
        "acme",
        "ann@pictor.example",
        "late images",
    )
    assert (row["id"], row["is_open"]) == (grant.public_id, True)
    assert grant.expires_at - grant.opened_at == timedelta(minutes=30)
    assert json.loads(run("list", "other", "--json")) == []
    assert "late images" in run("list", "acme")


def test_a_support_view_is_ended_once(grant):
    said = run("end", grant.public_id)

    assert "ann@pictor.example no longer sees acme" in said
    with pytest.raises(CommandError, match="had ended before"):
        run("end", grant.public_id)
    with pytest.raises(CommandError, match="no support view 'sup_x'"):
        run("end", "sup_x")
    (event,) = AuditEvent.objects.filter(action="support.end")
    assert (event.object_id, event.actor_name[:10]) == (grant.public_id, "manage.py ")
    assert json.loads(run("list", "--json"))[0]["is_open"] is False


def test_an_erased_tenant_is_not_looked_into(acme, ann, grant):
    erase_tenant(tenant=acme, confirmation="acme", actor="test", now=clock.now())

    assert not SupportGrant.objects.filter(pk=grant.pk).exists()
    with pytest.raises(ValidationError, match="being erased"):
        open_support(tenant=acme, user=ann, reason="why", now=clock.now())


def test_a_view_ends_as_soon_as_its_tenant_is_shut(acme, grant):
    end_tenant(tenant=acme, confirmation="acme", actor="test", now=clock.now())

    assert json.loads(run("list", "--json"))[0]["is_open"] is False
