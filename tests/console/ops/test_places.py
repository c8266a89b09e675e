"""The navigation of the operator's console."""

import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.utils.html import strip_tags

from accounts.models import User
from console.ops.access import ROLES, Permission
from console.ops.places import groups_of
from generation.models import Condition
from generation.oversight.conditions import note_number
from pictor.kit.words import clock
from tests.console.answers import said_by


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/ops/", "Overview"),
        ("/ops/prices/", "Prices"),
        ("/ops/prices/new/", "Prices"),
        ("/ops/prices/lists/", "Price lists"),
    ],
)
def test_a_page_marks_only_the_nearest_place(owner, path, place):
    page = owner.get(path).content.decode()

    marked = re.findall(r'class="side-link[^>]* aria-current="page">(.*?)</a>', page, re.DOTALL)
    assert [strip_tags(link).strip() for link in marked] == [place]


@pytest.mark.parametrize("role", ["support", "finance", "operator", "owner"])
def test_navigation_has_exactly_the_pages_that_a_role_opens(client, settings, role):
    settings.STAFF_MFA = False
    client.force_login(User.objects.create_user("sam@pictor.example", staff_role=role))
    every = {place.url for places in groups_of({*Permission}).values() for place in places}
    shown = {place.url for places in groups_of(ROLES[role]).values() for place in places}

    opened = {url for url in every if client.get(url).status_code == HTTPStatus.OK}

    assert opened == shown


def test_the_overview_counts_open_conditions_that_nobody_has_silenced(owner):
    for kind, until in (("queued_too_long", None), ("sold_below_cost", timedelta(hours=1))):
        now = clock.now()
        quiet = {"silenced_until": now + until if until else None}
        Condition.objects.create(kind=kind, object="x", words="x", since=now, **quiet)
    note_number(clock.now())

    assert "Overview 1 need care" in said_by(owner.get("/ops/prices/"))
