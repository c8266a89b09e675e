"""`manage.py alert list|set|confirm|rotate`: rules for alerts about conditions."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from django.core.management.base import CommandParser
from typing_extensions import override

from accounts.management.operator import (
    ACTOR,
    OperatorCommand,
    found,
    read_amount,
    read_typed,
    read_words,
)
from generation.models import AlertRule
from generation.oversight.alerts import alert_tests, rules
from generation.oversight.alerts.listing import ListedRule, list_rules, rule_named
from generation.oversight.alerts.results import short
from generation.oversight.alerts.rules import MAX_HOURS, MAX_MINUTES, RuleValues
from pictor.kit.words import clock, typed

COLUMNS = ("name", "is", "kinds", "to", "matches", "told", "result")
NONE = "none"


class Command(OperatorCommand):
    help = "Print alert rules and their recipients; change, test and switch them."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser(
            "list", help="list the rules, their matches and their last alerts"
        )
        listing.add_argument("--removed", action="store_true", help="include removed ones")
        change = actions.add_parser("set", help="create a rule, or change the given settings")
        _add_options(change)
        rotate = actions.add_parser(
            "rotate", help="create a new secret, shown once; the old one signs too for a day"
        )
        rotate.add_argument("name")
        confirm = actions.add_parser("confirm", help="confirm an address that is not staff's")
        confirm.add_argument("name")
        confirm.add_argument("address")
        confirm.add_argument("code", help="from the test mail to it")
        for subparser in actions.choices.values():
            subparser.add_argument("--json", action="store_true")

    def _set(self, options: Mapping[str, Any]) -> None:
        rule = rule_named(options["name"])
        present = RuleValues(options["name"]) if rule is None else rules.values_of(rule)
        values = replace(present, **_changes(options))
        saved = rules.save_rule(values=values, rule=rule, now=clock.now(), actor=ACTOR)
        facts = {**rules.rule_facts(saved.rule), "secret": saved.secret or None}
        off = "; it is off until a test gets through" if not saved.rule.is_enabled else ""
        lines = [f"{saved.rule.name} is {'created' if rule is None else 'changed'}{off}"]
        if saved.secret:
            lines.append(f"Its secret, shown this once: {saved.secret}")
        self.tell(options, facts, *lines)

    def _rotate(self, options: Mapping[str, Any]) -> None:
        secret = rules.rotate_secret(rule=_rule(options), now=clock.now(), actor=ACTOR)
        self.tell(options, {"secret": secret}, f"Its new secret, shown this once: {secret}")

    def _confirm(self, options: Mapping[str, Any]) -> None:
        rule, address, code = _rule(options), options["address"], options["code"]
        alert_tests.confirm(rule=rule, address=address, code=code, now=clock.now(), actor=ACTOR)
        self.tell(options, {"confirmed": address}, f"{address} now gets alerts of {rule.name}")

    def _list(self, options: Mapping[str, Any]) -> None:
        now = clock.now()
        rows = [_row(rule) for rule in list_rules(now=now)]
        rows += [_row(rule) for rule in list_rules(archived=True, now=now) if options["removed"]]
        self.tell_rows(options, rows, COLUMNS, empty="There are no alert rules.")


def _add_options(change: Any) -> None:
    change.add_argument("name")
    change.add_argument("--rename", metavar="NAME")
    change.add_argument("--kinds", metavar="A,B", help="as `status` names them, or 'all'")
    change.add_argument("--least", metavar="USD", help="the least cost of a condition, or 'none'")
    change.add_argument("--after", metavar="MINUTES", help="the least age of a condition")
    change.add_argument("--repeat", metavar="HOURS", help="repeat it while open; 0: never")
    change.add_argument("--mails", metavar="A,B", help="addresses, or 'none'")
    change.add_argument("--url", metavar="URL", help="of a webhook, or 'none'")
    change.add_argument("--secret", help="'-' reads it from standard input; default: a new one")
    change.add_argument("--page", metavar="URL", help="address of /ops/, for links")


def _changes(options: Mapping[str, Any]) -> dict[str, Any]:
    """The values named on the command line, as in `RuleValues`."""
    readers: Mapping[str, tuple[str, Callable[[str], Any]]] = {
        "rename": ("name", str),
        "kinds": ("kinds", lambda text: None if text == "all" else read_words(text)),
        "least": ("least_micros", lambda text: None if text == NONE else read_amount(text)),
        "after": ("least_minutes", partial(read_typed, partial(typed.number, most=MAX_MINUTES))),
        "repeat": ("repeat_hours", partial(read_typed, partial(typed.number, most=MAX_HOURS))),
        "mails": ("mails", lambda text: [] if text == NONE else read_words(text)),
        "url": ("url", lambda text: "" if text == NONE else text),
        "secret": ("secret", lambda text: sys.stdin.read() if text == "-" else text),
        "page": ("page", str),
    }
    return {
        field: read(options[name])
        for name, (field, read) in readers.items()
        if options[name] is not None
    }


def _rule(options: Mapping[str, Any]) -> AlertRule:
    name = options["name"]
    return found(rule_named(name), f"there is no rule {name!r}")


def _row(listed: ListedRule) -> dict[str, Any]:
    rule, last = listed.rule, listed.last
    state = "removed" if rule.archived_at else "on" if rule.is_enabled else "off"
    return {
        **rules.rule_facts(rule),
        "is": state,
        "kinds": "all" if rule.kinds is None else ",".join(rule.kinds),
        "to": ", ".join(short(each) for each in alert_tests.destinations_of(rule)),
        "matches": len(listed.matching),
        "told": last.at.isoformat(timespec="seconds") if last else "",
        "is_test": last.is_test if last else None,
        "result": "; ".join(f"{result.shown}: {result.words}" for result in listed.results),
        "trouble": listed.trouble,
    }
