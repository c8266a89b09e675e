"""Shared parts of the operator's commands: reading arguments, answering in text or JSON.

Every mistake is a CommandError: one clear line on stderr, exit status 1.
"""

import json
import os
import pwd
import sys
from argparse import SUPPRESS, ArgumentParser, _SubParsersAction
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.core.validators import validate_email
from django.db import OperationalError
from typing_extensions import override

from accounts.audit_words import AT_THE_SHELL
from accounts.models import SCOPES, Tenant, User, default_scopes
from accounts.selectors.office.people import user_by_email
from accounts.selectors.office.tenants import tenant_by_name_or_id
from accounts.services.audit import at_the_shell
from pictor.kit.database.errors import is_locked
from pictor.kit.words import typed
from pictor.kit.words.money import Micros

T = TypeVar("T")
ACTOR = AT_THE_SHELL
"""The actor in the audit log for changes made on the command line."""

UNASKED = Micros(settings.MONEY_TYPED_TWICE)
"""A larger change of a balance needs a confirmation."""

_MAX_NAME = 200
_REASON_CHARS = 200


def check_reason(text: str, option: str = "--reason") -> None:
    """Raise CommandError for a reason that is empty, or longer than a transfer keeps."""
    if not text.strip():
        raise CommandError(f"{option} is empty")
    check_note(text, option)


def check_note(text: str, option: str = "--reason") -> None:
    """Raise CommandError for a note or words longer than a transfer keeps."""
    if len(text) > _REASON_CHARS:
        raise CommandError(f"{option} may have at most {_REASON_CHARS} characters")


def read_why(options: Mapping[str, Any]) -> tuple[str, str]:
    """Return why money is moved: `--words` or `--reference` for the tenant, and staff's note."""
    reference = options.get("reference")
    if reference is not None:
        check_reason(reference, "--reference")
        check_note(options["reason"])
        words = reference
    else:
        check_reason(options["reason"])
        check_note(options["words"], "--words")
        words = options["words"]
    return words.strip(), options["reason"].strip()


def read_staff() -> User:
    """Return the person named by `--as`. Raises CommandError unless they are staff."""
    email = at_the_shell.get().partition(" as ")[2]
    user = user_by_email(email) if email else None
    if user is None or not user.staff_role:
        raise CommandError("--as takes the address of the staff member who sends the invitation")
    return user


class OperatorCommand(BaseCommand):
    """A command that changes something; the audit log names the person who ran it.

    That is the system user and, with `--as`, the person at the keyboard. A ValidationError of a
    service becomes a CommandError.
    """

    requires_system_checks: tuple[str, ...] = ()

    @override
    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        for subparser in _with_actions(parser):
            subparser.add_argument(
                "--as",
                dest="as_whom",
                metavar="EMAIL",
                default=SUPPRESS,
                help="who you are, for the audit log",
            )
        return parser

    @override
    def execute(self, *args: Any, **options: Any) -> str | None:
        hand = at_the_shell.set(_hand(options.pop("as_whom", None)))
        try:
            return super().execute(*args, **options)
        except ValidationError as error:
            raise say_invalid(error) from None
        except OperationalError as error:
            if is_locked(error):
                raise CommandError("somebody else is changing this: try again") from None
            raise
        finally:
            at_the_shell.reset(hand)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        """Do the action that was named: `top-up` by the method `_top_up`."""
        getattr(self, f"_{options['action'].replace('-', '_')}")(options)

    def tell(self, options: Mapping[str, Any], facts: object, *lines: str) -> None:
        """Print the facts as one JSON value and nothing else, or the lines."""
        for line in [json.dumps(facts)] if options["json"] else lines:
            self.stdout.write(line)

    def tell_rows(
        self,
        options: Mapping[str, Any],
        rows: Sequence[Mapping[str, Any]],
        columns: Sequence[str],
        *,
        empty: str = "",
    ) -> None:
        """Print rows as one JSON value, or these columns as a table; `empty` if there are none."""
        if options["json"] or (empty and not rows):
            self.tell(options, rows, empty)
        else:
            cells = ([cell_text(row[name]) for name in columns] for row in rows)
            print_table(self.stdout, [columns, *cells])

    def aside(self, options: Mapping[str, Any]) -> OutputWrapper:
        """The stream for questions to a person, which must not mix with JSON."""
        return self.stderr if options["json"] else self.stdout


def _with_actions(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    """The parser and those of its actions, at any depth."""
    yield parser
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to them
        if isinstance(action, _SubParsersAction):
            for subparser in action.choices.values():
                yield from _with_actions(subparser)


def _hand(email: str | None) -> str:
    """`root`, or `root as ann@example.com`. Raises CommandError for an invalid address."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's number without a name
        user = str(os.getuid())
    if email is None:
        return user
    try:
        validate_email(email)
    except ValidationError:
        raise CommandError(f"--as takes an e-mail address, not {email!r}") from None
    if len(email) > _MAX_NAME:
        raise CommandError(f"--as takes an e-mail address of at most {_MAX_NAME} characters")
    return f"{user} as {email}"


def read_amount(text: str) -> Micros:
    """Read an amount in USD with at most 6 decimals, 0 or more."""
    amount = read_typed(typed.amount, text)
    if amount < 0:
        raise CommandError(f"{text!r} is below 0")
    return amount


def read_limit(text: str | None) -> int | None:
    """Read a whole number above 0 that fits its column; None stays None."""
    return None if text is None else read_typed(partial(typed.number, least=1), text)


def read_time(text: str) -> datetime:
    return read_typed(typed.moment, text)


def read_typed(parse: Callable[[str], T], text: str, option: str = "") -> T:
    """Parse what was typed after that option. Raises CommandError with the words of ValueError."""
    try:
        return parse(text)
    except ValueError as error:
        raise CommandError(f"{option}: {error}" if option else str(error)) from None


def read_file(file: str, parse: Callable[[str], T]) -> T:
    """Parse a file of text, or standard input for `-`. Raises CommandError, after its name."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
        return parse(text)
    except (OSError, ValueError) as error:
        raise CommandError(f"{file}: {error}") from None


def read_words(text: str | None) -> list[str] | None:
    """Read 'a,b' as a list; None stays None, and an empty list raises CommandError."""
    if text is None:
        return None
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise CommandError("give a list of names, separated by commas")
    return list(dict.fromkeys(words))


def read_pairs(option: str, form: str, text: str) -> dict[str, str]:
    """Read 'a=b,c=d', as the option's form shows; 'none' is no pair."""
    pairs: dict[str, str] = {}
    for word in [] if text == "none" else read_words(text) or ():
        key, separator, value = (part.strip() for part in word.partition("="))
        if not (key and separator and value) or key in pairs:
            raise CommandError(f"{option} takes {form}, each once, not {text!r}")
        pairs[key] = value
    return pairs


def read_scopes(text: str | None) -> list[str]:
    """Read a key's scopes; None gives the default ones."""
    scopes = read_words(text) or default_scopes()
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise CommandError(f"no such scope: {', '.join(unknown)}; available: {' '.join(SCOPES)}")
    return scopes


def found(named: T | None, otherwise: str) -> T:
    """Return what was named. Raises CommandError with the other words if there is none."""
    if named is None:
        raise CommandError(otherwise)
    return named


def read_tenant(text: str) -> Tenant:
    return found(tenant_by_name_or_id(text), f"no tenant named {text!r}")


def read_person(text: str) -> User:
    return found(user_by_email(text), f"nobody has the address {text!r}")


def say_invalid(error: ValidationError) -> CommandError:
    """A service's refusal as one line, each message after its field."""
    if not hasattr(error, "error_dict"):
        unconfirmed = getattr(error, "code", None) == "unconfirmed"
        options = [" (--reason TEXT, --changes N, --below-cost N)"] * unconfirmed
        return CommandError("".join([" ".join(error.messages), *options]))
    words = [
        message if field == NON_FIELD_ERRORS else f"{field}: {message}"
        for field, messages in error.message_dict.items()
        for message in messages
    ]
    return CommandError(" ".join(words))


def ask(stdout: OutputWrapper, question: str) -> None:
    """Continue after a 'y' on standard input. Raises CommandError for any other answer, or none."""
    if ask_for(stdout, f"{question} [y/N]").lower() not in {"y", "yes"}:
        raise CommandError("Nothing was changed.")


def ask_for(stdout: OutputWrapper, question: str) -> str:
    """Read a line of standard input; empty at its end."""
    stdout.write(f"{question} ", ending="")
    stdout.flush()
    return sys.stdin.readline().strip()


def print_table(stdout: OutputWrapper, rows: Sequence[Sequence[str]]) -> None:
    """Print rows, the first with the columns' names, each column as wide as its widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        stdout.write("  ".join(cells).rstrip())


def cell_text(value: object) -> str:
    """A JSON value as a table has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return json.dumps(value)
    return ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)


def answer(stdout: OutputWrapper, facts: Mapping[str, str], *, as_json: bool) -> None:
    """Print the facts as one JSON object and nothing else, or as lines for a person."""
    if as_json:
        stdout.write(json.dumps(facts))
        return
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        stdout.write(f"{name:<{width}}  {value}")
