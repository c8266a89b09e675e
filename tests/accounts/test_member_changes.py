"""Staff's changes of members: who approves, and what is checked anew when they take effect."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Literal

import pytest
from django.core.exceptions import ValidationError

from accounts.audit_log import audit_page, author
from accounts.models import (
    AuditEvent,
    Invitation,
    Mail,
    MemberChange,
    Membership,
    Tenant,
    User,
)
from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.erasure import erase_tenant
from accounts.services.office.member_changes import (
    ask_member_change,
    decide_member_change,
    make_due_member_changes,
)
from accounts.services.office.members import add_member, invite_as_operator
from accounts.services.office.people import seed_operator
from accounts.services.office.personal_data import _tables
from accounts.services.office.staff import set_staff_role
from accounts.services.office.tenants import create_tenant
from pictor.kit.words import clock
from tests.billing.conftest import alone

DAY = timedelta(days=1)


def person(name: str, *, role: str = "") -> User:
    email = f"{name}@pictor.example"
    return User.objects.create_user(email, email_verified_at=clock.now(), staff_role=role)


def member(tenant: Tenant, name: str, role: Membership.Role) -> User:
    made = person(name)
    add_member(tenant=tenant, user=made, role=role, actor="test")
    return made


@pytest.fixture
def acme(db: None) -> Tenant:
    made = create_tenant(name="Acme", actor="test")
    member(made, "ann", Membership.Role.OWNER)
    return made


@pytest.fixture
def sam(db: None) -> User:
    return person("sam", role="operator")


@pytest.fixture
def kim(db: None) -> User:
    return person("kim", role="operator")


def why_lapsed() -> str:
    after = AuditEvent.objects.get(action="member.lapse").after
    return str((after or {})["why"])


def ask(
    tenant: Tenant, sam: User, email: str, *, before: str = "", role: str = "", now: datetime
) -> MemberChange:
    site = "https://pictor.example/"
    asked = ask_member_change(
        tenant=tenant, email=email, before=before, role=role, actor=sam, now=now, site=site
    )
    assert asked
    return asked


def decide(
    change: MemberChange, decision: Literal["approve", "agree"], actor: User, *, now: datetime
) -> MemberChange:
    return decide_member_change(change_id=change.id, decision=decision, actor=actor, now=now)


def approved(change: MemberChange, kim: User, *, now: datetime) -> datetime:
    """When it takes effect."""
    effect = decide(change, "approve", kim, now=now).takes_effect_at
    assert effect
    return effect


def test_whoever_became_staff_after_the_request_does_not_approve_it(acme, sam):
    change = ask(acme, sam, "eve@else.example", role="owner", now=clock.now())
    set_staff_role(email="late@pictor.example", role="operator", actor="test")
    late = User.objects.get(email="late@pictor.example")

    with pytest.raises(ValidationError, match="who was staff when it was asked for"):
        decide(change, "approve", late, now=clock.now())


def test_whose_role_ends_meanwhile_approves_nothing(acme, sam, kim):
    change = ask(acme, sam, "eve@else.example", role="owner", now=clock.now())
    User.objects.filter(pk=kim.pk).update(staff_role="")  # `kim` was read before

    with pytest.raises(ValidationError, match="has just been changed"):
        decide(change, "approve", kim, now=clock.now())


def test_who_is_seeded_as_staff_meanwhile_approves_nothing(acme, sam):
    late = person("late")
    change = ask(acme, sam, "eve@else.example", role="owner", now=clock.now())
    seed_operator(
        email=late.email, password="correct horse", tenant=acme, actor="test", now=clock.now()
    )
    late.refresh_from_db()

    with pytest.raises(ValidationError, match="who was staff when it was asked for"):
        decide(change, "approve", late, now=clock.now())


def test_what_nobody_approves_in_a_week_waits_no_longer(acme, sam, kim):
    change = ask(acme, sam, "eve@else.example", role="owner", now=clock.now() - 7 * DAY)

    with pytest.raises(ValidationError, match="no longer waits"):
        decide(change, "approve", kim, now=clock.now())
    ask(acme, sam, "eve@else.example", role="viewer", now=clock.now())
    assert MemberChange.objects.get().role == "viewer"


def test_a_change_ends_with_the_role_of_who_asked_for_or_approved_it(acme, sam, kim):
    person("owner", role="owner")
    for leaving in (sam, kim):
        change = ask(acme, sam, "eve@else.example", role="owner", now=clock.now())
        approved(change, kim, now=clock.now())
        set_staff_role(email=leaving.email, role="support", actor="test")
        assert not MemberChange.objects.exists()
        User.objects.filter(pk=leaving.pk).update(staff_role="operator")
    told = [mail.text for mail in Mail.objects.filter(to="ann@pictor.example")]
    assert sum("- withdrew a change of the members" in text for text in told) == 2


def test_no_key_of_a_removed_member_goes_to_staff(acme, sam):
    bob = member(acme, "bob", Membership.Role.DEVELOPER)
    kay = member(acme, "kay", Membership.Role.DEVELOPER)
    User.objects.filter(pk=kay.pk).update(staff_role="support")

    with pytest.raises(ValidationError, match="is an address of staff"):
        ask_member_change(
            tenant=acme, email=bob.email, before="developer", role="", heir=kay, actor=sam,
            now=clock.now(), site="https://pictor.example/",
        )  # fmt: skip


@pytest.mark.parametrize("decision", ["agree", "approve"])
def test_a_change_is_made_as_staffs_whoever_let_it_pass(acme, sam, kim, decision):
    User.objects.filter(pk=sam.pk).update(name="Sam Smith")
    change = ask(acme, sam, "eve@else.example", role="viewer", now=clock.now())
    owner = User.objects.get(email="ann@pictor.example")

    decided = decide(change, decision, kim if decision == "approve" else owner, now=clock.now())
    make_due_member_changes(now=decided.takes_effect_at or clock.now())

    made = next(one for one in audit_page(acme.id, limit=9) if one.action == "member.invite")
    assert author(made) == "Pictor support (Sam)"
    mail = Mail.objects.filter(to="ann@pictor.example").latest("created_at")
    assert "- invited eve@else.example" in mail.text


def test_the_last_owner_by_then_stays_and_the_log_says_why(acme, sam, kim):
    bob = member(acme, "bob", Membership.Role.OWNER)
    change = ask(acme, sam, bob.email, before="owner", now=clock.now())
    effect = approved(change, kim, now=clock.now())
    Membership.objects.exclude(user=bob).delete()

    make_due_member_changes(now=effect)

    assert Membership.objects.get().user == bob
    assert not MemberChange.objects.exists()
    assert why_lapsed() == "A workspace needs an owner: make another member an owner first."


def test_somebody_who_is_no_longer_there_is_not_raised(acme, sam, kim):
    bob = member(acme, "bob", Membership.Role.VIEWER)
    change = ask(acme, sam, bob.email, before="viewer", role="owner", now=clock.now())
    effect = approved(change, kim, now=clock.now())
    Membership.objects.filter(user=bob).delete()

    make_due_member_changes(now=effect)

    assert Membership.objects.filter(role="owner").count() == 1
    assert why_lapsed() == "bob@pictor.example is no longer viewer: ask again."


def test_a_removal_hands_keys_over_when_it_takes_effect(acme, sam, kim):
    bob = member(acme, "bob", Membership.Role.DEVELOPER)
    ann = User.objects.get(email="ann@pictor.example")
    key, _ = issue_api_key(tenant=acme, name="ci", actor=bob)
    now = clock.now()
    ask_member_change(
        tenant=acme, email=bob.email, before="developer", role="", heir=ann, actor=sam, now=now,
        site="https://pictor.example/",
    )  # fmt: skip
    key.refresh_from_db()
    maker_before = key.created_by

    make_due_member_changes(now=approved(MemberChange.objects.get(), kim, now=now))

    key.refresh_from_db()
    assert (maker_before, key.created_by, key.revoked_at) == (bob, ann, None)
    assert not Membership.objects.filter(user=bob).exists()
    log = AuditEvent.objects.filter(action__startswith="member.", tenant=acme).order_by("id")
    assert list(log.values_list("action", "actor_name"))[-3:] == [
        ("member.ask", "sam@pictor.example"), ("member.approve", "kim@pictor.example"),
        ("member.remove", "sam@pictor.example (staff)"),
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_an_owner_and_the_worker_at_once_make_it_once(acme, sam, kim):
    change = ask(acme, sam, "eve@else.example", role="owner", now=clock.now())
    effect = approved(change, kim, now=clock.now())
    ann = User.objects.get(email="ann@pictor.example")

    def agree() -> bool:
        try:
            decide(change, "agree", ann, now=effect)
        except ValidationError:
            return False
        return True

    def make() -> None:
        make_due_member_changes(now=effect)

    with ThreadPoolExecutor(4) as pool:
        begun = [pool.submit(alone, act) for act in (agree, make, agree, make)]
        agreed = [one.result() for one in begun]

    assert agreed.count(True) <= 1
    assert Invitation.objects.count() == 1
    assert AuditEvent.objects.filter(action="member.invite").count() == 1
    assert not AuditEvent.objects.filter(action="member.lapse").exists()


def test_staffs_invitations_end_when_a_tenant_gets_its_first_active_owner(db, sam):
    new = create_tenant(name="New", actor="test")
    for email in ("ann@new.example", "eve@else.example"):
        invite_as_operator(
            tenant=new, email=email, role=Membership.Role.OWNER, inviter=sam, now=clock.now(),
            tell=lambda invited: None, actor=sam,
        )  # fmt: skip

    add_member(tenant=new, user=person("ann"), role=Membership.Role.OWNER, actor="test")

    assert not Invitation.objects.exists()


def test_a_change_is_exported_and_erased_with_its_tenant(acme, sam):
    ask(acme, sam, "eve@else.example", role="owner", now=clock.now())

    rows = {name: list(rows) for name, rows in _tables(acme)}["member_changes"]

    assert [(row["email"], row["role"]) for row in rows] == [("eve@else.example", "owner")]
    erase_tenant(tenant=acme, confirmation="Acme", actor="test", now=clock.now())
    assert not MemberChange.objects.exists()
