"""Faults of acts, lists and doors that their tests must find, made one by one in this tree.

    python -m tests.console.ops.ladder.mutants [PART OF A NAME]

Each is put into its file, its test is run, and the file is written back. The command fails if a
test passes in spite of its fault. `test_rungs.py` beside this drops checks of every act instead.
"""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[4]
OPS, PARTS = "platform/console/ops", "platform/console/parts"
KEYS = "accounts/services/office/operator_keys.py"
TESTS = "tests/console/ops"
ACT, LIST, DOOR = (
    f"{TESTS}/ladder/test_acts.py",
    f"{TESTS}/ladder/test_lists.py",
    f"{TESTS}/test_door.py",
)
ROLES = f"{ACT}::test_an_acts_page_opens_for_its_roles_in_few_queries"
ONCE = f"{ACT}::test_a_form_sent_twice_acts_once"
OPENS = f"{LIST}::test_a_list_opens_for_its_roles_in_few_queries"
GOES_ON = f"{LIST}::test_a_list_goes_on_where_its_page_ends"
SAYS = f"{LIST}::test_a_list_says_at_every_door_what_it_does_not_understand"


class Mutant(NamedTuple):
    """A text of a file, which stands there once, what stands there instead, and the test."""

    path: str
    was: str
    becomes: str
    test: str


def everybodys(path: str, before: str, needs: str, act: str) -> Mutant:
    """An act that every role may do; `before` tells its permission from others in the file."""
    was = f"{before}needs=Permission.{needs},"
    return Mutant(f"{OPS}/{path}", was, was.replace(needs, "SEE"), f"{ROLES}[{act}]")


MUTANTS = {
    "everybody tests an alert": everybodys("alerts/acts.py", "", "INCIDENTS", "alert.test"),
    "everybody takes lines": everybodys("reconciliation/acts.py", "", "MONEY", "bill.take"),
    "everybody pauses a channel": everybodys("channels/acts.py", "", "CHANNELS", "channel.pause"),
    "everybody refunds": everybodys("generations/acts.py", "", "REFUND", "generation.refund"),
    "everybody cancels": everybodys(
        "generations/acts.py", "form=EndReasonForm, ", "GENERATIONS", "generation.cancel"
    ),
    "everybody refunds in bulk": Mutant(
        f"{OPS}/generations/in_bulk.py", 'needs=Permission.MONEY,\n        audit="balance.refund"',
        'needs=Permission.SEE,\n        audit="balance.refund"', f"{ROLES}[generations.refund]",
    ),
    "everybody enables a model": everybodys(
        "models/acts.py", "form=OfferForm, ", "CHANNELS", "model.enable"
    ),
    "everybody imports a model": everybodys(
        "models/importing.py", "", "CHANNELS", "model.import"
    ),
    "everybody follows a payment": everybodys("payments/acts.py", "", "MONEY", "payment.follow"),
    "everybody publishes": everybodys("prices/acts.py", "", "PUBLISH", "price_book.publish"),
    "everybody makes a tenant": everybodys("tenants/founding.py", "", "TENANTS", "tenant.create"),
    "everybody erases": everybodys("tenants/people.py", "", "ERASE", "tenant.erase"),
    "everybody credits": everybodys("tenants/acts.py", "", "MONEY", "tenant.credit"),
    "everybody makes keys": everybodys("operator_keys.py", "", "STAFF", "operator_key.create"),
    "a rule is not switched on": Mutant(
        f"{OPS}/alerts/acts.py", '"{} is on", rules.enable', '"{} is on", rules.disable',
        f"{ONCE}[alert.enable]",
    ),
    "a model stays on": Mutant(
        f"{OPS}/models/acts.py", "is_offered=False)", "is_offered=True)", f"{ONCE}[model.disable]"
    ),
    "what is queued is not rung": Mutant(
        f"{OPS}/generations/acts.py", "asked.subject.state != State.QUEUED",
        "asked.subject.state == State.QUEUED", f"{ONCE}[generation.ring]",
    ),
    "a role and the one before are swapped": Mutant(
        f"{OPS}/tenants/people.py", "before=member.role, role=role)",
        "before=role, role=member.role)", f"{ONCE}[tenant.role]",
    ),
    "a page takes more lines than at once": Mutant(
        f"{OPS}/reconciliation/acts.py",
        'None if asked.is_at_the_shell and asked.data.get("list") else MAX_AT_ONCE', "None",
        f"{TESTS}/test_bill_acts.py::test_a_page_takes_no_more_of_a_list_than_at_once",
    ),
    "one id too many": Mutant(
        f"{PARTS}/form_fields.py", "> self.most:", "> self.most + 1:",
        f"{TESTS}/generations/test_bulk.py::test_a_mistyped_bulk_refunds_nothing",
    ),
    "a program erases": Mutant(
        f"{OPS}/tenants/people.py", 'never_by_key="only people erase"', 'never_by_key=""',
        f"{ACT}::test_no_key_does_what_people_alone_do[tenant.erase]",
    ),
    "another balance is erased": Mutant(
        f"{OPS}/tenants/people.py", "confirmation=typed_name(tenant.name),",
        "confirmation=typed_name(tenant.name), of=(),",
        f"{TESTS}/test_tenants.py::test_a_balance_that_was_not_shown_is_not_erased",
    ),
    "a program erases prompts": Mutant(
        f"{OPS}/tenants/standing.py", "Permission.ERASE not in self.asked.may", "not self.asked",
        f"{DOOR}::test_no_key_erases_prompts_whatever_it_was_given",
    ),
    "before and after are swapped": Mutant(
        f"{OPS}/tenants/acts.py", "amount(effect.before), amount(effect.after)",
        "amount(effect.after), amount(effect.before)",
        f"{DOOR}::test_an_act_is_shown_and_then_done_once_by_its_token",
    ),
    "a large amount is typed once": Mutant(
        f"{OPS}/tenants/acts.py", "confirmation=typed_again(wanted)", "confirmation=None",
        f"{DOOR}::test_what_a_page_makes_one_type_twice_is_typed_here_too",
    ),
    "a program reads an owner's key": Mutant(
        f"{OPS}/tenants/founding.py", "is_shown=not (by_key.get() and owner)", "is_shown=True",
        f"{DOOR}::test_a_key_of_a_tenant_that_gets_an_owner_is_for_its_owner",
    ),
    "any effect is as shown": Mutant(
        f"{PARTS}/acts.py", "if seen != shown.digest:", "if not seen:",
        f"{DOOR}::test_an_effect_that_is_another_one_now_is_not_done",
    ),
    "a token is for any fields": Mutant(
        f"{OPS}/door/acting.py", "if bytes(call.fields_digest) != _digest(act, sent):",
        "if not call.fields_digest:",
        f"{DOOR}::test_a_token_is_for_its_act_its_fields_and_its_key",
    ),
    "a secret is shown again": Mutant(
        f"{OPS}/door/acting.py", "return answer_of(act, result), result.secret",
        'return {**answer_of(act, result), "secret": result.secret}, result.secret',
        f"{DOOR}::test_a_new_keys_secret_is_in_the_first_answer_only",
    ),
    "a key may more than its maker": Mutant(
        f"{OPS}/door/acting.py", "ROLES[key.made_by.staff_role] & frozenset(key.permissions)",
        "frozenset(key.permissions)", f"{DOOR}::test_a_key_may_no_more_than_its_makers_role",
    ),
    "a key does what is not ticked": Mutant(
        f"{OPS}/door/acting.py", "if not act.not_fresh and name not in program.key.acts:",
        "if not name:", f"{ACT}::test_a_key_needs_leave_for_an_act[tenant.credit]",
    ),
    "a key reads any list": Mutant(
        f"{OPS}/door/reading.py", "program.check(listing.needs)", "program.check(Permission.SEE)",
        f"{DOOR}::test_a_key_reads_the_lists_of_its_permissions",
    ),
    "three calls at once": Mutant(
        "accounts/rates/buckets.py", "OPERATOR_CALLS_AT_ONCE = 2", "OPERATOR_CALLS_AT_ONCE = 3",
        f"{DOOR}::test_a_key_has_two_calls_at_once_over_all_processes",
    ),
    "61 calls a minute": Mutant(
        "accounts/rates/buckets.py", "CALLS_A_MINUTE = 60", "CALLS_A_MINUTE = 61",
        f"{DOOR}::test_a_key_has_its_calls_a_minute",
    ),
    "a 21st key": Mutant(
        KEYS, "MAX_KEYS = 20", "MAX_KEYS = 21",
        f"{DOOR}::test_a_key_lasts_a_year_at_most_and_is_one_of_twenty",
    ),
    "a replaced key works for two days": Mutant(
        KEYS, "OVERLAP = timedelta(days=1)", "OVERLAP = timedelta(days=2)",
        f"{DOOR}::test_a_replaced_key_works_for_another_day",
    ),
    "a former owner's key works": Mutant(
        "accounts/models/operators.py", "<= now or not is_owners", "<= now",
        f"{DOOR}::test_a_key_ends_with_its_time_its_maker_or_a_word",
    ),
    "everybody reads bills": Mutant(
        f"{OPS}/reconciliation/lists.py", "Permission.MONEY", "Permission.SEE", f"{OPENS}[bills]"
    ),
    "workers' next page begins too early": Mutant(
        f"{OPS}/system/lists.py", "rows[limit - 1]", "rows[0]", f"{GOES_ON}[workers]"
    ),
    "costs' next page begins too early": Mutant(
        f"{OPS}/margin/lists.py", "rows[limit - 1]", "rows[0]", f"{GOES_ON}[uncharged-costs]"
    ),
    "audit's next page skips an event": Mutant(
        f"{OPS}/audit.py", "str(events[limit - 1].pk)", "str(events[limit].pk)", f"{GOES_ON}[audit]"
    ),
    "a list has no next page": Mutant(
        f"{PARTS}/listing.py", "search.link(after=found.after) if found.after", '"" if found.after',
        f"{GOES_ON}[payments]",
    ),
    "a program's wrong filter is ignored": Mutant(
        f"{OPS}/door/reading.py", "    if wrong:", "    if not known:", f"{SAYS}[audit]"
    ),
    "a page does not say what it did not understand": Mutant(
        f"{PARTS}/listing.py", "for name, why in search.refused.items():",
        "for name, why in {}.items():", f"{SAYS}[audit]",
    ),
    "tests are listed as live": Mutant(
        f"{OPS}/generations/lists.py", "mode=mode_of(search).value", 'mode="live"',
        f"{TESTS}/generations/test_listed.py",
    ),
    "a file has the cost as the charge": Mutant(
        f"{OPS}/generations/lists.py", "to_decimal(row.made.charged_micros)",
        "to_decimal(row.called.known_cost)", f"{TESTS}/generations/test_listed.py",
    ),
}  # fmt: skip


def is_found(mutant: Mutant) -> bool:
    """True if the test fails with the fault in its file, which is written back."""
    path = ROOT / mutant.path
    text = path.read_text()
    if text.count(mutant.was) != 1:
        raise SystemExit(f"{mutant.path} does not have this once: {mutant.was}")
    try:
        path.write_text(text.replace(mutant.was, mutant.becomes))
        run = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-x", mutant.test]
        done = subprocess.run(run, cwd=ROOT, capture_output=True, check=False)  # noqa: S603 - ours
    finally:
        path.write_text(text)
    return done.returncode == 1  # of pytest: tests have failed


def main(part: str = "") -> None:
    missed = []
    for name, mutant in MUTANTS.items():
        if part in name:
            missed += [] if is_found(mutant) else [name]
            print(f"{'missed' if name in missed else 'found'}  {name}", flush=True)  # noqa: T201
    raise SystemExit(f"not found: {', '.join(missed)}" if missed else 0)


if __name__ == "__main__":
    main(*sys.argv[1:2])
