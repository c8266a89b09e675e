"""Owners who change the same people at once: one change wins, the other is told."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings as site
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.locks import tenant_for_update
from accounts.models import Membership, Tenant, User
from accounts.services.office.members import add_member
from accounts.services.office.tenants import create_tenant
from pictor.kit.words.ids import new_uuid
from tests.accounts.conftest import until_waiting

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("plain_static_files", "patient_connections"),
]


@pytest.fixture
def studio() -> Tenant:
    return create_tenant(name="studio", actor="test")


@pytest.fixture
def owner(studio: Tenant) -> Callable[[str], tuple[User, Client]]:
    def make(name: str) -> tuple[User, Client]:
        email = f"{name}-{new_uuid().hex}@example.com"
        user = User.objects.create_user(email, terms_version=site.TERMS_VERSION)
        add_member(tenant=studio, user=user, role=Membership.Role.OWNER, actor="test")
        client = Client()
        client.force_login(user)
        return user, client

    return make


def post(client: Client, page: str, studio: Tenant, person: User, **form: str) -> tuple[int, str]:
    """Status and page of a member form, posted from a thread."""
    try:
        at = reverse(f"workspace:{page}", args=[studio.public_id, person.id])
        answer: Any = client.post(at, {"keys": "revoke", **form})
        return answer.status_code, answer.content.decode()
    finally:
        connection.close()


def in_order(
    pool: ThreadPoolExecutor, studio: Tenant, *changes: Callable[[], tuple[int, str]]
) -> list[tuple[int, str]]:
    """Results of changes that all begin before the first is made."""
    begun: list[Future[tuple[int, str]]] = []
    with transaction.atomic():
        tenant_for_update(studio.id)
        for number, change in enumerate(changes, 1):
            begun.append(pool.submit(change))
            until_waiting(number)
    return [one.result() for one in begun]


def members(studio: Tenant) -> dict[str, str]:
    found = Membership.objects.filter(tenant=studio).select_related("user")
    return {one.user.email.split("-")[0]: one.role for one in found}


def test_one_of_two_owners_removing_each_other_stays(studio, owner, pool):
    (ann, anns), (bob, bobs) = owner("ann"), owner("bob")

    first, second = in_order(
        pool,
        studio,
        lambda: post(anns, "member_remove", studio, bob),
        lambda: post(bobs, "member_remove", studio, ann),
    )

    assert (first[0], second[0]) == (302, 404)
    assert members(studio) == {"ann": "owner"}


def test_an_owner_removed_meanwhile_removes_nobody(studio, owner, pool):
    (_, anns), (bob, bobs), (cid, _) = owner("ann"), owner("bob"), owner("cid")

    first, second = in_order(
        pool,
        studio,
        lambda: post(anns, "member_remove", studio, bob),
        lambda: post(bobs, "member_remove", studio, cid),
    )

    assert (first[0], second[0]) == (302, 404)
    assert members(studio) == {"ann": "owner", "cid": "owner"}


@pytest.mark.parametrize(
    ("page", "form"), [("member_remove", {}), ("member_role", {"role": "viewer"})]
)
def test_a_change_of_who_was_removed_meanwhile_says_so(studio, owner, pool, page, form):
    (_, anns), (_, bobs), (cid, _) = owner("ann"), owner("bob"), owner("cid")

    first, second = in_order(
        pool,
        studio,
        lambda: post(anns, "member_remove", studio, cid),
        lambda: post(bobs, page, studio, cid, **form),
    )

    assert (first[0], second[0]) == (302, 422)
    assert "is no longer a member" in second[1]
    assert members(studio) == {"ann": "owner", "bob": "owner"}


def test_an_owner_made_a_viewer_meanwhile_removes_nobody(studio, owner, pool):
    (_, anns), (bob, bobs), (cid, _) = owner("ann"), owner("bob"), owner("cid")

    first, second = in_order(
        pool,
        studio,
        lambda: post(anns, "member_role", studio, bob, role="viewer"),
        lambda: post(bobs, "member_remove", studio, cid),
    )

    assert (first[0], second[0]) == (302, 422)
    assert members(studio) == {"ann": "owner", "bob": "viewer", "cid": "owner"}
