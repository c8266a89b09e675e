"""The list of generations across tenants."""

import json
from copy import copy
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Tenant
from billing.models import Transfer
from console.ops.generations.lists import GENERATIONS
from console.parts.listing import Search
from generation.models import Generation
from generation.oversight.searching import generations
from generation.oversight.searching.generations import GenerationFilter, page_across
from pictor.kit.words import clock, ids
from storage.models import StoredImage
from tests.console.answers import lines_of, words_of
from tests.console.ops.acting import act_page

LIST = "/ops/generations/"


def listed(client: Client, query: str = "") -> list[str]:
    """The listed ids, in order."""
    page = client.get(LIST + query).content.decode()
    return [part.partition('"')[0] for part in page.split('<tr id="')[1:]]


@pytest.fixture
def some(acme, other, delivered, failed, running):
    """Generations by name, oldest first."""
    made = {
        "delivered": delivered(acme),
        "failed": failed(other),
        "waits": acme.generation(),
        "runs": running(acme),
    }
    made["test"] = acme.tester().generation()
    made["demo"] = delivered(other)
    Generation.objects.filter(id=made["demo"].id).update(source="demo")
    return {name: one.public_id for name, one in made.items()}


def test_all_tenants_live_ones_stand_newest_first(owner, some):
    assert listed(owner) == [some["runs"], some["waits"], some["failed"], some["delivered"]]
    assert listed(owner, "?mode=test") == [some["test"]]
    assert listed(owner, "?mode=demo") == [some["demo"]]


def test_generations_past_their_deadline_are_found_until_they_end(owner, some):
    assert listed(owner, "?late=1") == []
    then = clock.now() - timedelta(seconds=1)
    Generation.objects.update(deadline_at=then)

    assert listed(owner, "?late=1") == [some["runs"], some["waits"]]
    assert "Deadline: has passed" in owner.get(f"{LIST}?late=1").content.decode()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?tenant=other", ["failed"]),
        ("?state=running", ["runs"]),
        ("?code=generation_timeout", ["failed"]),
        ("?class=unknown", ["failed"]),
        ("?class=delivered&channel=acme-openai", ["delivered"]),
        ("?channel=acme-openai", ["runs", "failed", "delivered"]),
        ("?channel=nobody", []),
        ("?model=dall-e-3", []),
        ("?size=1024x1024&quality=medium", ["delivered"]),
        ("?size=1024x1024&quality=high", []),
        ("?size=512x512", []),
        ("?loss=1", ["failed"]),
        ("?period=2020-01-01", []),
        ("?state=nonsense&code=NO&period=x", ["runs", "waits", "failed", "delivered"]),
    ],
)
def test_a_filter_lists_only_generations_that_match(owner, some, query, names):
    assert listed(owner, query) == [some[name] for name in names]


def test_a_tenant_that_is_mistyped_is_named_and_nothing_can_be_chosen(owner, some):
    page = owner.get(f"{LIST}?tenant=acmee&state=succeeded").content.decode()

    assert "No tenant has the name or id “acmee”" in page
    assert some["delivered"] in page
    assert "Refund all matching" not in page
    assert 'type="checkbox" name="generation"' not in page
    assert owner.get(f"{LIST}?tenant=acmee&format=csv").status_code == 400


def test_across_tenants_at_most_24_hours_are_looked_at(owner, some, acme):
    wide = owner.get(f"{LIST}?period=7d").content.decode()

    assert "Across all tenants, at most 24 hours can be searched" in wide
    assert some["delivered"] not in wide
    assert len(listed(owner, f"?period=7d&tenant={acme.tenant.public_id}")) == 3


def test_prompts_are_not_shown(owner, acme, delivered):
    delivered(acme, prompt="a canary in a coal mine")

    assert "canary" not in owner.get(LIST).content.decode()


def test_the_search_stops_after_its_limit_and_says_so(owner, acme, failed, monkeypatch):
    oldest = failed(acme)
    edge, *_ = [acme.generation().public_id for _ in range(3)]
    monkeypatch.setattr(generations, "MAX_SCANNED_ROWS", 3)

    page = owner.get(f"{LIST}?state=failed").content.decode()

    assert "None among these" in page
    assert f"after={edge}" in page
    assert listed(owner, f"?state=failed&after={edge}") == [oldest.public_id]


def test_the_file_has_the_same_rows_with_what_they_cost(owner, some):
    answer = owner.get(f"{LIST}?format=csv&class=unknown")
    (told,) = lines_of(answer)

    assert answer["Content-Disposition"] == 'attachment; filename="generations.csv"'
    assert told["id"] == some["failed"]
    assert (told["tenant"], told["channel"], told["class"], told["http_status"]) == (
        "other", "acme-openai", "unknown", "504",
    )  # fmt: skip
    assert (told["charged"], told["cost"], told["cost_unknown"], told["code"]) == (
        "0.000000", "0.030000", "0", "generation_timeout",
    )  # fmt: skip


def test_the_shell_lists_the_same_and_refuses_what_is_too_wide(some):
    out = StringIO()
    call_command("list", "generations", "--tenant", "other", "--loss", "--json", stdout=out)
    tests = StringIO()
    call_command("list", "generations", "--mode", "test", "--json", stdout=tests)

    assert json.loads(out.getvalue())["id"] == some["failed"]
    assert json.loads(tests.getvalue())["id"] == some["test"]
    with pytest.raises(CommandError, match="at most 24 hours can be searched"):
        call_command("list", "generations", "--period", "7d")


def test_the_list_takes_few_queries(owner, some, django_assert_max_num_queries):
    owner.get(LIST)
    with django_assert_max_num_queries(12):
        owner.get(f"{LIST}?tenant=acme&class=delivered&loss=1")


def test_a_tenants_tests_are_found_behind_any_number_of_live_ones(owner, acme, monkeypatch):
    test = acme.tester().generation().public_id
    for _ in range(3):
        acme.generation()
    monkeypatch.setattr(generations, "MAX_SCANNED_ROWS", 2)

    assert listed(owner, "?mode=test&tenant=acme") == [test]


@pytest.fixture
def others(some, other):
    """Many rows of another tenant, counted: among few, the planner takes any index."""
    made = Generation.objects.get(tenant=other.id, state="failed")
    rows = [copy(made) for _ in range(500)]
    for row in rows:
        row.pk = ids.new_uuid()
    Generation.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE generation_generation")


@pytest.mark.parametrize(
    "sought",
    [
        {"channel": "acme-openai", "attempt_class": "unknown", "has_loss": True},
        {"state": "failed", "code": "generation_timeout"},
    ],
)
@pytest.mark.parametrize("is_of_tenant", [True, False])
def test_rows_are_read_only_by_indexes(acme, some, others, sought, is_of_tenant):
    now = clock.now()
    reach = (
        {"tenant_id": acme.id}
        if is_of_tenant
        else {"since": now - timedelta(hours=23), "until": now + timedelta(hours=1)}
    )
    with CaptureQueriesContext(connection) as asked:
        page_across(GenerationFilter(**sought, **reach), limit=50)

    index = "generation_of_tenant" if is_of_tenant else "generation_generation_pkey"
    for one in asked:
        with connection.cursor() as cursor:
            for way in ("seqscan", "bitmapscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
            cursor.execute(f"EXPLAIN {one['sql']}")
            plan = "\n".join(row[0] for row in cursor)
        assert "Seq Scan on generation_generation" not in plan
        assert "Seq Scan on generation_attempt" not in plan
        assert index in plan
        assert "generation_attempt" not in plan or "SubPlan" in plan


def test_a_tenant_stands_everywhere_under_the_operators_name(owner, acme, delivered, failed):
    made, lost = delivered(acme), failed(acme)
    Tenant.objects.update(title="Rabbit Labs")
    charge = Transfer.objects.filter(tenant=acme.id).latest("id")

    pages = [
        words_of(owner.get(address))
        for address in (
            LIST,
            f"{LIST}?tenant={acme.tenant.public_id}",
            f"{LIST}{made.public_id}/",
            act_page("generation.refund", made.public_id),
            act_page("generation.credit", lost.public_id),
            f"{act_page('generations.refund')}?generation={made.public_id}",
            "/ops/ledger/",
            f"/ops/ledger/{charge.pk}/",
        )
    ]

    assert [("acme" in page, "Rabbit Labs" in page) for page in pages] == [(True, False)] * 8


def test_only_what_was_charged_live_can_be_chosen(owner, some):
    chosen = {
        mode: [row.choice for row in owner.get(f"{LIST}?mode={mode}").context["rows"] if row.choice]
        for mode in ("", "test", "demo")
    }

    assert chosen == {"": [some["delivered"]], "test": [], "demo": []}


@pytest.mark.usefixtures("offer")
def test_a_link_keeps_filters_and_mode(db):
    search = Search(GENERATIONS, {"mode": "test", "state": "failed"})

    assert search.link(after="gen_1") == "?state=failed&mode=test&after=gen_1"
    assert search.link(mode="") == "?state=failed"


def test_a_failure_says_why(owner, some):
    assert "generation_timeout: Out of time" in words_of(owner.get(LIST + "?state=failed"))


def test_a_short_delivery_is_badged_after_its_images_are_gone(owner, acme, delivered):
    made = delivered(acme)
    Generation.objects.filter(id=made.id).update(n=2)
    StoredImage.objects.update(deleted_at=clock.now())

    page = words_of(owner.get(LIST))
    (line,) = lines_of(owner.get(LIST + "?format=csv"))

    assert "1 of 2</span>" in page
    assert line["delivered_sizes"] == "1024x1024"
