"""`manage.py tenant` and `manage.py key`."""

import json
import sys
from contextlib import nullcontext
from io import StringIO
from uuid import UUID

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts.callers import Caller, caller_by_digest
from accounts.keys import digest
from accounts.models import ApiKey, AuditEvent, Tenant
from accounts.selectors.office.tenants import tenant_by_name_or_id
from billing.models import MoneyMove
from billing.selectors.office.balances import available_to, statement
from billing.selectors.office.ledger import ledger_findings
from generation.models import Contract
from pictor.kit.words import ids

pytestmark = pytest.mark.django_db

LIMITS = ("do", "tenant.limits")
ADJUST, REVERSE = ("do", "tenant.adjustment"), ("do", "tenant.reversal")
NOBODYS = ids.public(ids.GENERATION, UUID(int=7))


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def caller_of(plaintext: str) -> Caller:
    caller = caller_by_digest(digest(plaintext, settings.KEY_PEPPER))
    assert caller is not None
    return caller


def test_a_tenant_is_made_with_a_balance_a_limit_and_a_key_that_manages_no_keys():
    facts = json.loads(
        run("tenant", "create", "Acme", "--balance", "10.25", "--rpm", "30", "--json")
    )

    assert set(facts) == {"tenant", "api_key", "key_id"}
    caller = caller_of(facts["api_key"])
    assert (caller.limits.tenant_rpm, caller.limits.key_rpm) == (30, None)
    assert caller.scopes == {"images:write", "images:read", "billing:read", "webhooks:write"}
    acme = Tenant.objects.get(name="Acme")
    assert (tenant_by_name_or_id(facts["tenant"]), caller.tenant_id) == (acme, acme.id)
    assert available_to(caller.tenant_id) == 10_250_000
    assert ledger_findings() == []


@pytest.mark.parametrize(
    ("named", "scopes"),
    [
        ((), {"images:write", "images:read", "billing:read", "webhooks:write"}),
        (("--scopes", "keys:write"), {"keys:write"}),
    ],
    ids=["usual", "named"],
)
def test_a_key_manages_keys_only_where_that_is_named(named, scopes):
    first = json.loads(run("tenant", "create", "Acme", *named, "--json"))

    another = json.loads(run("key", "create", "Acme", *named, "--json"))

    assert [caller_of(key["api_key"]).scopes for key in (first, another)] == [scopes, scopes]


def test_the_balance_that_was_typed_is_said_back():
    assert run("tenant", "create", "Acme", "--balance", "10000").endswith("  10000.000000 USD\n")


@pytest.mark.parametrize("balance", [[], ["--balance", "0"], ["--balance", "0.000000"]])
def test_a_tenant_may_begin_with_nothing(balance):
    run("tenant", "create", "Poor", *balance)

    assert statement(Tenant.objects.get().id) == []


def test_without_json_the_answer_is_for_a_person():
    lines = run("tenant", "create", "Acme").splitlines()

    assert [line.split()[0] for line in lines] == ["tenant", "api_key", "key_id", "balance"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tenant", "create", "Taken"], "already exists"),
        (["tenant", "create", " "], "name: This field cannot be blank."),
        (["tenant", "create", "New", "--balance", "1.0000001"], "at most 6 decimals"),
        (["tenant", "create", "New", "--balance", "ten"], "not an amount"),
        (["tenant", "create", "New", "--balance", "NaN"], "not an amount"),
        (["tenant", "create", "New", "--balance", "-1"], "below 0"),
        (["tenant", "create", "New", "--balance", "1e3"], "not an amount"),
        (["tenant", "create", "New", "--rpm", "0"], "whole number"),
        (["tenant", "create", "New", "--rpm", "many"], "whole number"),
        (["tenant", "credit", "Nobody", "1", "--reason", "gift"], "no tenant"),
        (["tenant", "credit", "Taken", "0", "--reason", "gift"], "above 0"),
        (["tenant", "credit", "Taken", "1", "--reason", " "], "empty"),
        (["tenant", "credit", "Taken", "-1", "--reason", "gift"], "below 0"),
        (["tenant", "credit", "Taken", "1", "--reason", "x" * 201], "at most 200 characters"),
        ([*ADJUST, "Taken", "--amount=0", "--note=typo"], "--amount: Type an amount in dollars"),
        ([*ADJUST, "Taken", "--amount=-0.01", "--note=typo"], r"only \$0\.00 is"),
        ([*ADJUST, "Nobody", "--amount=1", "--note=typo"], "there is no tenant 'Nobody'"),
        ([*LIMITS, "Taken", "--uncharged-ceiling=-1"], "Type an amount above 0"),
        ([*LIMITS, "Taken", "--uncharged-ceiling=0"], "Type an amount above 0"),
        ([*LIMITS, "Taken", "--prompt-retention-days=3"], "--erases: This erases prompts older"),
        (["key", "list", "Nobody"], "no tenant"),
        (["key", "create", "Nobody"], "no tenant"),
        (["key", "create", "Taken", "--scopes", "images:paint"], "no such scope: images:paint"),
        (["key", "create", "Taken", "--models", ","], "list of names"),
        (["key", "create", "Taken", "--budget", "0.0000001"], "at most 6 decimals"),
        (["key", "create", "Taken", "--name", "x" * 101], "at most 100 characters"),
        (["key", "revoke", "key_nonsense"], "no API key"),
    ],
)
def test_a_mistake_is_one_clear_line_and_changes_nothing(words, message):
    run("tenant", "create", "Taken")

    with pytest.raises(CommandError, match=message) as mistake:
        run(*words)

    assert "\n" not in str(mistake.value)
    assert (Tenant.objects.count(), ApiKey.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("words", "said", "ceiling"),
    [
        (["7.5"], "Uncharged cost a day: $9.00 → $7.50", 7_500_000),
        (["none"], "Uncharged cost a day: $9.00 → the default", None),
        (
            ["0.01", "--prompt-retention-days", "30", "--erases"],
            "Uncharged cost a day: $9.00 → $0.01; days that prompts are kept: 90 → 30",
            10_000,
        ),
    ],
)
def test_the_ceiling_on_uncharged_cost_is_set(words, said, ceiling):
    run("tenant", "create", "Acme")
    run(*LIMITS, "Acme", "--uncharged-ceiling", "9")

    done = run(*LIMITS, "Acme", "--uncharged-ceiling", *words)

    assert done.splitlines()[0] == said
    assert Tenant.objects.get(name="Acme").uncharged_ceiling_micros == ceiling


def test_a_credit_is_added_with_words_for_the_tenant_and_a_note_for_staff():
    tenant = json.loads(run("tenant", "create", "Acme", "--json"))["tenant"]

    run("tenant", "credit", "Acme", "2.5", "--reason", "churn risk", "--words", "welcome")
    said = run("tenant", "credit", tenant, "0.000001", "--reason", "and more")

    assert said == "Acme: 0.000001 USD credited, 2.500001 available\n"
    lines = statement(Tenant.objects.get().id)
    assert [(line.kind, line.amount, line.reason) for line in lines] == [
        ("credit", 2_500_000, "welcome"),
        ("credit", 1, ""),
    ]
    notes = AuditEvent.objects.filter(action="staff.note").order_by("id")
    assert [(note.tenant_id, note.object_id, note.after) for note in notes] == [
        (None, str(lines[0].id), {"note": "churn risk", "tenant": tenant}),
        (None, str(lines[1].id), {"note": "and more", "tenant": tenant}),
    ]
    shown = json.loads(run("tenant", "show", "Acme", "--json"))["transfers"]
    assert [(one["reason"], one["note"]) for one in shown] == [
        ("", "and more"), ("welcome", "churn risk"),
    ]  # fmt: skip


def test_a_payment_is_booked_once_by_its_reference():
    run("tenant", "create", "Acme")
    run("tenant", "credit", "Acme", "1", "--reason", "typo", "--words", "RF18")

    said = run("tenant", "top-up", "Acme", "500", "--reference", "RF18")
    was_booked = r"\$500\.00 with the reference '.*' was booked"
    with pytest.raises(CommandError, match=was_booked):
        run("tenant", "top-up", "Acme", "500", "--reference", "RF18")
    with pytest.raises(CommandError, match=was_booked):
        run("tenant", "top-up", "Acme", "500", "--reference", " rf18 ")
    run("tenant", "top-up", "Acme", "500", "--reference", "RF19")

    assert said == "Acme: 500.000000 USD booked, 501.000000 available\n"
    lines = statement(Tenant.objects.get().id)
    assert [(line.kind, line.amount, line.reason) for line in lines] == [
        ("credit", 1_000_000, "RF18"),
        ("top_up", 500_000_000, "RF18"),
        ("top_up", 500_000_000, "RF19"),
    ]
    assert AuditEvent.objects.filter(action="balance.top_up").count() == 2
    assert ledger_findings() == []


def test_a_mistaken_credit_is_taken_back():
    run("tenant", "create", "Acme")
    run("tenant", "credit", "Acme", "500", "--reason", "welcome")

    said = run(*ADJUST, "Acme", "--amount=-450", "--note=meant 50", "--yes")

    assert "Acme, available: $500.00 → $50.00\n" in said
    assert "Adjust: -$450.00. Acme has $50.00 now\n" in said
    assert ledger_findings() == []


@pytest.mark.parametrize(
    ("words", "typed", "available"),
    [
        (["1000"], "", 1_000_000_000),
        (["1000.01"], "y\n", 1_000_010_000),
        (["1000.01"], "n\n", 0),
        (["1000.01"], "", 0),
        (["5000", "--yes"], "", 5_000_000_000),
    ],
)
def test_a_large_change_of_a_balance_is_asked_about(monkeypatch, words, typed, available):
    tenant = json.loads(run("tenant", "create", "Acme", "--json"))["tenant"]
    monkeypatch.setattr(sys, "stdin", StringIO(typed))

    with nullcontext() if available else pytest.raises(CommandError, match="Nothing was changed"):
        run("tenant", "credit", tenant, *words, "--reason", "year")

    assert available_to(Tenant.objects.get().id) == available


def test_tenants_and_keys_are_found_again():
    run("tenant", "create", "Zoo")
    made = json.loads(run("tenant", "create", "Acme", "--json"))
    run("key", "create", "Acme", "--name", "app")
    run("key", "revoke", made["key_id"])

    assert [row["name"] for row in json.loads(run("tenant", "list", "--json"))] == ["Acme", "Zoo"]
    assert run("tenant", "list").splitlines()[1].split() == [made["tenant"], "Acme", "active"]
    keys = json.loads(run("key", "list", "Acme", "--json"))
    assert [(row["name"], row["status"]) for row in keys] == [
        ("app", "active"), ("default", "revoked"),
    ]  # fmt: skip
    assert made["key_id"] in run("key", "list", "Acme").splitlines()[2]


@pytest.mark.usefixtures("offered")
def test_a_key_for_a_model_that_nobody_offers_is_refused():
    run("tenant", "create", "Acme")

    with pytest.raises(CommandError, match=r"'dall-e-33'; available: .*dall-e-3"):
        run("key", "create", "Acme", "--models", "dall-e-3,dall-e-33")

    assert ApiKey.objects.count() == 1


@pytest.mark.usefixtures("offered")
def test_the_refusal_of_a_model_names_none_that_is_switched_off():
    run("tenant", "create", "Acme")
    Contract.objects.exclude(model="dall-e-2").update(is_enabled=False)

    with pytest.raises(CommandError, match=r"'dall-e-33'; available: dall-e-2$"):
        run("key", "create", "Acme", "--models", "dall-e-33")


@pytest.mark.usefixtures("offered")
def test_a_key_is_made_with_the_rules_given():
    run("tenant", "create", "Acme")

    rules = ["--rpm", "5", "--models", "dall-e-2, dall-e-3", "--budget", "12.5"]
    scopes = ["--scopes", "images:read,billing:read"]
    facts = json.loads(run("key", "create", "Acme", "--name", "app", *rules, *scopes, "--json"))

    assert set(facts) == {"api_key", "key_id"}
    caller = caller_of(facts["api_key"])
    assert caller.key_id == ApiKey.objects.get(name="app").id
    assert (caller.limits.key_rpm, caller.limits.tenant_rpm) == (5, None)
    assert sorted(caller.models or ()) == ["dall-e-2", "dall-e-3"]
    assert caller.scopes == {"images:read", "billing:read"}
    assert caller.limits.key_budget_month == 12_500_000


def test_a_keys_rules_are_set_and_what_is_not_said_stays():
    run("tenant", "create", "Acme")
    run("key", "create", "Acme", "--name", "app", "--rpm", "5", "--budget", "12.5")
    key = ApiKey.objects.get(name="app")

    rules = ["--budget-month", "none", "--max-in-flight", "3", "--ip-ranges", "203.0.113.0/24"]
    said = run("key", "set", key.public_id, "--name", "nightly", *rules)
    run("key", "set", key.public_id, "--budget-day", "2", "--budget-warns-only", "yes")

    assert said == (
        f"{key.public_id} is now called 'nightly'\nip_ranges: none -> 203.0.113.0/24\n"
        "max_in_flight: none -> 3\nbudget_month: 12.500000 USD -> none\n"
    )
    key.refresh_from_db()
    assert (key.name, key.requests_per_minute, key.max_in_flight) == ("nightly", 5, 3)
    assert (key.budget_month_micros, key.budget_day_micros) == (None, 2_000_000)
    assert (key.allowed_models, key.budget_warns_only) == (None, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--name or --scopes, "),
        (("--max-in-flight", "0"), "not a whole number from 1"),
        (("--budget-month", "-1"), "below 0"),
        (("--models", "dall-e-9"), "no such model"),
        (("--scopes", "images:eat"), "no such scope"),
        (("--ip-ranges", "home"), "ip_ranges"),
        (("--expires-at", "tomorrow"), "not a time with its zone"),
        (("--budget-warns-only", "maybe"), "takes yes or no"),
    ],
)
def test_a_rule_that_is_mistyped_changes_nothing(words, message):
    run("tenant", "create", "Acme")
    key = ApiKey.objects.get()

    with pytest.raises(CommandError, match=message):
        run("key", "set", key.public_id, *words)

    assert AuditEvent.objects.filter(action="api_key.change").count() == 0


def test_a_key_s_budget_may_warn_only():
    run("tenant", "create", "Acme")

    run("key", "create", "Acme", "--name", "app", "--budget", "12.5", "--warn-only")

    key = ApiKey.objects.get(name="app")
    assert (key.budget_month_micros, key.budget_warns_only) == (12_500_000, True)


@pytest.mark.parametrize(("words", "form"), [([], ""), (["--response-format", "url"], "url")])
def test_a_key_s_usual_format_is_chosen_when_it_is_made(words, form):
    run("tenant", "create", "Acme")

    run("key", "create", "Acme", "--name", "app", *words)

    assert ApiKey.objects.get(name="app").default_response_format == form


@pytest.mark.parametrize(("overlap", "goes_on"), [([], True), (["--overlap", "0"], False)])
def test_a_rotated_key_has_a_new_text_and_the_former_may_go_on(overlap, goes_on):
    made = json.loads(run("tenant", "create", "Acme", "--json"))

    rotated = json.loads(run("key", "rotate", made["key_id"], *overlap, "--json"))

    assert rotated["key_id"] == made["key_id"]
    assert caller_of(rotated["api_key"]).tenant_id == Tenant.objects.get(name="Acme").id
    former = caller_by_digest(digest(made["api_key"], settings.KEY_PEPPER))
    assert former == (caller_of(rotated["api_key"]) if goes_on else None)
    event = AuditEvent.objects.get(action="api_key.rotate")
    assert rotated["api_key"] not in str(event.after)


def test_a_key_in_its_overlap_is_rotated_by_command_only_without_an_overlap():
    made = json.loads(run("tenant", "create", "Acme", "--json"))
    run("key", "rotate", made["key_id"])

    with pytest.raises(CommandError, match='at once, rotate with the overlap "0"'):
        run("key", "rotate", made["key_id"], "--overlap", "1h")

    assert caller_of(made["api_key"]) is not None
    run("key", "rotate", made["key_id"], "--overlap", "0")
    assert caller_by_digest(digest(made["api_key"], settings.KEY_PEPPER)) is None


def test_a_key_is_revoked_by_its_id_once_or_twice():
    facts = json.loads(run("tenant", "create", "Acme", "--json"))

    run("key", "revoke", facts["key_id"])
    said = run("key", "revoke", facts["key_id"])

    assert said == f"{facts['key_id']} of Acme is revoked\n"
    assert caller_of(facts["api_key"]).revoked_at is not None
    assert AuditEvent.objects.filter(action="api_key.revoke").count() == 1


def wrong_payment(monkeypatch: pytest.MonkeyPatch, typed: str = "") -> Tenant:
    monkeypatch.setattr(sys, "stdin", StringIO(typed))
    run("tenant", "create", "Acme")
    run("tenant", "top-up", "Acme", "9999", "--reference", "INV-1", "--yes")
    return Tenant.objects.get()


def test_a_payment_typed_wrong_is_reversed_and_booked_right(monkeypatch):
    acme = wrong_payment(monkeypatch, "9999\n")

    back = ("Acme", "--seq=1", "--amount=9999", "--note=typo")
    said = run(*REVERSE, *back, "--as", "Ann@example.com")
    run("tenant", "top-up", "Acme", "99", "--reference", "INV-1")

    assert "The amount again, USD: " in said
    assert "Reverse: $9,999.00. Acme has $0.00 now\n" in said
    lines = [(line.kind, line.amount, line.reverses_seq) for line in statement(acme.id)]
    assert lines == [
        ("top_up", 9_999_000_000, None),
        ("reversal", 9_999_000_000, 1),
        ("top_up", 99_000_000, None),
    ]
    event = AuditEvent.objects.get(action="balance.reversal")
    assert event.actor_name.endswith(" as Ann@example.com)")
    assert ledger_findings() == []


def test_a_program_reads_what_was_done(monkeypatch):
    acme = wrong_payment(monkeypatch)

    said = json.loads(run(*ADJUST, "Acme", "--amount=-9", "--note=x", "--yes", "--json"))

    move = said.pop("move")
    assert MoneyMove.objects.get(id=move).transfer_id == statement(acme.id)[-1].id
    assert said == {
        "act": "tenant.adjustment", "done": "Adjust: -$9.00. Acme has $9,990.00 now",
        "tenant": acme.public_id, "amount": "-9.000000", "available": "9990.000000",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seq=1", "--amount=1"], "Nothing was changed"),
        (["--seq=1", "--amount=1000.01"], r"This is not \$1,000.01"),
        (["--seq=1", "--amount=1000.01", "--yes", "--confirm=100001"], "which of them is meant"),
        (["--seq=1", "--amount=10000"], r"\$9,999.00 of it is left"),
        (["--seq=2", "--amount=1"], "no top-up or credit with the number 2"),
        (["--seq=none", "--amount=1"], "no top-up or credit with the number 0"),
        (["--seq=1", "--amount=1", "--note= "], "--note: This field is required"),
    ],
)
def test_a_reversal_that_cannot_be_changes_nothing(monkeypatch, words, message):
    acme = wrong_payment(monkeypatch)

    with pytest.raises(CommandError, match=message):
        run(*REVERSE, "Acme", "--note=typo", *words)

    assert available_to(acme.id) == 9_999_000_000


def test_a_value_is_read_from_a_file_or_standard_input(monkeypatch, tmp_path):
    run("tenant", "create", "Acme")
    (tmp_path / "words").write_text("unpaid since May")
    monkeypatch.setattr(sys, "stdin", StringIO("they were warned"))

    run("do", "tenant.suspend", "Acme", f"--words=@{tmp_path / 'words'}", "--note=-")

    told = {event.action: event.after for event in AuditEvent.objects.order_by("id")}
    assert (told["tenant.status"] or {})["reason"] == "unpaid since May"
    assert (told["staff.note"] or {})["note"] == "they were warned"
    with pytest.raises(CommandError, match="No such file"):
        run("do", "tenant.suspend", "Acme", f"--words=@{tmp_path / 'others'}")
