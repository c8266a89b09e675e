"""`manage.py incident start|plan|update|resolve|correct|list`: incidents for customers."""

from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import (
    ACTOR,
    OperatorCommand,
    print_table,
    read_limit,
    read_time,
    read_words,
    say_invalid,
)
from generation.models import Incident
from generation.oversight import incidents
from generation.oversight.incidents import STAFF_STATES, IncidentFilter, IncidentWords, State
from pictor.kit.words import clock

COLUMNS = ("id", "state", "begins_at", "ends_at", "next_update_at", "parts", "title")
BEGINNINGS = [state.value for state in STAFF_STATES if state != State.RESOLVED]


class Command(OperatorCommand):
    """Tell customers of an incident or of maintenance, on the status page and by mail."""

    help = "Inform customers about an incident or maintenance, or print what is published."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        start = actions.add_parser("start", help="announce an incident")
        plan = actions.add_parser(
            "plan", help="announce maintenance, which begins and ends at given times"
        )
        for new in (start, plan):
            new.add_argument("title")
            new.add_argument(
                "--parts", required=True, metavar="A,B", help="names of parts on /status/"
            )
        start.add_argument("--state", choices=BEGINNINGS, default=State.INVESTIGATING.value)
        for name in ("--from", "--until"):
            plan.add_argument(name, required=True, metavar="TIME", dest=name.strip("-") + "_at")
        update = actions.add_parser("update", help="say more")
        update.add_argument("id", metavar="ID")
        update.add_argument("--state", choices=[state.value for state in STAFF_STATES])
        resolve = actions.add_parser(
            "resolve", help="announce the end, or an early end of maintenance"
        )
        resolve.add_argument("id", metavar="ID")
        for saying in (start, plan, update, resolve):
            _add_words(saying)
        correct = actions.add_parser("correct", help="replace the words of an update")
        correct.add_argument("id", metavar="UPDATE", help="from `list --json`")
        correct.add_argument("--words", required=True, metavar="TEXT")
        correct.add_argument("--json", action="store_true")
        listing = actions.add_parser("list", help="list open ones; with --all ended ones too")
        listing.add_argument("--all", action="store_true")
        listing.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        try:
            if options["action"] == "list":
                self._list(options, now)
            elif options["action"] == "correct":
                which = read_limit(options["id"]) or 0
                update = incidents.correct(
                    update_id=which, words=options["words"], now=now, actor=ACTOR
                )
                self.tell(options, _row(update.incident, now), f"update {update.id} is corrected")
            else:
                self._tell_of(_run_action(options, now), options, now)
        except ValidationError as error:
            raise say_invalid(error) from None

    def _tell_of(self, incident: Incident, options: Mapping[str, Any], now: datetime) -> None:
        row = _row(incident, now)
        mailed = row["updates"][0]["mailed"]
        whom = f"; {mailed} owners are mailed" if options["mail"] else ""
        state = incident.state_at(now).label.lower()
        self.tell(
            options, {**row, "mailed": mailed}, f"{incident.id}: {incident.title}, {state}{whom}"
        )

    def _list(self, options: Mapping[str, Any], now: datetime) -> None:
        every = IncidentFilter()
        ended = incidents.ended(every, now=now) if options["all"] else []
        rows = [_row(incident, now) for incident in (*incidents.open_ones(every, now=now), *ended)]
        self.tell(options, rows, *([] if rows else ["Nothing is open."]))
        if rows and not options["json"]:
            cells = [tuple(_cell(row[name]) for name in COLUMNS) for row in rows]
            print_table(self.stdout, [COLUMNS, *cells])


def _add_words(parser: ArgumentParser) -> None:
    parser.add_argument("--words", required=True, metavar="TEXT", help="for customers")
    parser.add_argument("--next", metavar="TIME", help="time of your next update")
    parser.add_argument(
        "--mail",
        action="store_true",
        help="mail the owners of tenants that used the parts in 30 days",
    )
    parser.add_argument("--json", action="store_true")


def _run_action(options: Mapping[str, Any], now: datetime) -> Incident:
    until = options["next"]
    post = IncidentWords(
        words=options["words"],
        once=uuid4(),
        next_update_at=read_time(until) if until else None,
        mails=options["mail"],
    )
    action = options["action"]
    if action in {"start", "plan"}:
        new = {"title": options["title"], "touched": read_words(options["parts"]) or []}
        if action == "start":
            state = State(options["state"])
            return incidents.begin(**new, state=state, post=post, now=now, actor=ACTOR)
        begins_at, ends_at = read_time(options["from_at"]), read_time(options["until_at"])
        return incidents.plan(
            **new, begins_at=begins_at, ends_at=ends_at, post=post, now=now, actor=ACTOR
        )
    which = read_limit(options["id"])
    if which is None:
        raise CommandError("give the number of the incident")
    word = State.RESOLVED.value if action == "resolve" else options["state"]
    state_said = State(word) if word else None
    return incidents.update(incident_id=which, state=state_said, post=post, now=now, actor=ACTOR)


def _row(incident: Incident, now: datetime) -> dict[str, Any]:
    times = {name: getattr(incident, name) for name in ("begins_at", "ends_at", "next_update_at")}
    return {
        "id": incident.id,
        "title": incident.title,
        "parts": incident.parts,
        "is_maintenance": incident.is_maintenance,
        "state": incident.state_at(now).value,
        **{name: at and at.isoformat(timespec="seconds") for name, at in times.items()},
        "updates": [
            {
                "id": update.id,
                "at": update.at.isoformat(timespec="seconds"),
                "state": update.state,
                "words": update.words,
                "is_edited": update.edited_at is not None,
                "by": update.by,
                "mailed": update.mailed,
            }
            for update in incidents.updates_of(incident)
        ],
    }


def _cell(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value or "")
