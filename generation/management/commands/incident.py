"""`manage.py incident start|plan|update|resolve|correct|list`: incidents for customers."""

from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.core.management.base import CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, read_limit, read_time, read_words
from generation.models import Incident
from generation.oversight import incidents
from generation.oversight.incidents import STAFF_STATES, IncidentFilter, IncidentWords, State
from pictor.kit.words import clock

COLUMNS = ("id", "state", "begins_at", "ends_at", "next_update_at", "parts", "title")
BEGINNINGS = [state.value for state in STAFF_STATES if state != State.RESOLVED]


class Command(OperatorCommand):
    help = "Inform customers about an incident or maintenance, or print what is published."

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

    def _start(self, options: Mapping[str, Any]) -> None:
        state = State(options["state"])
        self._tell_of(incidents.begin(**_post(options), **_new(options), state=state), options)

    def _plan(self, options: Mapping[str, Any]) -> None:
        begins_at, ends_at = read_time(options["from_at"]), read_time(options["until_at"])
        planned = incidents.plan(
            **_post(options), **_new(options), begins_at=begins_at, ends_at=ends_at
        )
        self._tell_of(planned, options)

    def _update(self, options: Mapping[str, Any]) -> None:
        which, state = read_limit(options["id"]) or 0, options["state"]
        updated = incidents.update(
            **_post(options), incident_id=which, state=State(state) if state else None
        )
        self._tell_of(updated, options)

    def _resolve(self, options: Mapping[str, Any]) -> None:
        self._update({**options, "state": State.RESOLVED.value})

    def _correct(self, options: Mapping[str, Any]) -> None:
        which, words, now = read_limit(options["id"]) or 0, options["words"], clock.now()
        update = incidents.correct(update_id=which, words=words, now=now, actor=ACTOR)
        self.tell(options, _row(update.incident, now), f"update {update.id} is corrected")

    def _tell_of(self, incident: Incident, options: Mapping[str, Any]) -> None:
        now = clock.now()
        row = _row(incident, now)
        mailed = row["updates"][0]["mailed"]
        whom = f"; {mailed} owners are mailed" if options["mail"] else ""
        state = incident.state_at(now).label.lower()
        self.tell(
            options, {**row, "mailed": mailed}, f"{incident.id}: {incident.title}, {state}{whom}"
        )

    def _list(self, options: Mapping[str, Any]) -> None:
        every, now = IncidentFilter(), clock.now()
        ended = incidents.ended(every, now=now) if options["all"] else []
        rows = [_row(incident, now) for incident in (*incidents.open_ones(every, now=now), *ended)]
        self.tell_rows(options, rows, COLUMNS, empty="Nothing is open.")


def _add_words(parser: ArgumentParser) -> None:
    parser.add_argument("--words", required=True, metavar="TEXT", help="for customers")
    parser.add_argument("--next", metavar="TIME", help="time of your next update")
    parser.add_argument(
        "--mail",
        action="store_true",
        help="mail the owners of tenants that used the parts in 30 days",
    )
    parser.add_argument("--json", action="store_true")


def _new(options: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": options["title"], "touched": read_words(options["parts"]) or []}


def _post(options: Mapping[str, Any]) -> dict[str, Any]:
    """What is said to customers, by whom and when."""
    until = options["next"]
    post = IncidentWords(
        words=options["words"],
        once=uuid4(),
        next_update_at=read_time(until) if until else None,
        mails=options["mail"],
    )
    return {"post": post, "now": clock.now(), "actor": ACTOR}


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
