"""`pictor do ACT [ID] --field …`: the acts of the operator's console at the shell."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import CommandError, CommandParser
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, ask, ask_for, found
from accounts.services import By
from console.ops.access import Mode, Permission
from console.ops.declared import ACTS
from console.parts.acts import Act, ActResult, Asked, Change, Preview, Proposal
from generation.catalogue import services
from generation.catalogue.model_files import written
from generation.selectors import contract_by_name
from pictor.kit.words import clock, ids
from pictor.kit.words.errors import Unavailable

FROM_STDIN = "-"
EMPTY = "none"
EXPORT = "model.export"
"""A read beside the acts: nothing is asked or recorded (ADR 0067)."""


class Command(OperatorCommand):
    help = "Do what the operator's console does. `do ACT --help` lists an act's fields."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="act", required=True, metavar="ACT")
        export = actions.add_parser(EXPORT, help="print a model's file, which model.import takes")
        export.add_argument("subject", metavar="MODEL")
        for name, act in sorted(ACTS.items()):
            lead = act.lead.replace("{}", act.about.kind if act.about else "")
            _add_fields(actions.add_parser(name, help=lead, description=lead), act)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["act"] == EXPORT:
            words = f"there is no model {options['subject']!r}"
            contract = found(contract_by_name(options["subject"]), words)
            self.stdout.write(written(services.file_of(contract)), ending="")
            return
        act = ACTS[options["act"]]
        asked = _asked(act, options)
        proposal = Proposal(act, asked, _typed(act, asked, options))
        if proposal.is_refused:
            raise CommandError(" ".join(_mistakes(proposal)))
        seen = self._shown(proposal, options)
        try:
            done = proposal.settle(seen=seen, confirm=options["confirm"] or "")
        except Unavailable as error:
            raise CommandError(error.message) from None
        if done is None:
            raise CommandError(" ".join(_mistakes(proposal)) or "Nothing was changed.")
        results = [result.facts for result in done.results]
        facts = {"act": act.name, "done": done.words, **done.facts}
        facts |= {"secret": done.secret} if done.secret else {}
        self.tell(options, {**facts, **({"results": results} if results else {})}, *_lines(done))

    def _shown(self, proposal: Proposal[Any], options: dict[str, Any]) -> str:
        """Print the effect and ask; return its digest, empty without one."""
        preview = proposal.preview
        if preview is None:
            return ""
        aside = self.aside(options)
        for line in _effect(preview):
            aside.write(line)
        confirmation = preview.confirmation
        if confirmation and not options["confirm"]:
            options["confirm"] = ask_for(aside, f"{confirmation.label}:")
        elif not confirmation and not options["yes"]:
            ask(aside, f"{preview.verb or proposal.act.verb}?")
        return preview.digest


def _add_fields(parser: ArgumentParser, act: Act[Any]) -> None:
    if act.about:
        parser.add_argument("subject", metavar=act.about.kind.upper(), help="its id or name")
    for name, field in act.typed.items():
        option, words = f"--{name.replace('_', '-')}", str(field.label or name)
        words += "; or: none" if act.edits and not field.required else ""
        if isinstance(field, forms.BooleanField):
            parser.add_argument(option, action="store_true", help=words)
        else:
            many = isinstance(field.widget, forms.MultipleHiddenInput | forms.SelectMultiple)
            parser.add_argument(option, action="append" if many else "store", help=words)
    parser.add_argument("--confirm", metavar="TEXT", help="what a page makes one type to confirm")
    parser.add_argument("--yes", action="store_true", help="answer the question, if there is one")
    parser.add_argument("--json", action="store_true")


def _asked(act: Act[Any], options: dict[str, Any]) -> Asked[Any]:
    subject = act.about.named(options["subject"]) if act.about else None
    if act.about and subject is None:
        raise CommandError(f"there is no {act.about.kind} {options['subject']!r}")
    return Asked(
        subject=subject,
        by=By(actor=ACTOR, ip=None),
        may=frozenset(Permission),
        mode=Mode.LIVE,
        once=ids.new_uuid(),
        now=clock.now(),
    )


def _typed(act: Act[Any], asked: Asked[Any], options: dict[str, Any]) -> MultiValueDict[str, Any]:
    """What was typed, as a form sends it; other fields keep what their page proposes."""
    typed = QueryDict(mutable=True)
    for name, value in options.items():
        if name in act.typed and value is not None and value is not False:
            typed.setlist(name, _sent(act, value))
    try:
        act.complete(asked, typed)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    return typed


def _sent(act: Act[Any], value: Any) -> list[str]:
    """Return an option as a form sends it; `none` empties what an act edits."""
    if isinstance(value, list):
        return value
    if value is True:
        return ["on"]
    return [""] if act.edits and value == EMPTY else [_text(value)]


def _text(value: str) -> str:
    """Return a value; `-` is read from standard input, `@FILE` from a file."""
    if value == FROM_STDIN:
        return sys.stdin.read()
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{value[1:]}: {error}") from None


def _mistakes(proposal: Proposal[Any]) -> Iterator[str]:
    """What was typed wrong, or stops the act, each as a sentence."""
    for name, errors in proposal.form.errors.items():
        option = "" if name == NON_FIELD_ERRORS else f"--{name.replace('_', '-')}: "
        yield from (f"{option}{error}" for error in errors)
    yield from filter(None, (proposal.complaint, proposal.confirmation_error, proposal.stops))


def _effect(preview: Preview) -> Iterator[str]:
    yield from preview.warnings
    yield from map(_change, preview.changes)
    yield from [f"and {len(preview.more)} more"] if preview.more else []
    yield from map(_change, preview.items)
    yield from (f"left out: {words}: {why}" for words, why in preview.left_out)
    yield from (*preview.lines, *preview.notes)


def _change(change: Change) -> str:
    before = f"{change.before} → " if change.before else ""
    return f"{change.label}: {before}{change.after}"


def _lines(done: ActResult) -> Iterator[str]:
    yield from filter(None, (done.words, done.secret))
    for result in done.results:
        yield f"{result.words}: {result.outcome}{f': {result.note}' if result.note else ''}"
    for name, value in done.facts.items():
        yield f"{name}  {value if isinstance(value, str) else json.dumps(value)}"
