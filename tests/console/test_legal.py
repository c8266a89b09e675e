"""Terms and privacy notice: the operator's name and text, and true statements."""

import re
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.urls import resolve

from accounts.models import User
from console.people.legal import document
from tests.console.answers import words_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


@pytest.mark.parametrize("path", ["/terms/", "/privacy/"])
def test_the_legal_pages_name_the_operator(client, settings, path):
    settings.OPERATOR_NAME = "Ann & Co"
    settings.OPERATOR_PLACE = "Tallinn"
    settings.OPERATOR_CONTACT = "ann@example.com"

    page = words_of(client.get(path))

    assert "Ann &amp; Co, Tallinn. Write to ann@example.com." in page
    assert "{{" not in page
    assert f"Version {settings.TERMS_VERSION}" in page


def test_the_privacy_page_states_a_new_workspaces_retention(client, settings):
    settings.PROMPT_RETENTION_DAYS, settings.IMAGE_RETENTION_DAYS = 45, 20

    page = words_of(client.get("/privacy/"))

    assert "which its settings show: 45 in a new one; a day for tests" in page
    assert "20 days unless your workspace has set another time" in page


def test_the_notice_says_what_our_people_see(client):
    page = words_of(client.get("/privacy/"))

    assert "which of our people looked into your workspace, when, and why" in page
    assert "only if an owner of the workspace lets them" in page


def test_a_missing_address_is_said_to_be_missing(client):
    assert "no address is given here yet" in words_of(client.get("/terms/"))


def test_an_operator_has_texts_of_their_own(client, settings, tmp_path):
    (tmp_path / "terms.md").write_text("# House rules\n\nBe kind to {{operator}} {{and}} others.")
    settings.LEGAL, settings.OPERATOR_NAME = tmp_path, "Ann"

    page = words_of(client.get("/terms/"))

    assert "House rules" in page
    assert "Be kind to Ann {{and}} others." in page


@pytest.mark.parametrize("name", ["terms", "privacy"])
def test_their_links_lead_somewhere(name):
    links = re.findall(r'href="(/[^"]*)"', document(name).html)

    assert None not in [resolve(link).func for link in links]


def test_every_cookie_that_is_set_is_named(client):
    named = set(re.findall(r"<td><code>([\w-]+)</code></td>", document("privacy").html))
    user = User.objects.create_user("ann@example.com", "correct horse battery")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)

    client.get("/accounts/login/")
    signed_in = client.post(
        "/accounts/login/", {"login": user.email, "password": "correct horse battery"}
    )
    client.post("/theme/", {"theme": "dark"})

    assert signed_in.status_code == 302
    assert {"sessionid", "csrftoken", "theme"} <= set(client.cookies)
    scripts = Path("platform/console/static/console").glob("*.js")
    by_scripts = {
        name
        for script in scripts
        for name in re.findall(r"document\.cookie = `([\w-]+)=", script.read_text())
    }
    assert by_scripts == {"single-keys"}
    assert set(client.cookies) | by_scripts <= named


def test_only_terms_ask_to_be_accepted(client):
    client.force_login(User.objects.create_user("ann@example.com", "correct horse"))

    assert "Accept these terms" in words_of(client.get("/terms/"))
    assert "Accept these terms" not in words_of(client.get("/privacy/"))
