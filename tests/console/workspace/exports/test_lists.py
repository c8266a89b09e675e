"""Lists too long to wait for: requested, and made as files only for the requester."""

import csv
import io
import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import Value
from django.db.models.expressions import RawSQL
from django.db.models.lookups import Exact
from django.test import Client

from accounts.models import Membership, User
from accounts.services.office.members import remove_member
from billing.models import Transfer
from console.workspace.exports import lists
from generation.tenants.searching import paging
from generation.tenants.searching.criteria import matching
from pictor.kit.words import clock
from storage.models import TenantExport
from tests.console.answers import lines_of, words_of
from tests.console.workspace.conftest import url
from tests.making.factories import PayingCustomer


@pytest.fixture(autouse=True)
def two_are_many(monkeypatch):
    monkeypatch.setattr("console.parts.exports.MAX_ROWS", 2)
    monkeypatch.setattr("console.workspace.generations.pages.ROWS_AT_ONCE", 2)


def ask(client: Client, customer: PayingCustomer, **query: str) -> Any:
    return client.post(url("list_ask", customer), {"query": urlencode(query)})


def written(export: TenantExport) -> list[dict[str, str]]:
    """The rows of the file that the short-work worker makes of the export."""
    assert export.asked_by is not None
    file = io.BytesIO()
    lists.write(
        name=export.list_name,
        query=export.list_query,
        tenant=export.tenant,
        user=export.asked_by,
        at=export.asked_at,
        file=file,
    )
    return list(csv.DictReader(io.StringIO(file.getvalue().decode("utf-8-sig"))))


def made_ready(export: TenantExport) -> None:
    now = clock.now()
    TenantExport.objects.filter(id=export.id).update(
        ready_at=now,
        expires_at=now + timedelta(hours=24),
        size_bytes=2_000_000,
        object_key="exports/20261122/7f3/c41/export.csv",
    )


def test_a_long_list_is_asked_for_and_holds_every_row(acme, sign_in, delivered):
    made = [delivered(acme, prompt=f"fox {number}") for number in range(5)]
    delivered(acme, model="gpt-image-2")
    client = sign_in(acme)

    led = client.get(url("generations", acme) + "?format=csv&model=gpt-image-2-origin")
    wanted = f"{url('exports', acme)}?list=generations&model=gpt-image-2-origin"
    offered = words_of(client.get(wanted))
    asked = ask(client, acme, list="generations", model="gpt-image-2-origin")
    waiting = words_of(client.get(url("exports", acme)))

    assert led["Location"] == f"http://testserver{wanted}"
    assert "Make a file of all generations" in offered
    assert "model=gpt-image-2-origin" in offered
    assert asked["Location"] == url("exports", acme)
    assert "Being made" in waiting
    export = TenantExport.objects.get()
    assert export.page_url == f"http://testserver{url('exports', acme)}"
    lines = written(export)
    assert [line["id"] for line in lines] == [one.public_id for one in reversed(made)]
    assert lines[0]["prompt"] == "fox 4"


@pytest.mark.parametrize("query", [{"q": "fox"}, {"model": "gpt-image-2"}, {"over": "0.00001"}])
def test_a_file_has_what_is_found_among_however_many(acme, sign_in, delivered, monkeypatch, query):
    monkeypatch.setattr("generation.tenants.searching.bounds.SEARCHED", 2)
    monkeypatch.setattr("generation.tenants.searching.bounds.WORDS_SEARCHED", 2)
    wanted = [delivered(acme, prompt="a fox", model="gpt-image-2") for _ in range(3)]
    for _ in range(4):
        acme.generation(prompt="a heron")
    wanted.append(delivered(acme, prompt="a fox", model="gpt-image-2"))

    ask(sign_in(acme), acme, list="generations", **query)

    lines = written(TenantExport.objects.get())
    assert [line["id"] for line in lines] == [one.public_id for one in reversed(wanted)]


def test_a_file_has_rows_however_long_it_takes(acme, sign_in, delivered, monkeypatch):
    made = [delivered(acme) for _ in range(3)]
    monkeypatch.setattr("generation.tenants.searching.bounds.PATIENCE_MS", 1)
    slow = RawSQL("pg_sleep(0.01)::text", ())
    monkeypatch.setattr(
        paging, "matching", lambda wanted: matching(wanted) & Exact(slow, Value(""))
    )

    ask(sign_in(acme), acme, list="generations", status="succeeded")

    lines = written(TenantExport.objects.get())
    assert [line["id"] for line in lines] == [one.public_id for one in reversed(made)]


def test_a_long_ledger_is_whole_as_a_file(acme, sign_in, delivered):
    delivered(acme)
    client = sign_in(acme, "billing")

    led = client.get(url("ledger", acme) + "?format=csv")
    ask(client, acme, list="ledger")

    assert led["Location"].endswith("exports/?list=ledger")
    kept = Transfer.objects.filter(tenant_id=acme.tenant.id).order_by("seq")
    lines = written(TenantExport.objects.get())
    assert [line["seq"] for line in lines] == [str(one.seq) for one in kept]


def test_a_list_of_unknown_length_says_where_the_rest_is(acme, sign_in):
    for number in range(4):
        sign_in(acme, email=f"{number}@example.com")

    lines = lines_of(sign_in(acme).get(url("audit", acme) + "?format=csv&action=member"))

    way = f"http://testserver{url('exports', acme)}?list=audit&action=member"
    assert [line["action"] for line in lines[:2]] == [
        "added owner@acme.example as a member",
        "added 3@example.com as a member",
    ]
    assert [line["at"] for line in lines[2:]] == [
        f"The file ends here, at 2 rows: make the whole file at {way}."
    ]


@pytest.mark.parametrize(
    ("role", "name"),
    [("billing", "generations"), ("developer", "ledger"), ("viewer", "audit"), ("owner", "keys")],
)
def test_a_list_that_a_member_may_not_see_is_not_there(acme, sign_in, role, name):
    client = sign_in(acme, role)

    assert client.get(url("exports", acme) + f"?list={name}").status_code == 404
    assert ask(client, acme, list=name).status_code == 404
    assert not TenantExport.objects.exists()


def test_a_file_is_only_for_its_requester(acme, sign_in):
    developer, owner = sign_in(acme, "developer"), sign_in(acme)
    ask(developer, acme, list="generations")
    export = TenantExport.objects.get()
    made_ready(export)
    address = url("export", acme, export.public_id)

    assert f'href="{address}">Download' in words_of(developer.get(url("exports", acme)))
    assert "/7f3/c41/export.csv?" in developer.get(address)["Location"]
    assert owner.get(address).status_code == 404
    assert "No files yet" in words_of(owner.get(url("exports", acme)))
    assert address not in words_of(owner.get(url("settings", acme)))


def test_a_file_is_not_written_for_who_has_left_meanwhile(acme, sign_in):
    ask(sign_in(acme, "developer"), acme, list="generations")
    membership = Membership.objects.get(user=User.objects.get(email="developer@acme.example"))
    remove_member(membership=membership, actor="test")

    with pytest.raises(PermissionDenied):
        written(TenantExport.objects.get())


def test_one_list_at_a_time_and_ten_a_day_can_be_requested(acme, sign_in):
    client = sign_in(acme)
    ask(client, acme, list="ledger")
    again = ask(client, acme, list="ledger")
    made_ready(TenantExport.objects.get())
    for _ in range(9):
        ask(client, acme, list="ledger")
        made_ready(TenantExport.objects.get(ready_at=None))

    eleventh = ask(client, acme, list="ledger")
    long = ask(client, acme, list="ledger", q="x" * 4001)

    assert [one.status_code for one in (again, eleventh, long)] == [422, 422, 422]
    assert "A list that you asked for is already being made." in words_of(again)
    assert "At most 10 lists within 24 hours" in words_of(eleventh)


def test_a_page_that_refuses_follows_what_is_being_made(acme, sign_in):
    client = sign_in(acme)
    ask(client, acme, list="ledger")

    refused = ask(client, acme, list="generations", status="failed")

    (followed,) = re.findall(r'hx-get="([^"]*)" hx-trigger="every 3s"', words_of(refused))
    assert "request this one afterwards" in words_of(client.get(unescape(followed)))
    made_ready(TenantExport.objects.get())
    after = client.get(unescape(followed))
    assert after.status_code == 200
    assert "Make the file" in words_of(after)


def test_the_settings_lead_to_the_files(acme, sign_in):
    page = words_of(sign_in(acme).get(url("settings", acme)))

    assert f'<a href="{url("exports", acme)}">Exports</a>' in page


def test_nobody_waits_for_the_lists_of_others(acme, sign_in):
    client, other = sign_in(acme), PayingCustomer("other")

    asked = [
        ask(sign_in(acme, "viewer"), acme, list="generations"),
        client.post(url("export_ask", acme)),
        ask(client, acme, list="ledger"),
        ask(sign_in(other), other, list="ledger"),
    ]

    assert [one.status_code for one in asked] == [302, 302, 302, 302]
    assert TenantExport.objects.count() == 4
