"""Queries of the pages about money, where everything that they may have to read is there."""

from collections.abc import Iterator
from http import HTTPStatus

import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker

from tests.making.full_data import much
from tests.stack.databases import written_once

MAX_QUERIES = 12
PAGES = {
    "books of everyone": (
        "/ops/prices/",
        "/ops/prices/?q=list&show=draft",
        "/ops/prices/new/",
        "/ops/prices/current/",
        "/ops/prices/{past}/",
        "/ops/prices/{past}/restore/",
        "/ops/prices/{past}/restore/?withdraw={later}",
        "/ops/prices/{draft}/",
        "/ops/prices/{draft}/?q=low",
        "/ops/prices/{draft}/review/",
        "/ops/prices/{draft}/review/?begins=2100-01-01 00:00 UTC",
        "/ops/prices/{draft}/what-if/",
        "/ops/prices/{later}/withdraw/",
    ),
    "lists": (
        "/ops/prices/{shared_past}/restore/?withdraw={shared_later}",
        "/ops/prices/{shared_draft}/",
        "/ops/prices/{shared_draft}/review/",
        "/ops/prices/{shared_draft}/what-if/",
        "/ops/prices/{shared_later}/withdraw/",
        "/ops/prices/lists/",
        "/ops/prices/lists/{shared}/",
        "/ops/tenants/{other}/prices/list/?list={shared}",
    ),
    "tenants": (
        "/ops/prices/{own_past}/restore/",
        "/ops/prices/{own_draft}/review/",
        "/ops/prices/{own_draft}/what-if/",
        "/ops/prices/{own_later}/withdraw/",
        "/ops/tenants/{acme}/prices/",
        "/ops/tenants/{acme}/prices/list/?list=none",
        "/ops/tenants/{acme}/prices/own/",
    ),
    "models": (
        "/ops/models/",
        "/ops/models/{model}/",
        "/ops/models/{model}/edit/",
        "/ops/models/{model}/copy/",
        "/ops/do/model.disable/{model}/",
        "/ops/models/{model}/end/",
    ),
    "money": (
        "/ops/margin/",
        "/ops/margin/?by=cell&tenant={acme}&channel=one&model={model}",
        "/ops/reconciliation/",
        "/ops/reconciliation/?channel={channel}",
        "/ops/reconciliation/new/",
        "/ops/reconciliation/{bill}/",
        "/ops/reconciliation/{bill}/?list=theirs",
        "/ops/do/bill.take/{bill}/?all=1",
        "/ops/do/bill.dispute/{bill}/?all=1",
        "/ops/reconciliation/{bill}/costs/",
        "/ops/alerts/",
        "/ops/alerts/sent/",
        "/ops/alerts/new/",
        "/ops/alerts/{rule}/",
        "/ops/alerts/{rule}/edit/",
    ),
}


@pytest.fixture(scope="module")
def ids(sown: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, object]]:
    """Books of everyone, of a list and of a tenant; costs by tokens; sales, a bill, a rule."""
    yield from written_once(django_db_blocker, much)


@pytest.fixture
def looking(owner: Client, ids: dict[str, object]) -> Client:
    """An owner who has looked at a page, so that each process's own copies are there."""
    owner.get("/ops/models/")
    return owner


@pytest.mark.parametrize("group", PAGES)
def test_a_page_takes_few_queries(looking, ids, group, django_assert_max_num_queries):
    for page in PAGES[group]:
        with django_assert_max_num_queries(MAX_QUERIES, info=page):
            answer = looking.get(page.format(**ids))

        assert (page, answer.status_code) == (page, HTTPStatus.OK)
