"""Users without a workspace: they open one or leave."""

import threading

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Membership, Tenant, User
from accounts.services.office.people import create_user
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


def test_a_member_of_a_workspace_opens_no_other(browser):
    browser.post(OPEN)

    browser.post(OPEN)

    assert Tenant.objects.count() == 1


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
