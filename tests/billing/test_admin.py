"""The operator's pages: keys shown once, prices final, money never edited, everything audited."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import ApiKey, AuditEvent, Membership, Tenant, User
from accounts.selectors import members_of
from accounts.services import add_member
from billing.admin import ledger
from billing.models import (
    KeyBudget,
    TenantBalance,
    Transfer,
    UnchargedCost,
    UsageRollup,
)
from billing.selectors import available_to
from billing.services import (
    Usage,
    book_upstream_cost,
    count_uncharged,
    record_usage,
    refund,
)
from billing.upstream_cost import Loss
from pictor.kit.ids import GENERATION, new_uuid, public
from pictor.kit.money import Micros

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]

KEY_FORM = {
    "name": "from the admin",
    "scopes": "images:write,images:read",
    "allowed_models": "",
    "ip_ranges": "",
    "requests_per_minute": "60",
    "default_response_format": "",
}


@pytest.mark.parametrize(
    "model",
    [
        "accounts_user", "accounts_tenant", "accounts_apikey", "accounts_auditevent",
        "billing_pricebook", "billing_tenantbalance", "billing_transfer", "billing_keybudget",
        "billing_usagerollup", "billing_unchargedcost",
    ],
)  # fmt: skip
def test_every_list_opens_and_can_be_searched(pages, acme, draft, model):
    acme.hold(1)

    assert pages.get(reverse(f"admin:{model}_changelist")).status_code == 200
    assert pages.get(reverse(f"admin:{model}_changelist"), {"q": "acme"}).status_code == 200


def use(tenant: Any, at: datetime) -> None:
    record_usage(
        Usage(
            tenant_id=tenant.id, key_id=tenant.key.id, model="gpt-image-2", tier="base",
            channel="sandbox", status="succeeded", at=at, images=1, captured=Micros(1),
            took=timedelta(seconds=9),
        )
    )  # fmt: skip


def test_every_kind_of_row_has_a_page(pages, acme, draft, now):
    acme.end(acme.hold(2), 1)
    use(acme, now)
    count_uncharged(tenant_id=acme.id, loss=Loss.WRONG_SIZE, amount=Micros(1), now=now)
    rows = {
        "billing_unchargedcost": UnchargedCost.objects.get(),
        "billing_transfer": Transfer.objects.get(kind="capture"),
        "billing_keybudget": KeyBudget.objects.get(),
        "billing_usagerollup": UsageRollup.objects.get(),
        "billing_tenantbalance": TenantBalance.objects.get(),
        "accounts_auditevent": AuditEvent.objects.get(action="api_key.issue"),
    }

    for model, row in rows.items():
        page = pages.get(reverse(f"admin:{model}_change", args=[row.pk]))
        assert str(row) in page.content.decode()


def test_who_costs_us_without_being_charged_is_listed_with_dollars(pages, acme, now):
    for micros in (30_000, 52_680):
        count_uncharged(tenant_id=acme.id, loss=Loss.WRONG_SIZE, amount=Micros(micros), now=now)

    page = pages.get(reverse("admin:billing_unchargedcost_changelist")).content.decode()

    (row,) = re.findall("<tbody.*?</tbody>", page, re.DOTALL)
    shown = re.sub("<[^>]*>", " ", row).split()
    assert shown[-7:] == ["Nov.", "20,", "2026", "acme", "wrong_size", "2", "0.082680"]


def test_a_stranger_is_sent_to_sign_in(client):
    answer = client.get(reverse("admin:accounts_apikey_changelist"))

    assert answer.status_code == 302
    assert "login" in answer["Location"]


def test_a_new_key_is_shown_once_and_then_only_its_beginning(pages, root, acme, settings):
    form = {**KEY_FORM, "tenant": str(acme.id)}

    answer = pages.post(reverse("admin:accounts_apikey_add"), form, follow=True)

    (plaintext,) = re.findall(r"sk-pictor-[0-9A-Za-z]{38}", answer.content.decode())
    key = ApiKey.objects.get(name="from the admin")
    again = pages.get(reverse("admin:accounts_apikey_change", args=[key.id])).content.decode()
    assert plaintext not in again
    assert key.visible_prefix in again
    assert (key.created_by, key.scopes) == (root, ["images:write", "images:read"])
    assert key.requests_per_minute == 60
    assert key.allowed_models is None
    event = AuditEvent.objects.get(action="api_key.issue", object_id=key.public_id)
    assert (event.actor, event.ip) == (root, "127.0.0.1")


def test_a_changed_key_leaves_before_and_after(pages, acme):
    url = reverse("admin:accounts_apikey_change", args=[acme.key.id])

    answer = pages.post(url, {**KEY_FORM, "requests_per_minute": "7"})

    event = AuditEvent.objects.get(action="api_key.change")
    assert answer.status_code == 302
    before, after = event.before or {}, event.after or {}
    assert (before["requests_per_minute"], after["requests_per_minute"]) == (None, 7)
    assert event.tenant_id == acme.id
    assert "digest" not in after
    acme.key.refresh_from_db()
    assert (acme.key.allowed_models, acme.key.ip_ranges) == (None, None)


def test_keys_are_revoked_by_an_action_and_never_deleted(pages, acme):
    chosen = {"action": "revoke", "_selected_action": [str(acme.key.id)]}

    listing = reverse("admin:accounts_apikey_changelist")

    asked = pages.post(listing, chosen)
    assert not ApiKey.objects.filter(revoked_at__isnull=False).exists()
    assert acme.key.visible_prefix in asked.content.decode()
    pages.post(listing, {**chosen, "seen": asked.context["seen"]})

    acme.key.refresh_from_db()
    assert acme.key.revoked_at is not None
    delete = reverse("admin:accounts_apikey_delete", args=[acme.key.id])
    assert pages.post(delete, {"post": "yes"}).status_code == 403


def test_a_tenant_is_made_changed_and_given_a_member(pages, root):
    members = {
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-user": str(root.id),
        "memberships-0-role": "owner",
    }

    pages.post(reverse("admin:accounts_tenant_add"), {"name": "New", **members})

    tenant = Tenant.objects.get(name="New")
    membership = Membership.objects.get(tenant=tenant)
    change = reverse("admin:accounts_tenant_change", args=[tenant.id])
    assert f"{root.email} is owner of New" in pages.get(change).content.decode()
    Tenant.objects.update(stored_bytes=3 * 1024**2)
    assert "3.0\xa0MB of 1.0\xa0TB" in pages.get(change).content.decode()
    form = {
        "name": "New",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(membership.id),
        "memberships-0-tenant": str(tenant.id),
        "memberships-0-user": str(root.id),
        "memberships-0-role": "viewer",
    }
    pages.post(change, form)
    pages.post(change, {**form, "memberships-0-role": "viewer", "memberships-0-DELETE": "on"})

    events = list(AuditEvent.objects.filter(tenant=tenant).order_by("id"))
    assert [event.action for event in events] == [
        "tenant.create", "member.set", "member.set", "member.remove",
    ]  # fmt: skip
    demoted = events[2]
    assert demoted.before == {"role": "owner"}
    assert (demoted.after or {})["role"] == "viewer"
    assert available_to(tenant.id) == 0


def test_nobody_is_suspended_here_where_no_reason_is_asked_for(pages):
    members = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    form = {"name": "New", "status": "suspended", "max_in_flight": "3", **members}

    answer = pages.post(reverse("admin:accounts_tenant_add"), form)

    tenant = Tenant.objects.get()
    assert answer.status_code == 302
    assert (tenant.status, tenant.max_in_flight) == ("active", 3)

    change = reverse("admin:accounts_tenant_change", args=[tenant.id])
    pages.post(change, {**form, "max_in_flight": "4"})
    tenant.refresh_from_db()
    assert (tenant.status, tenant.max_in_flight) == ("active", 4)


def test_a_member_is_replaced_by_another_person(pages, root, acme):
    ann = User.objects.create_user("ann@example.com")
    membership = add_member(tenant=acme.tenant, user=root, role=Membership.Role.OWNER, actor="test")
    form = {
        "name": "acme",
        "status": "active",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(membership.id),
        "memberships-0-tenant": str(acme.id),
        "memberships-0-user": str(ann.id),
        "memberships-0-role": "billing",
    }

    pages.post(reverse("admin:accounts_tenant_change", args=[acme.id]), form)

    (member,) = members_of(acme.id)
    assert (member.user, member.role) == (ann, "billing")
    gone, come = AuditEvent.objects.filter(actor=root, object_type="user").order_by("id")
    assert (gone.action, gone.object_id, gone.before) == (
        "member.remove", str(root.id), {"role": "owner"},
    )  # fmt: skip
    assert (come.action, come.object_id, come.before) == ("member.set", str(ann.id), None)


def test_the_budgets_of_a_key_are_typed_and_shown_in_dollars(pages, acme):
    page = reverse("admin:accounts_apikey_change", args=[acme.key.id])

    budgets = {"budget_month_micros": "12.5", "budget_day_micros": "", "budget_warns_only": "on"}
    pages.post(page, {**KEY_FORM, **budgets})

    acme.key.refresh_from_db()
    assert (acme.key.budget_month_micros, acme.key.budget_day_micros) == (12_500_000, None)
    assert acme.key.budget_warns_only is True
    assert 'value="12.500000"' in pages.get(page).content.decode()


def test_balances_and_transfers_are_read_in_dollars(pages, acme):
    acme.hold(5_880)
    transfer = Transfer.objects.latest("id")
    balance = TenantBalance.objects.get(tenant=acme.id)

    for model, row in (("transfer", transfer), ("tenantbalance", balance)):
        page = pages.get(reverse(f"admin:billing_{model}_change", args=[row.pk])).content.decode()

        assert "0.005880" in page
        assert re.findall(r".{80}>5880<", page, re.DOTALL) == [], model


@pytest.mark.parametrize("page", ["billing_tenantbalance", "billing_transfer", "billing_keybudget"])
def test_money_is_never_added_by_hand(pages, page):
    assert pages.get(reverse(f"admin:{page}_add")).status_code == 403


def test_a_balance_is_read_only(pages, acme):
    change = reverse("admin:billing_tenantbalance_change", args=[acme.id])

    assert pages.get(change).status_code == 200
    assert pages.post(change, {"available": "999"}).status_code == 403
    assert available_to(acme.id) == 10_000_000


def test_transfers_are_found_by_their_generation_and_by_tenant(pages, acme, other):
    url = reverse("admin:billing_transfer_changelist")
    hold, of_another = acme.hold(3), other.hold(5)
    acme.end(hold, 2)
    refund(
        tenant_id=acme.id, generation_id=hold.generation_id, amount=Micros(1), reason="bad",
        actor="test",
    )  # fmt: skip
    book_upstream_cost(
        generation_id=hold.generation_id, attempt_id=new_uuid(), amount=Micros(4), as_loss=True
    )

    def listed(text: object) -> list[tuple[str, int]]:
        answer = pages.get(url, {"q": str(text)})
        return sorted((row.kind, row.amount) for row in answer.context["cl"].result_list)

    assert listed(hold.generation_id) == [
        ("capture", 2), ("hold", 3), ("loss", 4), ("refund", 1), ("release", 1),
    ]  # fmt: skip
    assert listed(public(GENERATION, of_another.generation_id)) == [("hold", 5)]
    assert listed("other") == [("hold", 5), ("top_up", 5_000_000)]
    assert listed(Transfer.objects.get(kind="loss").pk) == [("loss", 4)]
    assert listed("9" * 19) == []
    assert listed("nobody") == []


def test_a_tenants_transfers_are_its_newest(pages, acme, monkeypatch):
    monkeypatch.setattr(ledger, "LOOKED_AT", 2)
    for amount in (1, 2, 3):
        acme.hold(amount)

    answer = pages.get(reverse("admin:billing_transfer_changelist"), {"q": "acme"})

    assert [row.amount for row in answer.context["cl"].result_list] == [3, 2]


def test_usage_is_found_by_its_day(pages, acme):
    for day, hour in ((24, 23), (25, 0), (25, 23), (26, 0)):
        use(acme, datetime(2026, 11, day, hour, 30, tzinfo=UTC))

    answer = pages.get(reverse("admin:billing_usagerollup_changelist"), {"q": "2026-11-25"})

    assert [row.hour.hour for row in answer.context["cl"].result_list] == [23, 0]
