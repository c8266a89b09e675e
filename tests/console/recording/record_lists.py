"""Records every list of both consoles as text: what a change of their code leaves as it is.

    RECORD=before python -m pytest -p no:randomly tests/console/recording/record_lists.py

writes a file for each list. Made again after a change and compared by `diff -r`, they show what
somebody at the page or with its CSV would see otherwise, and how many queries it takes.
"""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.console.answers import csv_of
from tests.console.recording.conftest import record, staff_of
from tests.console.recording.frozen import masked
from tests.console.recording.reading import lines_in
from tests.console.recording.rows import customer_of
from tests.console.workspace.conftest import signed_in

MODES = ("mode=live", "mode=test", "mode=demo")
LISTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "overview": ("/ops/", (*MODES, "show=quiet")),
    "generations": (
        "/ops/generations/",
        (
            *(f"{mode}&tenant={tenant}" for mode in MODES for tenant in ("{acme}", "{demo}")),
            "tenant={acme}&model=gpt-image-2-origin",
            "tenant={acme}&size=1024x1024",
            "tenant={acme}&quality=medium",
            "tenant={acme}&channel=one",
            "tenant={acme}&class=delivered",
            "tenant={acme}&state=failed",
            "tenant={acme}&code=timeout",
            "tenant={acme}&period=7d",
            "tenant={acme}&loss=1",
            "tenant={acme}&late=1",
            "period=7d",
            "tenant=nobody",
        ),
    ),
    "refused requests": (
        "/ops/requests/",
        (*MODES, "tenant={acme}", "code=invalid_size", "period=24h", "code=x", "tenant=nobody"),
    ),
    "audit": (
        "/ops/audit/",
        (
            "action=tenant.title",
            "who=test",
            "tenant={acme}",
            "about={acme}",
            "period=7d",
            "period=x",
            "tenant=nobody",
        ),
    ),
    "bills": ("/ops/reconciliation/", (*MODES, "channel={channel}", "channel=0")),
    "bill lines": (
        "/ops/reconciliation/{bill}/",
        ("list=matched", "list=theirs", "list=ours", "list=differs", "list=x"),
    ),
    "tenants": (
        "/ops/tenants/",
        ("q=shop", "show=low", "show=failing", "show=suspended", "show=x", *MODES),
    ),
    "channels": ("/ops/channels/", (*MODES, "model={model}", "show=down", "show=archived")),
    "channel history": ("/ops/channels/{channel}/", ("tab=history", "tab=costs", "tab=errors")),
    "models": ("/ops/models/", (*MODES, "show=off", "show=losing", "show=x")),
    "margin": ("/ops/margin/", (*MODES, "by=channel", "by=tenant", "by=cell", "which=losing")),
    "uncharged costs": (
        "/ops/margin/uncharged/",
        ("tenant={acme}", "reason=unknown", "reason=x", "tenant=nobody"),
    ),
    "prices": ("/ops/prices/", ("q=list", "show=draft", "show=scheduled", "show=past", "show=x")),
    "price lists": ("/ops/prices/lists/", ()),
    "price list": ("/ops/prices/lists/{shared}/", ("tenant={acme}",)),
    "price review": ("/ops/prices/{draft}/review/", ()),
    "own prices": ("/ops/tenants/{acme}/prices/", ()),
    "incidents": ("/ops/incidents/", ("kind=maintenance", "kind=incident", "part=API", "part=x")),
    "alert rules": ("/ops/alerts/", ("show=removed",)),
    "alerts sent": ("/ops/alerts/sent/", ()),
    "alert": ("/ops/alerts/{rule}/", ()),
    "ledger": (
        "/ops/ledger/",
        ("tenant={acme}", "kind=capture", "period=7d", "q={generation}", "kind=x", "tenant=nobody"),
    ),
    "moves": ("/ops/moves/", ()),
    "staff": ("/ops/staff/", ()),
    "workers": ("/ops/system/workers/", ()),
    "system": ("/ops/system/", MODES),
    "support": ("/ops/tenants/{acme}/support/", ()),
    "tenant": ("/ops/tenants/{acme}/", ()),
}
"""Each of the operators' lists: its address, and queries that narrow it."""
WORKSPACE: dict[str, tuple[str, tuple[str, ...]]] = {
    "generations": (
        "generations/",
        ("mode=test", "status=failed", "model=gpt-image-2-origin", "period=7d"),
    ),
    "audit": ("audit/", ("what=keys", "period=7d")),
    "ledger": ("billing/ledger/", ()),
    "statements": ("billing/statements/", ()),
    "statement": ("billing/statements/2026-11/", ()),
    "usage": ("usage/", ("mode=test", "by=key", "by=channel", "period=7d")),
    "keys": ("keys/", ()),
    "webhooks": ("webhooks/", ()),
    "deliveries": ("webhooks/{endpoint}/", ()),
    "members": ("members/", ()),
    "exports": ("exports/", ()),
}
"""Each of a workspace's lists: its address below the workspace, and queries."""
ROLES = ("owner", "operator", "finance", "support")
MEMBERS = ("owner", "admin", "developer", "viewer")


def recorded(client: Client, path: str) -> str:
    """Status, queries, and the text of a page or a CSV."""
    client.get(path)  # so that each process's own copies are there
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    text = csv_of(answer) if answer.streaming else lines_in(answer.content.decode())
    return f"== {path}\n{answer.status_code}, {len(queries)} queries\n{masked(text)}"


def every_page(client: Client, path: str, queries: tuple[str, ...]) -> Iterator[str]:
    """The list as it is and narrowed, each with its second page and its CSV."""
    for query in ("", *queries):
        yield recorded(client, f"{path}?{query}")
        yield recorded(client, f"{path}?{query}&format=csv")
        answer = client.get(f"{path}?{query}")
        if older := link_of(answer.content.decode(), "Older"):
            yield recorded(client, f"{path}{older}")


def link_of(html: str, words: str) -> str:
    before, found, _ = html.rpartition(f">{words}")
    return before.rpartition('href="')[2].partition('"')[0].replace("&amp;", "&") if found else ""


@pytest.mark.parametrize("name", LISTS)
def test_record_of_an_operators_list(name, named):
    path, queries = LISTS[name]
    path, queries = path.format(**named), tuple(one.format(**named) for one in queries)
    with record(f"ops {name}") as lines:
        seen = [*every_page(staff_of("owner"), path, queries)]
        lines.extend(seen)
        for role in ROLES[1:]:
            for mine, theirs in zip(seen, every_page(staff_of(role), path, queries), strict=False):
                lines.append(f"-- {role}: " + ("as an owner" if mine == theirs else theirs))


@pytest.mark.parametrize("name", WORKSPACE)
def test_record_of_a_tenants_list(name, named):
    path, queries = WORKSPACE[name]
    acme = customer_of(named["acme"])
    path = f"/console/{acme.tenant.public_id}/{path.format(**named)}"
    with record(f"workspace {name}") as lines:
        seen = [*every_page(signed_in(acme, "owner"), path, queries)]
        lines.extend(seen)
        for role in MEMBERS[1:]:
            theirs_of = every_page(signed_in(acme, role), path, queries)
            for mine, theirs in zip(seen, theirs_of, strict=False):
                lines.append(f"-- {role}: " + ("as an owner" if mine == theirs else theirs))
