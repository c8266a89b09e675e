"""The admin: tenants, keys and money are read-only there, with amounts in dollars."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import ApiKey, AuditEvent, Membership, Tenant
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
from pictor.kit.words.ids import GENERATION, new_uuid, public
from pictor.kit.words.money import Micros

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


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

    shown = {
        model: pages.get(reverse(f"admin:{model}_change", args=[row.pk])).content.decode()
        for model, row in rows.items()
    }

    assert [model for model, row in rows.items() if str(row) not in shown[model]] == []


def test_uncharged_costs_are_listed_by_tenant_in_dollars(pages, acme, now):
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


def test_tenants_and_keys_are_read_with_members_and_dollars(pages, root, acme):
    add_member(tenant=acme.tenant, user=root, role=Membership.Role.OWNER, actor="test")
    acme.key.budget_month_micros = 12_500_000
    acme.key.save(update_fields=["budget_month_micros"])
    Tenant.objects.update(stored_bytes=3 * 1024**2)

    tenant, key = (
        pages.get(reverse(f"admin:accounts_{name}_change", args=[pk])).content.decode()
        for name, pk in (("tenant", acme.id), ("apikey", acme.key.pk))
    )

    assert f"{root.email} is owner of acme" in tenant
    assert "3.0\xa0MB of 1.0\xa0TB" in tenant
    assert "12.500000" in key
    assert acme.key.public_id in key
    assert "DatabaseDefault" not in key
    assert acme.key.digest.hex() not in key


def test_tenants_and_keys_are_neither_made_nor_changed_nor_ended_there(pages, root, acme):
    forms = {
        "tenant": {"name": "New", "status": "suspended", "memberships-TOTAL_FORMS": "0"},
        "apikey": {"tenant": str(acme.id), "scopes": "keys:write"},
    }

    statuses = [
        pages.post(
            reverse(f"admin:accounts_{name}_{page}", args=ids), {**forms[name], "post": "yes"}
        ).status_code
        for name, pk in (("tenant", acme.id), ("apikey", acme.key.pk))
        for page, ids in (("add", []), ("change", [pk]), ("delete", [pk]))
    ]
    pages.post(
        reverse("admin:accounts_apikey_changelist"),
        {"action": "revoke", "_selected_action": [str(acme.key.id)]},
    )

    assert statuses == [403] * 6
    acme.key.refresh_from_db()
    assert acme.key.revoked_at is None
    assert (Tenant.objects.count(), ApiKey.objects.count()) == (1, 1)
    assert not AuditEvent.objects.filter(actor=root).exists()


def test_balances_and_transfers_are_read_in_dollars(pages, acme):
    acme.hold(5_880)
    transfer = Transfer.objects.latest("id")
    balance = TenantBalance.objects.get(tenant=acme.id)

    shown = [
        pages.get(reverse(f"admin:billing_{model}_change", args=[row.pk])).content.decode()
        for model, row in (("transfer", transfer), ("tenantbalance", balance))
    ]

    assert ["0.005880" in page for page in shown] == [True, True]
    assert [re.findall(r".{80}>5880<", page, re.DOTALL) for page in shown] == [[], []]


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
    monkeypatch.setattr(ledger, "MAX_SCANNED_ROWS", 2)
    for amount in (1, 2, 3):
        acme.hold(amount)

    answer = pages.get(reverse("admin:billing_transfer_changelist"), {"q": "acme"})

    assert [row.amount for row in answer.context["cl"].result_list] == [3, 2]


def test_usage_is_found_by_its_day(pages, acme):
    for day, hour in ((24, 23), (25, 0), (25, 23), (26, 0)):
        use(acme, datetime(2026, 11, day, hour, 30, tzinfo=UTC))

    answer = pages.get(reverse("admin:billing_usagerollup_changelist"), {"q": "2026-11-25"})

    assert [row.hour.hour for row in answer.context["cl"].result_list] == [23, 0]
