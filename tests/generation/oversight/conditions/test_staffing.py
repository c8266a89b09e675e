"""Staff among a customer's members are a condition, those of the operator's own tenant are not."""

from accounts.models import Membership, User
from accounts.services.office.members import add_member
from accounts.services.office.tenants import create_tenant


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
