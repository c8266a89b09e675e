"""A tenant's view of its audit log: sentences, and nothing internal."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.audit_log import audit_events_of, audit_page, author
from accounts.audit_words import AT_THE_SHELL, WORDS, readable, sentence
from accounts.models import AuditEvent, Membership, Subject, Tenant, User
from accounts.services import as_staff, record
from accounts.services.office.members import add_member, remove_member
from accounts.services.office.suspending import suspend
from accounts.services.office.tenants import create_tenant
from tests.stack.servers import ROOT

APPS = ("accounts", "billing", "generation", "storage", "webhooks", "platform")
WRITERS = {"record": 1, "change_columns": None}
"""Functions that write events, with the position of the action unless it is a keyword."""


@pytest.fixture
def acme(db: None) -> Tenant:
    return create_tenant(name="acme", actor="seed")


@pytest.fixture
def ann(db: None) -> User:
    """A member of our staff."""
    return User.objects.create_superuser("ann@pictor.example", "correct horse", name="Ann Bee")


def joined(tenant: Tenant, email: str) -> User:
    user = User.objects.create_user(email, "correct horse")
    add_member(tenant=tenant, user=user, role=Membership.Role.OWNER, actor="seed")
    return user


def done(tenant: Tenant, actor: User | str, *, of_staff: bool = False) -> None:
    staffs = as_staff.set(of_staff)
    record(tenant.audited, "tenant.title", actor=actor, after={"title": "x"}, ip="203.0.113.9")
    as_staff.reset(staffs)


def test_members_are_named_and_we_are_pictor(acme, ann):
    own, gone = joined(acme, "own@acme.example"), joined(acme, "gone@acme.example")
    remove_member(membership=Membership.objects.get(user=gone), actor=own)
    start = AuditEvent.objects.latest("id").pk
    for actor in (own, gone, ann, "manage.py", "API key key_x"):
        done(acme, actor, of_staff=actor == ann)

    events = [one for one in audit_page(acme.id, limit=9) if one.pk > start]
    kept = [row for row in audit_events_of(acme.id) if row["id"] > start]

    names = [
        *("own@acme.example", "gone@acme.example", "Pictor support (Ann)", "Pictor"),
        "API key key_x",
    ]
    assert [author(event) for event in reversed(events)] == names
    assert [row["by"] for row in kept] == names
    assert [row["ip"] is not None for row in kept] == [True, True, False, False, True]


def test_a_member_of_staff_and_of_the_tenant_is_who_acts(acme, ann):
    add_member(tenant=acme, user=ann, role=Membership.Role.OWNER, actor="seed")

    done(acme, ann)
    done(acme, ann, of_staff=True)

    newest, before = audit_page(acme.id, limit=2)
    assert [author(before), author(newest)] == ["ann@pictor.example", "Pictor support (Ann)"]
    (found,) = audit_page(acme.id, who="ann@pictor.example", limit=9)
    assert found.pk == before.pk
    assert [row["by"] for row in audit_events_of(acme.id)][-2:] == [author(before), author(newest)]


def test_an_event_of_the_release_before_is_read_by_membership(acme, ann):
    own = joined(acme, "own@acme.example")
    about = acme.audited
    for actor in (own, ann, None):
        AuditEvent.objects.create(
            tenant=acme, actor=actor, actor_name=str(actor or "manage.py"), action="tenant.title",
            object_type=about.type, object_id=about.id,
        )  # fmt: skip

    events = audit_page(acme.id, action="tenant.title", limit=9)

    assert [author(event) for event in reversed(events)] == [
        "own@acme.example", "Pictor support (Ann)", "Pictor"
    ]  # fmt: skip


def test_a_staff_member_without_a_name_is_pictor_support(acme, ann):
    User.objects.filter(pk=ann.pk).update(name="")
    done(acme, ann, of_staff=True)

    (newest,) = audit_page(acme.id, limit=1)

    assert author(newest) == "Pictor support"


@pytest.mark.parametrize(
    ("who", "number"),
    [
        ("own@acme.example", 1),
        ("Pictor", 1),
        ("Pictor support", 1),
        ("Pictor support (Ann)", 1),
        ("Pictor support (Bob)", 0),
        ("Pictor support (An)", 0),
        ("Pictor support (Ann B)", 0),
        ("Pictor support (Ann Bee)", 0),
        ("Pictor support (", 0),
        ("API key key_x", 1),
        ("ann@pictor.example", 0),
        ("manage.py", 0),
    ],
)
def test_nobody_finds_us_by_what_they_do_not_read(acme, ann, who, number):
    for actor in (joined(acme, "own@acme.example"), ann, "manage.py", "API key key_x"):
        done(acme, actor, of_staff=actor == ann)

    assert len(audit_page(acme.id, action="tenant.title", who=who, limit=9)) == number


def test_our_reasons_are_not_the_tenants_to_read(acme, ann):
    about = Subject("transfer", "1", acme.id)
    staffs = as_staff.set(True)
    record(about, "balance.credit", actor=ann, after={"available_micros": 5, "reason": "he lies"})
    suspend(tenant=acme, words="card refused", actor=ann)
    as_staff.reset(staffs)

    kept = list(audit_events_of(acme.id))

    assert "he lies" not in json.dumps(kept, default=str)
    assert "ann@pictor.example" not in json.dumps(kept, default=str)
    assert (kept[-2]["action"], kept[-2]["after"]) == ("gave a credit", {"available_micros": 5})
    assert kept[-1]["action"] == "suspended the workspace"
    assert kept[-1]["after"] == {"status": "suspended", "reason": "card refused"}


@pytest.mark.parametrize(
    ("action", "before", "after", "words"),
    [
        ("member.set", None, {"role": "viewer"}, "added bob as a member"),
        ("member.set", {"role": "viewer"}, {"role": "admin"}, "changed the role of bob"),
        ("tenant.status", {}, {"status": "active"}, "resumed the workspace"),
        ("support.open", None, {"reason": "{ticket} 7"}, "opened a support view: {ticket} 7"),
        ("robot.paint_all", None, None, "did: robot, paint all"),
    ],
)
def test_an_event_is_a_sentence(action, before, after, words):
    assert sentence(action, "bob", before=before, after=after) == words


def test_a_name_with_braces_is_no_template():
    assert sentence("api_key.issue", "{0}{x}", before=None, after={}) == "created the key {0}{x}"


def test_nothing_is_made_of_no_values():
    assert readable("balance.credit", None) is None


def test_every_action_that_is_written_has_a_sentence():
    found = sorted(set(actions()))

    assert len(found) > 70
    assert [one for one in found if one not in WORDS] == []


def actions() -> Iterator[str]:
    """Actions of every event that our code writes."""
    for path in sorted(one for app in APPS for one in (ROOT / app).rglob("*.py")):
        if "migrations" in path.parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = dict(constants(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node.func) in WRITERS:
                yield from written(node, names, tree)


def constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """String constants of the module, by name."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                    yield target.id, node.value.value


def written(call: ast.Call, names: dict[str, str], tree: ast.Module) -> Iterator[str]:
    """Actions that a call may write; for a passed-in action, those of the callers."""
    position = WRITERS[name_of(call.func)]
    said: Any = next((keyword.value for keyword in call.keywords if keyword.arg == "action"), None)
    if said is None and position is not None:
        said = call.args[position]
    match said:
        case ast.Constant(value=str(action)):
            yield action
        case ast.Name(id=name) if name in names:
            yield names[name]
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]):
            endings = [word for word in WORDS if word.startswith(start)]
            assert endings, f"no words for {start}…"
            yield from endings
        case _:
            yield from passed(tree)


def passed(tree: ast.Module) -> Iterator[str]:
    """Every string of the module that could be an action."""
    for node in ast.walk(tree):
        said = node.value if isinstance(node, ast.Constant) else None
        if (
            isinstance(said, str)
            and said != AT_THE_SHELL
            and re.fullmatch(r"[a-z_]+\.[a-z_]+", said)
        ):
            yield said


def name_of(called: ast.expr) -> str:
    return called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
