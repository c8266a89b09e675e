"""The ledger's page: its checks, its transfers by any id, each with its seal."""

import re
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from io import StringIO
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Tenant
from accounts.services.office.tenants import backdate_tenant
from billing.models import LedgerHead, LedgerProof, Transfer
from billing.selectors.office import transfers
from billing.selectors.office.findings import Finding
from billing.selectors.office.transfers import TransferFilter, transfers_like
from billing.services import CorrectedAttempt, correct_cost
from billing.services.office import card_money
from billing.services.office.accounts import book_payment, reverse, top_up
from billing.services.office.proofs import alone, record_proof
from billing.signed_heads import read_signed
from billing.upstream_cost import Cost, CostSource
from console.ops.ledger import pages
from generation import tasks
from generation.lifecycle.attempts import end_attempt
from generation.lifecycle.outcome import AttemptEnd
from generation.models import Attempt, Generation
from generation.oversight.ledger import kept_heads, proof, rounds
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.console.answers import lines_of, said_by
from tests.making.factories import PayingCustomer, begun, make_channel, make_worker, take
from tests.making.seeds import sow

COST = Cost(Micros(30_000), CostSource.FLAT)
WHOLE, SINCE = LedgerProof.Kind.WHOLE, LedgerProof.Kind.SINCE_CHECKPOINT


@pytest.fixture
def acme(db: None) -> PayingCustomer:
    return PayingCustomer("acme", balance=10_000_000)


@pytest.fixture
def prompt(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tasks rung for; a proof runs in the test's own transaction."""
    for module in (rounds, proof):
        monkeypatch.setattr(module, "in_one_snapshot", lambda read: read())
    rung: list[str] = []
    monkeypatch.setattr(pages, "ring", lambda task, _asked_at: rung.append(task))
    return rung


@pytest.fixture
def lost(acme: PayingCustomer) -> Generation:
    """A generation whose failed call cost 0.03 USD, corrected to 0.025 by a bill."""
    sow()
    channel = make_channel(cost_micros=30_000)
    claim = take(generation_id=acme.generation().id, worker=make_worker())
    assert claim is not None
    attempt = begun(claim, channel)
    assert attempt is not None
    end = AttemptEnd(attempt, "bad_result", may_have_billed=True, cost=COST)
    end_attempt(end, generation=claim.generation, now=clock.now())
    of = CorrectedAttempt(attempt, claim.generation.id, as_loss=True)
    correct_cost(line="bill 7, line 3", change=Micros(-5_000), reason="x", actor="test", of=of)
    return claim.generation


def test_a_new_ledger_says_that_nothing_moved(owner):
    words = said_by(owner.get("/ops/ledger/"))

    assert "Nothing has moved yet" in words
    assert words.count("Not yet") == 2


def test_the_last_check_is_told_with_its_findings_as_sentences(owner, acme):
    began = clock.now() - timedelta(seconds=90)
    record_proof(SINCE, began_at=began, findings=[])
    lie = Finding("seal", acme.tenant.public_id, "transfer 7", "was written without the key")
    record_proof(WHOLE, began_at=began, findings=[lie, *[lie] * 120])

    words = said_by(owner.get("/ops/ledger/"))

    assert "Proved" in words
    assert re.search(r"took 9\d\.", words)
    assert "121 findings" in words
    assert f"Seal: transfer 7 of {acme.tenant.public_id} was written without the key." in words
    assert "21 more findings are not named here." in words


@pytest.mark.parametrize("kind", [SINCE, WHOLE])
def test_a_check_is_made_by_a_worker_and_followed(owner, prompt, kind):
    record_proof(kind, began_at=clock.now() - timedelta(hours=1), findings=[])

    answer = owner.post(f"/ops/ledger/check/{kind}/")
    page = owner.get(answer["Location"]).content.decode()

    assert answer.status_code == 303
    assert 'hx-trigger="every 2s"' in page
    assert "Asked for" in page

    (name,) = prompt
    getattr(tasks, name.rpartition(".")[2])(clock.now().isoformat())
    page = owner.get(answer["Location"]).content.decode()

    assert "Proved" in page
    assert "every 2s" not in page
    assert [one.kind for one in LedgerProof.objects.all()] == [kind]


def test_a_requested_proof_is_made_before_it_is_due(prompt):
    record_proof(SINCE, began_at=clock.now() - timedelta(seconds=5), findings=[])
    tasks.check_ledger()
    before = LedgerProof.objects.get().began_at

    asked = clock.now().isoformat()
    tasks.check_ledger_now(asked)
    made = LedgerProof.objects.get().began_at
    tasks.check_ledger_now(asked)

    assert made > before
    assert LedgerProof.objects.get().began_at == made


def test_a_requested_proof_that_no_worker_starts_says_so(owner):
    at = int(clock.now().timestamp()) - 61

    page = owner.get(f"/ops/ledger/?asked=whole&at={at}").content.decode()

    assert "no worker has started" in page
    assert page.count("Check now") == 2


@pytest.mark.parametrize(
    "query", ["asked=whole&at=0", "asked=whole&at=99999999999999999", "asked=no&at=1", "at=x"]
)
def test_an_address_that_asks_for_nothing_follows_nothing(owner, query):
    assert "every 2s" not in owner.get(f"/ops/ledger/?{query}").content.decode()


def test_a_proof_under_way_is_shown_to_everyone(owner):
    with alone(SINCE) as ours:
        assert ours
        page = said_by(owner.get("/ops/ledger/"))

    assert "Being checked" in page
    assert page.count("Check now") == 1


def test_heads_are_kept_once_the_whole_is_proved_and_are_downloaded(owner, acme, prompt):
    assert "None yet" in said_by(owner.get("/ops/ledger/"))
    day = kept_heads.yesterday(clock.now())

    tasks.check_whole_ledger_now(clock.now().isoformat())
    tasks.check_whole_ledger_now(clock.now().isoformat())

    assert f"{day:%-d %b %Y} 0 tenants, kept" in said_by(owner.get("/ops/ledger/"))
    answer = owner.get(f"/ops/ledger/heads/{day}.json")
    assert answer["Content-Disposition"] == f'attachment; filename="heads-{day}.json"'
    assert read_signed(answer.content.decode()).until == datetime.combine(
        day + timedelta(days=1), time(), UTC
    )
    out = StringIO()
    call_command("ledger_head", "--kept", "--date", f"{day}", stdout=out)
    assert out.getvalue().strip() == answer.content.decode()
    call_command("ledger_head", "--kept", stdout=(out := StringIO()))
    assert out.getvalue().startswith(f"{day} ")
    assert out.getvalue().endswith(" 0 tenants\n")


@pytest.mark.parametrize("day", ["2026-01-01", "2026-13-01", "today", "0000-00-00"])
def test_a_day_without_heads_has_no_file(owner, day):
    assert owner.get(f"/ops/ledger/heads/{day}.json").status_code == 404
    with pytest.raises(CommandError):
        call_command("ledger_head", "--kept", "--date", day)


def test_no_heads_are_kept_of_a_ledger_that_is_wrong(acme, prompt, monkeypatch):
    lie = Finding("seal", None, "transfer 7", "was written without the key")
    monkeypatch.setattr(rounds.Round, "steps", lambda self: [lambda: [lie]])

    tasks.check_whole_ledger_now(clock.now().isoformat())

    assert LedgerProof.objects.get().found == 1
    assert not LedgerHead.objects.exists()


def test_a_day_is_settled_five_minutes_after_its_end():
    midnight = datetime(2026, 11, 26, tzinfo=UTC)

    kept_heads.keep_yesterdays(now=midnight + timedelta(minutes=4))
    with pytest.raises(kept_heads.NotOver):
        kept_heads.heads_of(date(2026, 11, 25), now=midnight + timedelta(minutes=4))

    assert not LedgerHead.objects.exists()


def test_an_unknown_kind_of_check_is_not_found(owner):
    assert owner.post("/ops/ledger/check/some/").status_code == 404
    assert owner.get("/ops/ledger/check/whole/")["Location"] == "/ops/ledger/"


def test_reversals_and_corrections_are_told_in_words(owner, acme, lost):
    book_payment(tenant_id=acme.id, amount=Micros(99_000_000), reason="INV-1", actor="test")
    reverse(tenant_id=acme.id, seq=3, amount=None, reason="typed wrong", actor="test")

    words = said_by(owner.get("/ops/ledger/"))

    assert "Reversal of entry 3 typed wrong" in words
    assert "Cost correction by line bill 7, line 3 of a bill" in words
    paid, loss = Transfer.objects.get(reason="INV-1"), Transfer.objects.get(kind="loss")
    assert "Taken back $99.00 by entry 4" in said_by(owner.get(f"/ops/ledger/{paid.pk}/"))
    assert "Corrected down by $0.005" in said_by(owner.get(f"/ops/ledger/{loss.pk}/"))


def test_card_money_is_told_with_its_payment_and_its_movement(owner, acme):
    movement = {"tenant_id": acme.id, "amount": Micros(9_000_000), "reason": "Visa 4242"}
    paid = card_money.top_up(**movement, line="paid at 7")
    back = card_money.pay_back(**movement, top_up_seq=2, line="back at 8", actor="ann")

    assert "Pay back of entry 2 Visa 4242" in said_by(owner.get("/ops/ledger/"))
    assert "Pay back $9.00 by entry 3" in said_by(owner.get(f"/ops/ledger/{paid.pk}/"))
    words = said_by(owner.get(f"/ops/ledger/{back.pk}/"))
    assert ("Of the payment entry 2" in words, "Movement back at 8" in words) == (True, True)


def test_kinds_of_cards_are_no_filter_where_there_are_none(owner):
    page = owner.get("/ops/ledger/").content.decode()

    assert ("Reversal" in page, "Chargeback" in page) == (True, False)


@pytest.mark.parametrize(("key", "is_told"), [("", False), ("sk_test_1", True)])
def test_the_margin_says_that_a_card_providers_fees_are_not_in_it(owner, settings, key, is_told):
    settings.STRIPE_SECRET_KEY = key

    assert ("fees are not in it" in said_by(owner.get("/ops/margin/"))) == is_told


def test_transfers_are_found_by_any_id(owner, acme, lost):
    attempt = Attempt.objects.get()
    hold = Transfer.objects.get(kind="hold")
    kinds = {"Hold", "Loss", "Cost correction"}

    pages = [
        said_by(owner.get("/ops/ledger/", {"q": text}))
        for text in (lost.public_id, str(lost.id), lost.request_id, str(attempt.id))
    ]
    assert [
        {kind for kind in (*kinds, "Top-up of", "Credit $") if f" {kind} " in page}
        for page in pages
    ] == [kinds] * 4
    assert owner.get(f"/ops/ledger/?q={hold.pk}")["Location"] == f"/ops/ledger/{hold.pk}/"
    Tenant.objects.filter(id=acme.tenant.id).update(title="Rabbit Labs")
    names = ("acme", "Rabbit Labs", acme.tenant.public_id, acme.key.public_id)
    led = {owner.get("/ops/ledger/", {"q": name})["Location"] for name in names}
    assert led == {f"/ops/ledger/?tenant={acme.tenant.public_id}"}


@pytest.mark.parametrize("text", ["9" * 5000, "0", "gen_", "\0", "\ud800", "²", "a@b", "-1", "1e9"])
def test_a_malformed_id_finds_nothing(owner, acme, text):
    answer = owner.get("/ops/ledger/", {"q": text.encode(errors="surrogatepass")})

    assert answer.status_code == 200
    assert "No transfers match" in said_by(answer) or text == "\0"


def test_a_list_is_filtered_and_its_csv_is_the_same(owner, acme, lost):
    PayingCustomer("other", balance=5_000_000)
    query = f"?tenant={acme.tenant.public_id}&kind=top_up&period=24h"

    page = owner.get(f"/ops/ledger/{query}")
    lines = lines_of(owner.get(f"/ops/ledger/{query}&format=csv"))

    assert ">Tenant: acme<" in page.content.decode()
    assert "Kind: Top-up" in said_by(page)
    assert [(line["tenant_name"], line["kind"], line["amount"]) for line in lines] == [
        ("acme", "top_up", "10.000000")
    ]
    assert len(lines[0]["seal"]) == 64
    assert len(lines_of(owner.get("/ops/ledger/?format=csv"))) == Transfer.objects.count()
    of_one = f"/ops/ledger/?q={lost.public_id}&format=csv"
    assert [line["kind"] for line in lines_of(owner.get(f"{of_one}&kind=hold"))] == ["hold"]
    of_lost = lines_of(owner.get(of_one))
    after = [(one["kind"], one["available_after"], one["held_after"]) for one in of_lost]
    assert after == [
        ("correction", "", ""), ("loss", "", ""), ("hold", "9.947320", "0.052680"),
    ]  # fmt: skip


def test_a_full_month_is_chosen_by_its_name(owner, acme, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 26, 10, tzinfo=UTC))

    month = owner.get("/ops/ledger/?period=2026-10-01..2026-10-31")
    days = owner.get("/ops/ledger/?period=2026-10-05..2026-10-06")

    options = re.findall(r'<option value="20[^"]*"([^>]*)>([^<]+)<', month.content.decode())
    assert (options[0], len(options)) == ((" selected", "October 2026"), 12)
    assert options[-1] == ("", "November 2025")
    assert "Moved: October 2026" in said_by(month)
    assert "Moved: 5 Oct 2026 to 6 Oct 2026" in said_by(days)


def test_a_senseless_filter_is_ignored(owner, acme):
    page = said_by(owner.get("/ops/ledger/?kind=gift&period=2026-13-40&after=x"))

    assert "Active filters" not in page
    assert "$10.00" in page


def test_a_mistyped_tenant_is_told_and_left_out_of_no_file(owner, acme):
    page = said_by(owner.get("/ops/ledger/?tenant=acmee"))

    assert "No tenant has the name or id “acmee”." in page
    file = owner.get("/ops/ledger/?tenant=acmee&format=csv")
    assert (file.status_code, "“acmee”" in said_by(file)) == (400, True)


def paged(sought: TransferFilter) -> list[int]:
    """Ids of those transfers, from pages of two."""
    page = transfers_like(sought, after=None, limit=2)
    seen = [row.pk for row in page.rows]
    while page.after is not None:
        page = transfers_like(sought, after=page.after, limit=2)
        seen += [row.pk for row in page.rows]
    return seen


def test_pages_follow_each_other_and_leave_nothing_out(acme, monkeypatch):
    other = PayingCustomer("other", balance=5_000_000)
    for number in range(5):
        book_payment(tenant_id=acme.id, amount=Micros(1_000), reason=f"n{number}", actor="test")
    newest_first = Transfer.objects.order_by("-id").values_list("id", flat=True)

    assert paged(TransferFilter()) == list(newest_first)
    assert paged(TransferFilter(tenant_id=acme.id)) == list(
        newest_first.exclude(tenant_id=other.id)
    )
    monkeypatch.setattr(transfers, "MAX_SCANNED_ROWS", 2)
    first = transfers_like(TransferFilter(kind="credit"), after=None, limit=2)
    assert (first.rows, first.is_cut) == ([], True)


def test_a_tampered_transfer_breaks_its_seal(owner, acme):
    paid = book_payment(tenant_id=acme.id, amount=Micros(7_000_000), reason="INV-2", actor="test")
    intact = owner.get(f"/ops/ledger/{paid.pk}/")
    assert "● Seal intact" in said_by(intact)
    assert "Copy seal" in said_by(intact)

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_transfer DISABLE TRIGGER USER")
        cursor.execute("UPDATE billing_transfer SET reason = 'INV-3' WHERE id = %s", [paid.pk])
        cursor.execute("ALTER TABLE billing_transfer ENABLE ALWAYS TRIGGER append_only")

    assert "◆ Seal broken" in said_by(owner.get(f"/ops/ledger/{paid.pk}/"))
    assert owner.get("/ops/ledger/0/").status_code == 404
    assert owner.get(f"/ops/ledger/{10**30}/").status_code == 404


def test_demo_data_is_marked_beside_what_really_moved(owner, acme, lost):
    demo = PayingCustomer("demo")
    then = clock.now() - timedelta(days=30)
    backdate_tenant(tenant=demo.tenant, at=then - timedelta(days=30))
    with mock.patch.object(clock, "now", return_value=then):
        top_up(tenant_id=demo.tenant.id, amount=Micros(5), reason="refilled", actor="test")
    top_up(tenant_id=demo.tenant.id, amount=Micros(6), reason="paid", actor="test")
    before = lines_of(owner.get("/ops/ledger/?format=csv"))
    Generation.objects.filter(pk=lost.pk).update(source="demo")

    after = lines_of(owner.get("/ops/ledger/?format=csv"))
    page = said_by(owner.get(f"/ops/ledger/?tenant={demo.tenant.public_id}"))
    (refill,) = Transfer.objects.filter(reason="refilled")

    assert [one["reason"] for one in before if one["mode"] == "demo"] == ["refilled"]
    assert {one["generation"] for one in after if one["mode"] == "demo"} == {lost.public_id, ""}
    assert {one["kind"] for one in after if one["mode"] == "live"} == {"top_up"}
    assert page.count("Demo data") == 1
    assert "Demo data" in said_by(owner.get(f"/ops/ledger/{refill.pk}/"))


def test_the_page_takes_few_queries(owner, acme, lost, django_assert_max_num_queries):
    owner.get("/ops/ledger/")
    for path in ("", f"?q={lost.public_id}", f"?tenant={acme.tenant.public_id}&kind=top_up"):
        with django_assert_max_num_queries(12):
            page = owner.get(f"/ops/ledger/{path}")
        assert re.search(r"\$\d", unescape(page.content.decode()))
