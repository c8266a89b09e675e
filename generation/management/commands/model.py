"""`manage.py model ACTION`: contracts, their channels and their ends."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, time
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, read_time, say_invalid
from generation.catalogue import services
from generation.catalogue.services.sunsets import SOON, announce_sunset, withdraw_sunset
from generation.management import model_changes, model_facts
from generation.models import Contract
from pictor.kit.words import clock, typed


class Command(OperatorCommand):
    help = "List, show, change, copy and end models."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        model_facts.add_arguments(actions)
        model_changes.add_arguments(actions)
        sunset = actions.add_parser(
            "sunset", help="announce the end of a model, for good once it came, and its successor"
        )
        sunset.add_argument("model")
        sunset.add_argument("--on", metavar="DATE", help="the first UTC day without it; or a time")
        sunset.add_argument("--successor", metavar="MODEL", help="its successor")
        sunset.add_argument(
            "--deprecated",
            metavar="DATE",
            help="from when nobody should start to use it; default: now",
        )
        sunset.add_argument(
            "--soon",
            action="store_true",
            help="confirm a date within 60 days; an end that has come is for good",
        )
        sunset.add_argument("--withdraw", action="store_true", help="withdraw the announced end")
        sunset.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except ValidationError as error:
            hint = ": --soon" if getattr(error, "code", None) == SOON else ""
            raise CommandError(f"{say_invalid(error)}{hint}") from None

    def _list(self, options: Mapping[str, Any]) -> None:
        rows = model_facts.listed(options)
        self.tell(options, [model_facts.facts_of(row) for row in rows])
        if not options["json"]:
            model_facts.print_models(self.stdout, rows)

    def _show(self, options: Mapping[str, Any]) -> None:
        contract = model_facts.model_named(options["model"])
        (row,) = model_facts.listed(options, contract.pk)
        columns = services.columns_of(contract)
        self.tell(options, {**model_facts.facts_of(row), "promise": columns})
        if not options["json"]:
            model_facts.print_model(self.stdout, row, contract)

    def _set(self, options: Mapping[str, Any]) -> None:
        contract, reviewed = model_changes.change(self.stdout, self.aside(options), options)
        columns = {"model": contract.pk, **services.columns_of(contract)}
        words = "is changed" if reviewed.changes_something else "is unchanged"
        self.tell(options, columns, f"{contract.pk} {words}")

    def _copy(self, options: Mapping[str, Any]) -> None:
        contract, _ = services.copy_contract(
            model=options["model"], source=options["source"], actor=ACTOR
        )
        columns = {"model": contract.pk, **services.columns_of(contract)}
        self.tell(options, columns, f"{contract.pk} is created, switched off")

    def _sunset(self, options: Mapping[str, Any]) -> None:
        given = [options[name] for name in ("on", "successor", "deprecated", "soon")]
        if options["withdraw"]:
            if any(given):
                raise CommandError("--withdraw takes no date and no successor")
            contract = withdraw_sunset(model=options["model"], now=clock.now(), actor=ACTOR)
            self.tell(options, _row(contract), f"{contract.model} stays")
            return
        if not (options["on"] and options["successor"]):
            raise CommandError("--on DATE and --successor MODEL are needed, or --withdraw")
        contract = announce_sunset(
            model=options["model"],
            sunset_at=_read_date(options["on"]),
            successor=options["successor"],
            deprecated_at=_read_date(options["deprecated"]) if options["deprecated"] else None,
            is_meant=options["soon"],
            now=clock.now(),
            actor=ACTOR,
        )
        row = _row(contract)
        self.tell(
            options,
            row,
            f"{row['model']} is deprecated since {row['deprecated_at']} and ends at"
            f" {row['sunset_at']}: then requests get 410 model_sunset, which names"
            f" {row['successor']}. Once it has come, the end is for good",
        )


def _read_date(text: str) -> datetime:
    """Read a date as the beginning of that day in UTC, or a time with its zone."""
    with suppress(ValueError):
        return datetime.combine(typed.day(text), time.min, tzinfo=UTC)
    return read_time(text)


def _row(contract: Contract) -> dict[str, str | None]:
    deprecated_at, sunset_at = contract.deprecated_at, contract.sunset_at
    return {
        "model": contract.model,
        "deprecated_at": deprecated_at.isoformat(timespec="seconds") if deprecated_at else None,
        "sunset_at": sunset_at.isoformat(timespec="seconds") if sunset_at else None,
        "successor": contract.successor or None,
    }
