"""`manage.py model sunset MODEL --on DATE --successor MODEL | --withdraw`: when a model ends."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, read_time, say_invalid
from generation.catalogue.services.sunsets import SOON, announce_sunset, withdraw_sunset
from generation.models import Contract
from pictor.kit import clock


class Command(OperatorCommand):
    """Say when a model ends and which follows, or that it stays."""

    help = "Say when a model ends and which follows, or that it stays."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        sunset = actions.add_parser("sunset", help="it ends at a date, and another follows")
        sunset.add_argument("model")
        sunset.add_argument(
            "--on", metavar="DATE", help="the first day without it, in UTC; or a time"
        )
        sunset.add_argument("--successor", metavar="MODEL", help="the model that follows")
        sunset.add_argument(
            "--deprecated", metavar="DATE", help="since when nobody should begin with it: now"
        )
        sunset.add_argument("--soon", action="store_true", help="a date within 60 days is meant")
        sunset.add_argument("--withdraw", action="store_true", help="it stays")
        sunset.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._sunset(options)
        except ValidationError as error:
            hint = ": --soon" if getattr(error, "code", None) == SOON else ""
            raise CommandError(f"{say_invalid(error)}{hint}") from None

    def _sunset(self, options: Mapping[str, Any]) -> None:
        said = [options[name] for name in ("on", "successor", "deprecated", "soon")]
        if options["withdraw"]:
            if any(said):
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
            f" {row['successor']}",
        )


def _read_date(text: str) -> datetime:
    """A day's beginning in UTC, or a time with its zone."""
    try:
        return datetime.combine(date.fromisoformat(text), time.min, tzinfo=UTC)
    except ValueError:
        return read_time(text)


def _row(contract: Contract) -> dict[str, str | None]:
    deprecated_at, sunset_at = contract.deprecated_at, contract.sunset_at
    return {
        "model": contract.model,
        "deprecated_at": deprecated_at.isoformat(timespec="seconds") if deprecated_at else None,
        "sunset_at": sunset_at.isoformat(timespec="seconds") if sunset_at else None,
        "successor": contract.successor or None,
    }
