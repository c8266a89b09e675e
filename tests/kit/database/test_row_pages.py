"""Rows in pages: each once, in order, whatever changes meanwhile."""

import pytest

from accounts.models import User
from pictor.kit.database import row_pages
from pictor.kit.database.row_pages import in_pages

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(monkeypatch):
    monkeypatch.setattr(row_pages, "PAGE_ROWS", 2)
    User.objects.bulk_create(User(email=f"{name}@example.com") for name in "ecadb")


def test_every_row_is_met_once_in_order(people, django_assert_num_queries):
    with django_assert_num_queries(4):
        found = [row["email"][0] for row in in_pages(User.objects.values("email"), by="email")]

    assert found == ["a", "b", "c", "d", "e"]


def test_rows_that_go_while_they_are_read_hide_no_other(people):
    found = []
    for user in in_pages(User.objects.all()):
        found.append(user.email[0])
        user.delete()

    assert sorted(found) == ["a", "b", "c", "d", "e"]
