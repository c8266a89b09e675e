"""Heads kept outside show a ledger that was rewritten with the ledger key."""

from uuid import UUID

import pytest
from django.db import connection

from billing.selectors.office.chain import TransferRange, links
from billing.selectors.office.heads import Heads, head_findings, heads_before
from billing.selectors.office.ledger import ledger_findings
from billing.signed_heads import BadHead, read_signed, sign
from pictor.kit.words import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(acme):
    acme.end(acme.hold(1_000_000), 400_000)
    text = sign(heads_before(clock.now()))
    acme.end(acme.hold(5), 5)
    return text


def rewrite_with_the_key(tenant: UUID) -> None:
    """Change the reason of a gift and make every later seal again."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_transfer DISABLE TRIGGER USER")
        cursor.execute("UPDATE billing_transfer SET reason = 'other' WHERE seq = 1")
        whole = [TransferRange(tenant)]
        while broken := [link for link in links(whole) if link.carried != link.computed]:
            values = (broken[0].computed, broken[0].transfer_id)
            cursor.execute("UPDATE billing_transfer SET seal = %s WHERE id = %s", values)
        last = [link.seal for link in links(whole)][-1]
        cursor.execute("UPDATE billing_tenantbalance SET seal = %s", [last])


def test_a_ledger_that_went_on_honestly_fits_a_kept_head(kept):
    assert head_findings(read_signed(kept)) == []


def test_a_rewriting_with_the_key_is_seen_by_who_kept_a_head(acme, kept):
    rewrite_with_the_key(acme.id)

    assert ledger_findings() == []
    (finding,) = head_findings(read_signed(kept))
    assert (finding.check, finding.tenant) == ("kept head", acme.tenant.public_id)
    assert finding.message == "transfer 4 and those before it differ from the kept head"


def test_a_changed_file_is_no_head(kept):
    with pytest.raises(BadHead, match="signature"):
        read_signed(kept.replace('"version": 1', '"version": 2'))
    with pytest.raises(BadHead):
        read_signed("[]")


def test_a_head_reads_back_as_it_was(kept):
    heads = read_signed(kept)

    assert Heads.from_json(heads.as_json()) == heads
