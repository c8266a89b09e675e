"""Errors: a page in the shell for people, JSON for programs, and no internals in either."""

import json
from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.shortcuts import render
from django.test import RequestFactory
from playwright.sync_api import Route

from pictor.urls import server_error
from tests.console.browser import faults
from tests.console.visits import broken_rules

pytestmark = pytest.mark.usefixtures("plain_static_files")


def failing(path: str, accept: str) -> tuple[int, str]:
    """Status and text of the answer at that path to that Accept header."""
    answer = server_error(RequestFactory().get(path, headers={"Accept": accept}))
    assert isinstance(answer, HttpResponse)
    return answer.status_code, answer.content.decode()


def test_a_person_is_told_in_the_shell_that_it_was_our_fault():
    status, page = failing("/pricing/", "text/html")

    assert status == 500
    assert "Something went wrong on our side" in page
    assert "<nav" in page


@pytest.mark.parametrize(
    ("path", "accept"), [("/v1/models", "text/html"), ("/pricing/", "application/json")]
)
def test_a_program_is_told_in_json(path, accept):
    status, text = failing(path, accept)

    assert status == 500
    assert json.loads(text)["error"]["code"] == "internal_error"


@pytest.mark.django_db
def test_a_form_without_its_token_changes_nothing_and_says_so(client):
    client.handler.enforce_csrf_checks = True

    answer = client.post("/theme/", {"theme": "dark"}, headers={"Accept": "text/html"})

    assert answer.status_code == 403
    assert "This form has expired" in answer.content.decode()
    assert "theme" not in answer.cookies


def test_pages_of_trouble_keep_what_the_console_promises(session):
    page = session.new_page()
    request = RequestFactory().get("/", headers={"Accept": "text/html"})
    too_many = render(request, "429.html", {"seconds": 7}).content.decode()
    for status, html in ((500, failing("/pricing/", "text/html")[1]), (429, too_many)):
        page.route(f"**/{status}/", answering(status, html))

        assert faults(page, f"/{status}/", status=status) == []
        assert broken_rules(page, str(status)) == []
    assert page.get_by_text("Try again in 7 seconds.").is_visible()


def answering(status: int, html: str) -> Callable[[Route], None]:
    """Answer every request with this status and page."""
    return lambda route: route.fulfill(status=status, body=html, content_type="text/html")
