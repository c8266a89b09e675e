"""Exports of a tenant: requested, made despite crashes, available for a day, then deleted."""

import json
import shutil
from datetime import timedelta
from io import BytesIO
from itertools import chain, repeat
from zipfile import ZipFile

import httpx
import psycopg
import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from accounts.audit_log import audit_events_of
from accounts.models import AuditEvent, Mail, Membership, User
from accounts.services.office.erasure import erase_tenant
from accounts.services.office.members import add_member
from accounts.services.office.personal_data import write_export
from pictor.kit.words import clock
from storage import backends, exports
from storage.backends import bucket
from storage.exports import ask_for_export, delete_old, export_url, make_due
from storage.models import TenantExport
from tests.making.acting import at_ops
from tests.making.factories import PayingCustomer
from tests.making.seeds import sow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3")]
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def acme(s3):
    bucket.delete_many(objects())
    sow()
    return PayingCustomer("acme")


@pytest.fixture
def ann(acme):
    user = User.objects.create(email="ann@example.com")
    add_member(tenant=acme.tenant, user=user, role=Membership.Role.OWNER, actor="test")
    return user


@pytest.fixture
def ask(acme, ann):
    def asked(now=None):
        return ask_for_export(
            tenant=acme.tenant,
            user=ann,
            page_url="https://pictor.example/console/settings/",
            now=now or clock.now(),
        )

    return asked


def objects() -> list[str]:
    return [name for page in bucket.names_under("exports/", before="f") for name in page]


def test_an_export_is_made_mailed_and_handed_out(acme, ask):
    export = ask()

    assert make_due(now=clock.now()) == 1

    export.refresh_from_db()
    answer = httpx.get(export_url(export), trust_env=False)
    assert answer.headers["content-disposition"].startswith('attachment; filename="pictor-export-')
    assert answer.headers["cache-control"] == "private, no-store"
    assert len(answer.content) == export.size_bytes
    with ZipFile(BytesIO(answer.content)) as archive:
        (tenant,) = archive.read("tenant.jsonl").splitlines()
        assert {"members.jsonl", "transfers.jsonl"} <= set(archive.namelist())
    assert json.loads(tenant)["name"] == "acme"
    mail = Mail.objects.get()
    assert (mail.to, mail.subject) == ("ann@example.com", "The export of “acme” is ready")
    assert "requested by you is ready" in mail.text
    assert "https://pictor.example/console/settings/" in mail.text
    actions = AuditEvent.objects.filter(action__startswith="tenant.export").order_by("id")
    assert [(action.action, action.actor_name) for action in actions] == [
        ("tenant.export_ask", "ann@example.com"),
        ("tenant.export", "ann@example.com"),
    ]
    assert make_due(now=clock.now()) == 0


def test_an_export_requested_by_staff_is_mailed_to_members_who_may_download_it(acme, ann):
    del ann
    bob = User.objects.create(email="bob@pictor.example", staff_role="operator", name="Bob Bee")
    add_member(tenant=acme.tenant, user=bob, role=Membership.Role.VIEWER, actor="test")
    with at_ops():
        ask_for_export(tenant=acme.tenant, user=bob, page_url="https://x.example/", now=clock.now())

    make_due(now=clock.now())

    mail = Mail.objects.get()
    assert mail.to == "ann@example.com"
    assert "requested by Pictor support (Bob) is ready" in mail.text
    assert "bob@" not in mail.text + mail.html
    by = {row["action"]: row["by"] for row in audit_events_of(acme.tenant.id)}
    assert by["asked for an export"] == "Pictor support (Bob)"
    assert by["exported the workspace's data"] == "Pictor support (Bob)"


def test_an_export_that_nobody_could_download_is_refused(acme):
    bob = User.objects.create(email="bob@pictor.example", staff_role="operator")
    eve = User.objects.create(email="eve@example.com")
    add_member(tenant=acme.tenant, user=eve, role=Membership.Role.BILLING, actor="test")

    with pytest.raises(ValidationError, match="It has no owner or admin yet"):
        ask_for_export(tenant=acme.tenant, user=bob, page_url="https://x.example/", now=clock.now())


def test_one_export_at_a_time_and_three_a_day_are_made(ask):
    now = clock.now()
    for _ in range(3):
        ask(now)
        with pytest.raises(ValidationError, match="already being made"):
            ask(now)
        make_due(now=now)

    with pytest.raises(ValidationError, match="At most 3 exports within 24 hours"):
        ask(now + 23 * HOUR)
    ask(now + 25 * HOUR)


def test_a_list_is_made_mailed_and_handed_out(acme, ann):
    export = ask_for_export(
        tenant=acme.tenant,
        user=ann,
        page_url="https://pictor.example/console/exports/",
        now=clock.now(),
        list_name="ledger",
    )

    assert make_due(now=clock.now()) == 1

    export.refresh_from_db()
    answer = httpx.get(export_url(export), trust_env=False)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="pictor-ledger-')
    assert len(answer.content) == export.size_bytes
    assert answer.content.decode().startswith("\ufeffseq,at,kind,amount,currency")
    mail = Mail.objects.get()
    assert mail.subject == "The list “ledger” of “acme” is ready"
    assert "https://pictor.example/console/exports/" in mail.text


def test_a_list_of_who_has_left_is_given_up_at_once(acme, ann):
    now = clock.now()
    asked = {"tenant": acme.tenant, "user": ann, "page_url": "/", "now": now, "list_name": "ledger"}
    export = ask_for_export(**asked)
    Membership.objects.filter(user=ann).delete()

    assert make_due(now=now) == 0

    export.refresh_from_db()
    assert (export.attempts, export.is_being_made, export.ready_at) == (1, False, None)


class KilledError(BaseException):
    """The end of a process."""


def die(**_):
    raise KilledError


def test_an_export_starts_over_when_its_worker_dies(ask, monkeypatch):
    export, now = ask(), clock.now()
    with monkeypatch.context() as patch:
        patch.setattr(exports, "write_export", die)
        with pytest.raises(KilledError):
            make_due(now=now)

    assert make_due(now=now + MINUTE) == 0  # it could still be at work
    assert make_due(now=now + 3 * MINUTE) == 1
    export.refresh_from_db()
    assert (export.attempts, export.is_being_made) == (2, False)


def test_an_export_that_was_cut_off_twice_fails_and_says_so(ask, monkeypatch):
    export, now = ask(), clock.now()
    monkeypatch.setattr(exports, "write_export", die)
    for minutes in (0, 3):
        with pytest.raises(KilledError):
            make_due(now=now + minutes * MINUTE)

    assert make_due(now=now + 6 * MINUTE) == 0

    export.refresh_from_db()
    assert (export.attempts, export.failed_at) == (2, now + 6 * MINUTE)
    assert export.failure == "it was cut off twice while its file was written"
    mail = Mail.objects.get()
    assert "could not be made: it was cut off twice while its file was written." in mail.text


@pytest.mark.django_db(transaction=True)
def test_an_export_whose_refusal_the_database_did_not_take_was_not_cut_off(ask, monkeypatch):
    export, now = ask(), clock.now()
    with psycopg.connect(**connection.get_connection_params()) as other:

        def lock_it_and_fail(**_):
            other.execute("SELECT 1 FROM storage_tenantexport FOR UPDATE")
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '10ms'")
            raise OSError

        with monkeypatch.context() as patch:
            patch.setattr(exports, "write_export", lock_it_and_fail)
            make_due(now=now)
    connection.close()  # with its short time-out
    export.refresh_from_db()
    assert export.cut_off == 1

    assert make_due(now=now) == 0

    export.refresh_from_db()
    assert (export.is_being_made, export.cut_off) == (True, 0)


def test_an_export_fails_after_five_attempts_and_a_mail_says_so(ask, s3):
    export, now = ask(), clock.now()
    s3.stop()

    made = [make_due(now=now + number * 2 * HOUR) for number in range(6)]

    s3.start()
    assert made == [0] * 6
    export.refresh_from_db()
    assert (export.attempts, export.failed_at) == (5, now + 10 * HOUR)
    assert export.failure == "storage, disk or database refused it 5 times"
    assert Mail.objects.get().subject == "The export of “acme” could not be made"
    ask(now + 10 * HOUR)


def cancel_the_statement(**_):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', '1', true)")
        cursor.execute("SELECT pg_sleep(5)")


def end_the_connection(**_):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("failing", [cancel_the_statement, end_the_connection])
def test_the_database_fails_and_it_waits_and_keeps_nobody_waiting(ask, monkeypatch, failing):
    export = ask()
    TenantExport.objects.update(attempts=2)
    theirs = PayingCustomer("other").tenant
    add_member(tenant=theirs, user=export.asked_by, role=Membership.Role.OWNER, actor="test")
    other = ask_for_export(tenant=theirs, user=export.asked_by, page_url="/", now=clock.now())
    writers = {export.tenant_id: failing, other.tenant_id: write_export}
    monkeypatch.setattr(
        exports, "write_export", lambda tenant, file: writers[tenant.id](tenant=tenant, file=file)
    )

    assert make_due(now=clock.now()) == 1

    export.refresh_from_db()
    other.refresh_from_db()
    assert (export.attempts, export.cut_off, export.is_being_made) == (3, 0, True)
    assert export.due_at > clock.now() + 19 * MINUTE
    assert other.ready_at is not None


def test_a_disk_that_fills_up_meanwhile_ends_it(ask, monkeypatch):
    export, free = ask(), chain([2**40] * 2, repeat(exports.LEAST_FREE_BYTES))
    monkeypatch.setattr(exports, "LOOK_BYTES", 1)
    usage = shutil.disk_usage(".")._replace
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(free=next(free)))

    assert make_due(now=clock.now()) == 0

    export.refresh_from_db()
    assert (export.attempts, export.is_being_made) == (1, True)
    assert export.due_at > clock.now()


def test_an_export_is_deleted_a_day_after_it_is_ready(ask):
    export = ask()
    make_due(now=clock.now())
    ready_at = TenantExport.objects.get().ready_at
    assert ready_at is not None

    delete_old(now=ready_at + 23 * HOUR)
    assert len(objects()) == 1
    delete_old(now=ready_at + 24 * HOUR)

    assert objects() == []
    assert not TenantExport.objects.filter(id=export.id).exists()


def test_an_export_is_found_and_erased_after_a_change_of_the_secret(acme, ask, settings):
    export = ask()
    make_due(now=clock.now())
    settings.OBJECT_KEY_SECRET = "another"

    export.refresh_from_db()
    answer = httpx.get(export_url(export), trust_env=False)
    erase_tenant(tenant=acme.tenant, confirmation="acme", actor="test", now=clock.now())

    assert (answer.status_code, len(answer.content)) == (200, export.size_bytes)
    assert objects() == []


def test_an_object_whose_row_is_lost_is_gone_after_three_days(ask):
    ask()
    make_due(now=clock.now())
    TenantExport.objects.all().delete()

    delete_old(now=clock.now() + timedelta(days=2))
    assert len(objects()) == 1
    delete_old(now=clock.now() + timedelta(days=3))

    assert objects() == []


def test_an_erased_tenant_has_no_exports(acme, ask):
    ask()
    make_due(now=clock.now())
    ask()

    erase_tenant(tenant=acme.tenant, confirmation="acme", actor="test", now=clock.now())

    assert objects() == []
    assert not TenantExport.objects.exists()


def test_an_export_made_during_the_erasure_does_not_stay(acme, ask, monkeypatch):
    def write_late(*, tenant, file):
        file.write(b"all that was kept")
        erase_tenant(tenant=tenant, confirmation="acme", actor="test", now=clock.now())

    monkeypatch.setattr(exports, "write_export", write_late)
    ask()

    assert make_due(now=clock.now()) == 0

    assert objects() == []
    assert not Mail.objects.exists()


def test_a_file_beyond_what_a_request_takes_goes_in_parts(tmp_path, monkeypatch):
    five = 5 * 1024**2
    monkeypatch.setattr(backends, "ONE_REQUEST_BYTES", five)
    monkeypatch.setattr(backends, "PART_BYTES", five)
    data = bytes(range(256)) * 45_000
    path = tmp_path / "large"
    path.write_bytes(data)

    with path.open("rb") as file:
        bucket.put_file("exports/large", file, content_type="application/zip")

    with bucket.open("exports/large") as stored:
        assert stored.read() == data
    bucket.delete("exports/large")
