"""Users without a workspace: they open one or leave."""

import threading

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Membership, Tenant, User
from accounts.services.office.members import add_member
from accounts.services.office.people import create_user
from accounts.services.office.tenants import create_tenant
from accounts.services.office.welcome import open_workspace
from billing.selectors.office.balances import balance_of
from tests.console.answers import words_of

OPEN = "/workspaces/open/"
CONSOLE = "/console/"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("open_house")]


@pytest.fixture
def ann():
    return create_user(email="ann@example.com", password=None, actor="test")


@pytest.fixture
def browser(ann):
    client = Client()
    client.force_login(ann)
    return client


def test_a_user_in_no_workspace_opens_one_without_sign_up_credit(ann, browser):
    page = browser.get(CONSOLE).content.decode()

    answer = browser.post(OPEN)

    assert "You are in no workspace" in page
    assert "Create a workspace" in page
    assert answer.headers["Location"] == CONSOLE
    membership = Membership.objects.select_related("tenant").get(user=ann)
    tenant = membership.tenant
    assert (membership.role, tenant.title) == ("owner", "ann's workspace")
    assert tenant.requests_per_minute == 60
    assert balance_of(tenant.id).available == 0
    assert browser.get(CONSOLE).headers["Location"] == f"/console/{tenant.public_id}/"


def test_a_person_opens_five_and_each_press_at_most_one(ann, browser):
    for owned in (0, 0, 1, 2, 2, 3, 4, 5, 6):
        browser.post(OPEN, {"owned": owned})

    assert Membership.objects.filter(user=ann, role="owner").count() == 5
    assert "Create a workspace" not in browser.get(CONSOLE).content.decode()


def test_a_further_workspace_opens_at_once_without_credit_and_has_its_number(browser):
    browser.post(OPEN)
    offered = browser.get(f"{CONSOLE}?all=1").content.decode()

    answer = browser.post(OPEN, {"owned": "1"})

    further = Tenant.objects.get(title="ann's workspace 2")
    assert "A further one of your own opens without credit." in offered
    assert answer.headers["Location"] == f"/console/{further.public_id}/"
    assert balance_of(further.id).available == 0


def test_who_is_a_member_only_opens_a_first_one(ann, browser):
    tenant = create_tenant(name="acme", actor="test")
    add_member(tenant=tenant, user=ann, role=Membership.Role.VIEWER, actor="test")

    browser.post(OPEN, {"owned": "0"})

    assert Membership.objects.filter(user=ann, role="owner").count() == 1


def test_nobody_opens_a_workspace_while_sign_up_is_closed(browser, settings):
    settings.SIGN_UP = False

    page = words_of(browser.get(CONSOLE))
    browser.post(OPEN)

    assert "Ask the owner of one to invite ann@example.com." in page
    assert "Create a workspace" not in page
    assert Tenant.objects.count() == 0


def test_a_user_in_no_workspace_can_sign_out(browser):
    page = browser.get(CONSOLE).content.decode()

    browser.post("/accounts/logout/")

    assert 'action="/accounts/logout/"' in page
    assert browser.get(CONSOLE).headers["Location"].startswith("/accounts/login/")


def test_a_stranger_opens_no_workspace(client):
    answer = client.post(OPEN)

    assert answer.headers["Location"].startswith("/accounts/login/")
    assert Tenant.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_open_one(ann):
    def press() -> None:
        together.wait()
        open_workspace(user=User.objects.get(pk=ann.pk))
        connection.close()

    together = threading.Barrier(2)
    presses = [threading.Thread(target=press) for _ in range(2)]
    for each in presses:
        each.start()
    for each in presses:
        each.join()

    assert Tenant.objects.count() == 1
