"""The audit log's chain: written by many at once, and the changes that break it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts.audit_chain import audit_head, audit_problems, audit_seal_at
from accounts.models import AuditEvent, AuditLink, Subject
from accounts.services import link_events, link_older_events, record
from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.tenants import create_tenant
from pictor.kit.words import clock

pytestmark = pytest.mark.django_db(transaction=True)


def write(name: str, **values: object) -> AuditEvent:
    with transaction.atomic():
        return record(Subject("thing", name), "a.b", actor="test", after=values or None)


def tamper(sql: str) -> None:
    with connection.cursor() as cursor:
        for table in ("accounts_auditevent", "accounts_auditlink"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(sql)
        for table in ("accounts_auditevent", "accounts_auditlink"):
            cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")


def problems() -> list[str]:
    return [problem.message for problem in audit_problems(clock.now())]


@pytest.fixture
def log():
    """Three events, linked."""
    return [write("one", n=1), write("two", text="ä|b", nested={"b": [1, None], "a": 1.5}),
            write("three")]  # fmt: skip


def test_events_are_linked_in_order_once_they_are_committed(log):
    links = AuditLink.objects.order_by("seq").values_list("seq", "event_id")

    assert list(links) == [(1, log[0].id), (2, log[1].id), (3, log[2].id)]
    assert audit_head(clock.now())[0] == 3
    assert problems() == []


def test_a_day_s_head_is_the_last_link_before_anything_later(log):
    of_the_day = audit_head(log[2].at)

    write("late")

    assert of_the_day == audit_head(log[2].at)
    assert of_the_day == (2, audit_seal_at(2))
    assert audit_head(log[0].at)[0] == 0


def test_an_event_rolled_back_is_not_linked(log):
    with transaction.atomic():
        write("four")
        transaction.set_rollback(True)

    assert audit_head(clock.now())[0] == 3


@pytest.mark.usefixtures("patient_connections")
def test_many_that_write_at_once_make_one_chain():
    tenant = create_tenant(name="acme", actor="test")
    together = threading.Barrier(8)

    def issue(index: int) -> None:
        try:
            together.wait(10)
            with transaction.atomic():
                for part in range(3):
                    issue_api_key(tenant=tenant, name=f"{index} {part}", actor="test", ip="::1")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(issue, index) for index in range(8)]:
            done.result(30)

    assert audit_head(clock.now())[0] == AuditEvent.objects.count() == 25
    assert problems() == []


def test_an_event_whose_process_died_before_it_was_linked_is_linked_later(log, monkeypatch):
    monkeypatch.setattr("accounts.services.audit.link_events", lambda **_: None)
    lost = write("lost")
    assert problems() == []
    assert [p.message for p in audit_problems(clock.now() + timedelta(hours=3))][-1] == (
        "is not in the chain"
    )

    assert link_events() == 1

    assert AuditLink.objects.get(seq=4).event_id == lost.id


def test_an_event_committed_after_a_thousand_others_is_linked_hourly(log, monkeypatch):
    monkeypatch.setattr("accounts.services.audit._LATECOMERS", 0)
    with monkeypatch.context() as patch:
        patch.setattr("accounts.services.audit.link_events", lambda **_: None)
        late = write("late")
    last = AuditLink.objects.order_by("-seq").first()
    assert last is not None
    monkeypatch.setattr("accounts.services.audit._LATECOMERS", last.event_id - late.id - 1)

    assert (link_events(), link_events(every=True)) == (0, 1)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "UPDATE accounts_auditevent SET actor_name = 'x' WHERE object_id = 'two'",
            "was written or changed without the key",
        ),
        (
            "UPDATE accounts_auditevent SET after = NULL, seal = NULL WHERE object_id = 'one'",
            "was written or changed without the key",
        ),
        (
            (
                "DELETE FROM accounts_auditlink WHERE seq = 2;"
                "DELETE FROM accounts_auditevent WHERE object_id = 'two'"
            ),
            "link 2 is missing",
        ),
        (
            (
                "INSERT INTO accounts_auditevent (actor_name, action, object_type, object_id)"
                " VALUES ('x', 'a.b', 'thing', 'forged')"
            ),
            "has no seal: forged, or older than the chain (manage.py ledger_seal)",
        ),
        (
            (
                "INSERT INTO accounts_auditevent (actor_name, action, object_type, object_id, seal)"
                " VALUES ('x', 'a.b', 'thing', 'forged', sha256('guessed'))"
            ),
            "was written or changed without the key",
        ),
        (
            (
                "INSERT INTO accounts_auditevent (actor_name, action, object_type, object_id, at,"
                " seal) SELECT actor_name, action, object_type, object_id, at, seal"
                " FROM accounts_auditevent WHERE object_id = 'three'"
            ),
            "the event appears 2 times",
        ),
        (
            "UPDATE accounts_auditlink SET seq = 9 - seq WHERE seq < 3",
            "was written or changed without the key",
        ),
    ],
)
def test_a_changed_event_or_link_is_named(log, sql, message):
    tamper(sql)

    assert message in problems()


def test_a_forged_event_is_never_linked(log):
    tamper(
        "INSERT INTO accounts_auditevent (actor_name, action, object_type, object_id, seal)"
        " VALUES ('x', 'a.b', 'thing', 'forged', sha256('guessed'))"
    )

    assert link_events() == 0


def test_older_events_are_taken_in_as_they_are(log):
    tamper(
        "DELETE FROM accounts_auditlink; UPDATE accounts_auditevent SET seal = NULL"
        " WHERE object_id <> 'three'"
    )

    assert (link_older_events(), link_events(), link_events()) == (2, 1, 0)

    assert problems() == []
    tamper("UPDATE accounts_auditevent SET action = 'x' WHERE object_id = 'one'")
    assert problems() == ["was written or changed without the key"]
