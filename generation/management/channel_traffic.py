"""`manage.py channel show|history|errors NAME`: a channel's state, events and failed calls."""

import argparse
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError

from accounts.management.operator import OperatorCommand, answer, cell_text
from accounts.models import AuditEvent
from accounts.selectors.office.audit import installation_events_about
from generation.catalogue.traffic import OF_MODE, channel_events, errors, minutes
from generation.catalogue.traffic.errors import Errors
from generation.management import channel_trials
from generation.management.channel_trials import read_channel
from generation.models import ChannelEvent
from pictor.kit.words import clock, ids

CELLS = ("minute", "calls", "classes", "p50", "p95")
ERRORS = (
    "class", "status", "fingerprint", "number", "tenants", "first", "last", "generations", "words",
)  # fmt: skip
SHUT = ("kind", "model", "worker", "since")
CHANGES = ("at", "action", "before", "after", "actor")
EVENTS = ("at", "event", "model", "seconds", "worker", "actor", "words")
MAX_EVENTS = 1_000


def add_arguments(actions: "argparse._SubParsersAction[Any]") -> None:
    now = actions.add_parser("show", help="show its routes, tests, pending revision and calls")
    now.add_argument("name")
    now.add_argument("--json", action="store_true")
    errors = actions.add_parser("errors", help="show errors of its calls without an image")
    errors.add_argument("name")
    errors.add_argument("--mode", choices=list(OF_MODE), default="live", help="default: live")
    add_hours(errors, most=168, usual=24)
    history = actions.add_parser("history", help="show events: breakers, gates, operators")
    history.add_argument("name")
    history.add_argument("--changes", action="store_true", help="show changes, before and after")
    add_hours(history, most=channel_events.EVENTS_KEPT // timedelta(hours=1), usual=24)


def add_hours(parser: argparse.ArgumentParser, *, most: int, usual: int) -> None:
    """Add how long to look back, and the answer as JSON; `hours_in` reads it."""
    words = f"1 to {most}; default: {usual}"
    parser.add_argument("--hours", type=int, default=usual, metavar="N", help=words)
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(most_hours=most)


def hours_in(options: Mapping[str, Any]) -> timedelta:
    hours, most = options["hours"], options["most_hours"]
    if not 1 <= hours <= most:
        raise CommandError(f"--hours is 1 to {most}, not {hours}")
    return timedelta(hours=hours)


def show(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    channel, stdout = read_channel(options), command.stdout
    facts = channel_trials.trial_facts(channel)
    shut = [
        {
            "kind": event.kind,
            "model": event.model or None,
            "worker": str(event.worker),
            "since": event.since.isoformat(),
        }
        for event in channel_events.shut_now()
        if event.channel_id == channel.id
    ]
    now = minutes.now_of(channel, now=clock.now())
    cells = [
        {
            "minute": cell.minute.isoformat(),
            "calls": sum(cell.classes.values()),
            "classes": dict(cell.classes),
            "p50": _round(cell.p50),
            "p95": _round(cell.p95),
        }
        for cell in now.cells
    ]
    success = {
        success.model: f"{success.delivered} of {success.calls}"
        for success in minutes.recent_success(now=clock.now())
        if success.channel_id == channel.id
    }
    lately = {"success": success, "p50": _round(now.p50), "p95": _round(now.p95)}
    if options["json"]:
        command.tell(options, {**facts, **lately, "minutes": cells, "shut": shut})
        return
    channel_trials.print_facts(stdout, channel, facts)
    answer(stdout, {name: cell_text(value) for name, value in lately.items()}, as_json=False)
    command.tell_rows(options, shut, SHUT)
    command.tell_rows(options, [cell for cell in cells if cell["calls"]], CELLS)


def history(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    channel, now = read_channel(options), clock.now()
    since = now - hours_in(options)
    if options["changes"]:
        about, name, _ = channel.audited
        done = installation_events_about(about, name, before=now, limit=MAX_EVENTS)
        changes = [_change(event) for event in done if event.at >= since]
        command.tell_rows(options, changes, CHANGES)
        return
    events = channel_events.events_of(channel, since=since, most=MAX_EVENTS)
    command.tell_rows(options, [_event(event) for event in events], EVENTS)


def show_errors(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    channel, since = read_channel(options), clock.now() - hours_in(options)
    rows = errors.errors_of(channel, since=since, mode=options["mode"])
    command.tell_rows(options, [_error(error) for error in rows], ERRORS)


def _error(errors: Errors) -> dict[str, Any]:
    values = (
        errors.attempt_class,
        errors.http_status,
        errors.fingerprint or None,
        errors.number,
        errors.tenants,
        errors.first_at.isoformat(),
        errors.last_at.isoformat(),
        [ids.public(ids.GENERATION, generation) for generation in errors.generations],
        errors.words,
    )
    return dict(zip(ERRORS, values, strict=True))


def _change(event: AuditEvent) -> dict[str, Any]:
    """A change with only the values that differ."""
    before, after = event.before or {}, event.after or {}
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    values = (
        event.at.isoformat(),
        event.action,
        {name: before.get(name) for name in names if name in before},
        {name: after.get(name) for name in names if name in after},
        event.actor_name,
    )
    return dict(zip(CHANGES, values, strict=True))


def _event(event: ChannelEvent) -> dict[str, Any]:
    values = (
        event.at.isoformat(),
        event.kind,
        event.model or None,
        event.seconds,
        str(event.worker) if event.worker else None,
        event.actor or None,
        event.words or None,
    )
    return dict(zip(EVENTS, values, strict=True))


def _round(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
