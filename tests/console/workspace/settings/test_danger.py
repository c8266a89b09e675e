"""A workspace closed by its owner: shut at once, and erased whatever fails meanwhile."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.authentication import authenticate
from accounts.models import ApiKey, AuditEvent, Invitation, Mail, Membership, Tenant, User
from accounts.services.office.erasure import (
    LEASE,
    RETRY_AFTER,
    delete_workspace,
    erase_due,
    erase_tenant,
)
from accounts.services.office.tenants import set_tenant_status
from billing.models import Transfer
from billing.selectors.office.balances import balance_of
from generation.lifecycle.settlement import cancel
from generation.models import Generation
from generation.tenants import holdings
from pictor.kit.words import clock
from pictor.kit.words.errors import Forbidden, Unauthenticated
from storage.exports import ask_for_export
from storage.models import TenantExport
from tests.console.answers import words_of
from tests.console.workspace.conftest import available, peopled, url
from tests.making.factories import PayingCustomer

PASSWORD = "correct-horse-battery"


@pytest.fixture
def owner(acme, sign_in):
    """Session of an owner who signed in with a password."""
    client = sign_in(acme)
    user = User.objects.get(email="owner@acme.example")
    user.set_password(PASSWORD)
    user.save()
    client.force_login(user)
    return client


@pytest.fixture
def owners_part(acme, owner):
    return Membership.objects.get(tenant=acme.tenant, role="owner")


def is_let_in(customer: PayingCustomer) -> bool:
    """True if a request with the customer's key is authenticated."""
    try:
        authenticate(customer.plaintext, now=clock.now(), ip=None)
    except (Unauthenticated, Forbidden):
        return False
    return True


def asked_to_confirm(client: Client, customer: PayingCustomer, name: str) -> Any:
    """The confirmation page that a deletion leads to."""
    return client.post(url("delete", customer), {"name": name}, follow=True)


def test_an_owner_ends_it_at_once_and_the_worker_erases_it(acme, owner, sign_in, delivered):
    made = delivered(acme, prompt="a red fox", user="order-7")
    peopled(acme, sign_in)
    other_member = sign_in(acme, "viewer")
    User.objects.filter(email="viewer@acme.example").update(email_verified_at=clock.now())
    assert is_let_in(acme)
    left = available(acme)

    form = asked_to_confirm(owner, acme, "acme")
    assert "Confirm that it is you" in words_of(form)
    assert is_let_in(acme)
    answer = owner.post(
        "/accounts/reauthenticate/", {"password": PASSWORD, "next": url("delete", acme)}
    )

    assert answer["Location"] == "/console/?deleted=1"
    assert "The workspace is deleted." in words_of(owner.get(answer["Location"]))
    assert not is_let_in(acme)
    assert owner.get(url("overview", acme)).status_code == 404
    assert other_member.get(url("overview", acme)).status_code == 404
    (told,) = Mail.objects.filter(to="viewer@acme.example")
    assert told.subject == "The workspace acme is deleted"
    assert "owner@acme.example has deleted the workspace “acme”" in told.text
    assert not Mail.objects.filter(to="owner@acme.example").exists()
    assert not Invitation.objects.exists()
    assert Generation.objects.get(id=made.id).prompt == "a red fox"
    assert erase_due(now=clock.now()) == 1
    assert erase_due(now=clock.now()) == 0
    tenant = Tenant.objects.get(id=acme.id)
    assert (tenant.name, tenant.title) == (f"erased {tenant.public_id}", "")
    assert ApiKey.objects.get(id=acme.key.id).name == ""
    forgotten = Generation.objects.get(id=made.id)
    assert (forgotten.prompt, forgotten.fields, forgotten.captured_micros) == ("", {}, 52_680)
    assert not TenantExport.objects.exists()
    assert available(acme) == left
    assert Transfer.objects.filter(tenant_id=acme.id).count() == 3
    events = AuditEvent.objects.filter(tenant_id=acme.id)
    deleted, erased = events.get(action="tenant.delete"), events.get(action="tenant.erase")
    assert (deleted.actor_name, deleted.ip) == ("owner@acme.example", "127.0.0.1")
    assert erased.actor_name == "erasure"


def test_a_wrong_password_deletes_nothing(acme, owner):
    asked_to_confirm(owner, acme, "acme")

    owner.post("/accounts/reauthenticate/", {"password": "wrong", "next": url("delete", acme)})

    assert Tenant.objects.get(id=acme.id).erasure_due_at is None
    assert is_let_in(acme)


@pytest.mark.parametrize("name", ["", "Acme", "acme2", "other"])
@pytest.mark.usefixtures("other")
def test_another_name_deletes_nothing_and_asks_for_no_password(acme, owner, name):
    answer = asked_to_confirm(owner, acme, name)

    assert answer.status_code == 422
    assert "Type the workspace&#x27;s name exactly as it is." in words_of(answer)
    assert is_let_in(acme)


def test_a_workspace_is_not_closed_while_generations_are_under_way(acme, owner):
    waiting = acme.generation()

    page = words_of(owner.get(url("settings", acme)))
    answer = asked_to_confirm(owner, acme, "acme")

    assert "1 generation is under way. Wait for the end, or cancel" in page
    assert answer.status_code == 422
    assert "1 generation is under way: wait for the end" in words_of(answer)
    assert is_let_in(acme)
    cancel(generation=waiting, now=clock.now())
    assert "under way" not in words_of(owner.get(url("settings", acme)))


def test_only_an_owner_sees_the_danger_zone_and_its_losses(acme, owner, sign_in):
    page = words_of(owner.get(url("settings", acme)))
    admins = words_of(sign_in(acme, "admin").get(url("settings", acme)))

    assert "The remaining balance of $10.00 is lost." in page
    assert acme.tenant.public_id in page
    assert "Delete workspace" not in admins


def test_the_service_lets_nobody_but_an_owner(acme, sign_in):
    sign_in(acme, "admin")
    admin = Membership.objects.get(tenant=acme.tenant)

    with pytest.raises(ValidationError, match="Only an owner"):
        delete_workspace(by=admin, confirmation="acme", now=clock.now())

    assert is_let_in(acme)


def test_a_generation_admitted_at_the_last_moment_ends_before_the_erasure(acme, owners_part):
    now = clock.now()
    delete_workspace(by=owners_part, confirmation="acme", now=now)
    late = Generation.objects.get(id=late_generation(acme).id)

    assert erase_due(now=now) == 0
    cancel(generation=late, now=now)
    assert erase_due(now=now + RETRY_AFTER / 2) == 0
    assert erase_due(now=now + RETRY_AFTER) == 1

    assert Generation.objects.get(id=late.id).prompt == ""
    assert balance_of(acme.id).held == 0


def test_a_generation_admitted_during_the_erasure_is_erased_a_minute_later(acme, owners_part):
    now = clock.now()
    delete_workspace(by=owners_part, confirmation="acme", now=now)
    assert erase_due(now=now) == 1
    late = Generation.objects.get(id=late_generation(acme).id)
    cancel(generation=late, now=now)

    assert erase_due(now=now + RETRY_AFTER) == 1
    assert erase_due(now=now + LEASE) == 0

    assert Generation.objects.get(id=late.id).prompt == ""
    assert Tenant.objects.get(id=acme.id).erasure_due_at is None
    assert AuditEvent.objects.filter(tenant_id=acme.id, action="tenant.erase").count() == 1


def late_generation(customer: PayingCustomer) -> Generation:
    """A generation whose key was checked before it was revoked."""
    ApiKey.objects.filter(id=customer.key.id).update(revoked_at=None)
    Tenant.objects.filter(id=customer.id).update(status=Tenant.Status.ACTIVE)
    made = customer.generation(prompt="late")
    Tenant.objects.filter(id=customer.id).update(status=Tenant.Status.SUSPENDED)
    return made


def by_console(owner: Membership, now: datetime) -> None:
    delete_workspace(by=owner, confirmation="acme", now=now)
    erase_due(now=now)


def by_command(owner: Membership, now: datetime) -> None:
    erase_tenant(tenant=owner.tenant, confirmation="acme", actor="manage.py", now=now)


@pytest.mark.parametrize("erase", [by_console, by_command])
def test_the_erasure_happens_although_its_process_dies(
    acme, owners_part, delivered, monkeypatch, erase
):
    class KilledError(BaseException):
        pass

    def die(**_):
        raise KilledError

    delivered(acme, prompt="a red fox")
    now = clock.now()
    with monkeypatch.context() as patch:
        patch.setattr(holdings, "erase", die)
        with pytest.raises(KilledError):
            erase(owners_part, now)

    assert not is_let_in(acme)
    assert erase_due(now=now + LEASE - timedelta(seconds=1)) == 0  # a worker may still have it
    assert erase_due(now=now + LEASE) == 1
    assert Generation.objects.get().prompt == ""
    assert Tenant.objects.get(id=acme.id).name.startswith("erased ten_")


def test_a_closed_workspace_cannot_come_back(acme, owners_part):
    delete_workspace(by=owners_part, confirmation="acme", now=clock.now())
    tenant = Tenant.objects.get(id=acme.id)

    with pytest.raises(ValidationError, match="neither resumed nor changed"):
        set_tenant_status(tenant=tenant, status=Tenant.Status.ACTIVE, actor="manage.py")
    with pytest.raises(ValidationError, match="is being erased"):
        ask_for_export(tenant=tenant, user=owners_part.user, page_url="/", now=clock.now())
