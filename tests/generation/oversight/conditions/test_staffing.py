"""Conditions of staff: members of customers' tenants, and keys of programs that end."""

from datetime import timedelta

from accounts.models import Membership, User
from accounts.services.office.members import add_member
from accounts.services.office.operator_keys import KeyTerms, issue_operator_key
from accounts.services.office.tenants import create_tenant
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid


def test_staff_who_are_members_of_a_customers_tenant_are_a_condition(look):
    ann = User.objects.create_user("ann@pictor.example", staff_role="operator")
    acme = create_tenant(name="acme", actor="test")
    for tenant in (acme, create_tenant(name="house", is_ours=True, actor="test")):
        add_member(tenant=tenant, user=ann, role=Membership.Role.ADMIN, actor="test")

    found = look(0)
    Membership.objects.all().delete()

    assert found == {
        ("staff_as_member", f"ann@pictor.example in {acme.public_id}"): (
            "ann@pictor.example, who is staff, is admin of acme"
        )
    }
    assert look(1) == {}


def test_a_programs_key_that_ends_within_14_days_is_a_condition(look):
    ann = User.objects.create_user("ann@pictor.example", staff_role="owner")
    now = clock.now()
    for name, days in (("shop", 14), ("books", 15)):
        terms = KeyTerms(["see"], acts=[], ip_ranges=[], expires_at=now + timedelta(days=days))
        issue_operator_key(
            name=name, terms=terms, once=new_uuid(), now=now, by={"actor": ann, "ip": None}
        )

    found = look(0.1)

    last = now + timedelta(days=14)
    assert [(kind, words) for (kind, _), words in found.items()] == [
        (
            "operator_key_ends",
            f"shop, a program's key by ann@pictor.example, ends {last:%-d %b %Y}",
        )
    ]
