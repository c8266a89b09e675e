"""Staff's notes to changes appear nowhere for tenants: not in log, CSV files or export."""

from io import BytesIO
from zipfile import ZipFile

import pytest
from django.test import Client

from accounts.models import AuditEvent
from accounts.services import record
from accounts.services.office.personal_data import write_export
from accounts.services.office.suspending import suspend
from billing.selectors.office.ledger import ledger_findings
from billing.services.office import accounts
from billing.services.office.accounts import adjust, book_payment, credit, reverse
from pictor.kit.words.money import Micros
from tests.console.answers import lines_of, words_of
from tests.console.workspace.conftest import url
from tests.making.factories import PayingCustomer

NOTE = "they are about to leave us"


def everything_read(acme: PayingCustomer, client: Client) -> str:
    """Everything that the tenant's owner can read of its money and its log."""
    pages = "".join(words_of(client.get(url(page, acme))) for page in ("billing", "audit"))
    lists = [lines_of(client.get(url(page, acme) + "?format=csv")) for page in ("ledger", "audit")]
    archive = BytesIO()
    write_export(tenant=acme.tenant, file=archive)
    with ZipFile(archive) as made:
        tables = b"".join(made.read(name) for name in made.namelist() if name.endswith(".jsonl"))
    return f"{pages} {lists} {tables.decode()}"


@pytest.mark.usefixtures("pages")
def test_a_tenant_reads_the_words_and_not_the_note(acme, sign_in):
    told = {"tenant_id": acme.id, "actor": "test", "note": NOTE}
    book_payment(**told, amount=Micros(9_000_000), reason="INV-1")
    credit(**told, amount=Micros(8_000_000), reason="for the outage")
    adjust(**told, amount=Micros(-5), reason="rounded wrongly")
    reverse(**told, seq=2, reason="it was another INV-1", amount=Micros(7_000_000))
    suspend(tenant=acme.tenant, words="unpaid since May", note=NOTE, actor="test")

    read = everything_read(acme, sign_in(acme))

    said = ("INV-1", "for the outage", "rounded wrongly", "it was another", "since May")
    assert [words for words in said if words not in read] == []
    assert NOTE not in read
    assert ledger_findings() == []


def as_before(about, action, *, after, **said):
    """Record an event as it was written before notes were kept apart."""
    former = {"reason" if name == "words" else name: value for name, value in after.items()}
    return record(about, action, after=former, **said)


@pytest.mark.usefixtures("pages")
def test_notes_kept_in_the_former_place_are_not_shown(acme, sign_in, monkeypatch):
    monkeypatch.setattr(accounts, "note_seal", lambda **_: None)
    monkeypatch.setattr(accounts, "record", as_before)
    credit(tenant_id=acme.id, amount=Micros(1_000_000), reason=NOTE, actor="manage.py")
    book_payment(tenant_id=acme.id, amount=Micros(2_000_000), reason="INV-7", actor="manage.py")

    read = everything_read(acme, sign_in(acme))

    assert ("INV-7" in read, "gave a credit" in read) == (True, True)
    assert NOTE not in read
    assert AuditEvent.objects.filter(after__reason=NOTE).exists()
    assert ledger_findings() == []
