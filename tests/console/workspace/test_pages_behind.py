"""Statements of pages behind a link or a form; the others are counted by their URLs."""

import pytest
from django.test import Client

from tests.console.workspace.conftest import require_factor, url
from tests.console.workspace.invitations import invited, newcomer
from tests.console.workspace.key_forms import FORM

QUERIES = 12


@pytest.mark.parametrize("who", ["a stranger", "the one invited"])
def test_an_invitations_page_takes_few_queries(acme, sign_in, django_assert_max_num_queries, who):
    link = invited(sign_in(acme), acme, "bob@example.com")
    client = Client() if who == "a stranger" else newcomer("bob@example.com")
    client.get(link)  # loaded once a process

    with django_assert_max_num_queries(QUERIES):
        assert client.get(link).status_code == 200


def test_the_request_for_a_second_factor_takes_few_queries(
    acme, sign_in, django_assert_max_num_queries
):
    require_factor(acme)
    client = sign_in(acme)
    client.get(url("overview", acme))

    with django_assert_max_num_queries(QUERIES):
        assert client.get(url("overview", acme)).status_code == 403


def test_a_refused_form_takes_few_queries(acme, sign_in, django_assert_max_num_queries):
    client = sign_in(acme)
    wrong = {**FORM, "budget_month": "lots"}
    client.post(url("key_new", acme), wrong)

    with django_assert_max_num_queries(QUERIES):
        assert client.post(url("key_new", acme), wrong).status_code == 422


def test_a_missing_page_takes_few_queries(acme, other, sign_in, django_assert_max_num_queries):
    client = sign_in(acme)
    client.get(url("overview", other))

    with django_assert_max_num_queries(QUERIES):
        assert client.get(url("overview", other)).status_code == 404
