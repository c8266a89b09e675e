"""`manage.py channel test|swap|discard`: test a channel or its pending revision, and switch.

Only a test imports an HTTP client, the adapters and libvips.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser, OutputWrapper

from accounts.management.operator import ACTOR, OperatorCommand, ask, ask_for, found, print_table
from generation.catalogue import services
from generation.models import Channel, ChannelTrial
from generation.oversight.splits import expected_splits, foreseen
from generation.selectors import last_trials
from pictor.kit.secrets.encryption import WrongKey
from pictor.kit.words.money import to_decimal

T = TypeVar("T")

YES_HELP = "do not ask, even if a model loses its last channel"
_AS_STORED = (
    "model", "passed", "pending", "upstream_model", "upstream_size", "upstream_quality",
    "milliseconds", "http_status", "upstream_request_id", "detail", "output_tokens", "cost_source",
)  # fmt: skip
"""Facts of a test."""
ROUTES = ("model", "maps", "state", "tested", "result", "cost")


def add_arguments(actions: Any) -> None:
    test = actions.add_parser("test", help="make one small real image on each of its routes")
    _add_name(test, pending="test the routes of its pending revision")
    test.add_argument("--route", metavar="MODEL", help="only this model's route")
    test.add_argument("--enable", action="store_true", help="then let it serve, if all passed")
    swap = actions.add_parser("swap", help="swap in its pending revision, once tested")
    _add_name(swap)
    swap.add_argument("--untested", action="store_true", help="without a test")
    swap.add_argument("--yes", action="store_true", help=YES_HELP)
    _add_name(actions.add_parser("discard", help="discard its pending revision"))


def _add_name(action: CommandParser, *, pending: str = "") -> None:
    action.add_argument("name")
    action.add_argument("--json", action="store_true")
    if pending:
        action.add_argument("--pending", action="store_true", help=pending)


def read_channel(options: Mapping[str, Any]) -> Channel:
    return channel_named(options["name"])


def channel_named(name: str) -> Channel:
    return found(services.channel_named(name), f"no channel named {name!r}")


def foreseen_and_made(stdout: OutputWrapper, change: Callable[..., T], *, yes: bool) -> T:
    """Make a change, after printing each model's split before and after it.

    If a model would be left without a channel, that is printed, and confirmed unless `yes`.
    """
    splits, stops = foreseen(change)
    if stops and not yes:
        stdout.write(stops)
        ask(stdout, "Stop that?")
    for split in splits:
        stdout.write(str(split))
    return change(may_stop=True) if stops else change()


def untested_by_name(
    stdout: OutputWrapper, change: Callable[..., T], *, channel: Channel, untested: bool
) -> Callable[..., T]:
    """A change that may need tests: without them, the channel's typed name stands in for them.

    Raises ValidationError if another name, or none, is typed.
    """
    if untested:
        return partial(change, untested=True)
    try:
        expected_splits(partial(change, may_stop=True))
    except ValidationError as error:
        if getattr(error, "code", None) != services.UNTESTED:
            raise
        candidate, _ = services.revised(channel)
        if services.refusal_of_untested(candidate):
            raise
        stdout.write(" ".join(error.messages))
        if ask_for(stdout, f"To go without tests, type its name, {channel.name}:") != channel.name:
            raise
        return partial(change, untested=True)
    return change


def try_out(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    """Print the cost `aside`, make an image on each route, and approve those that passed.

    Raises CommandError if one did not pass, once all were tried.
    """
    from generation.catalogue import trials  # noqa: PLC0415 - heavy, only for this

    channel, pending = read_channel(options), options["pending"]
    models = options["route"] and [options["route"]]
    try:
        calls = trials.ready(channel, models=models, pending=pending)
    except WrongKey:
        raise CommandError(
            f"{channel.name}: its API key was encrypted with a key that is not in"
            " PICTOR_ENCRYPTION_KEYS; set it again"
        ) from None
    command.aside(options).write(str(trials.estimate_of(calls.values())))
    edits = {model for model, each in calls.items() if each.is_edit}
    run = []
    for row in trials.plan_trials(channel, models=models, pending=pending, actor=ACTOR):
        run.append(trials.run_trial(row.id))
        if not options["json"]:
            task = " by an edit" if row.model in edits else ""
            command.stdout.write(f"{channel.name}: {row.model}{task}{_result(run[-1])}")
    command.tell(options, [_trial(row) | {"is_edit": row.model in edits} for row in run])
    failed = [row for row in run if not row.passed]
    if failed:
        first = f"{failed[0].model}{_result(failed[0])}"
        raise CommandError(f"{channel.name}: {len(failed)} of {len(run)} have not passed: {first}")
    if options["enable"]:
        enable = partial(services.set_enabled, channel=channel, is_enabled=True, actor=ACTOR)
        foreseen_and_made(command.aside(options), enable, yes=True)
        command.aside(options).write(f"{channel.name} is enabled")


def swap(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    """Put the pending revision in place, and print the number of calls begun before."""
    channel, stdout = read_channel(options), command.stdout
    swapping = partial(services.swap, channel=channel, actor=ACTOR)
    if options["json"]:
        under_way = swapping(untested=options["untested"], may_stop=options["yes"])
        command.tell(options, {"channel": channel.name, "calls_under_way": under_way})
        return
    change = untested_by_name(stdout, swapping, channel=channel, untested=options["untested"])
    under_way = foreseen_and_made(stdout, change, yes=options["yes"])
    goes_on = f"; {under_way} calls in flight finish with the former settings" if under_way else ""
    stdout.write(f"{channel.name} is swapped{goes_on}")


def discard(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    channel = read_channel(options)
    services.discard(channel=channel, actor=ACTOR)
    words = f"the pending revision of {channel.name} is discarded"
    command.tell(options, {"channel": channel.name}, words)


def trial_facts(channel: Channel) -> dict[str, Any]:
    """The present configuration, each route's last test, and the pending revision; JSON values."""
    return {
        **services.describe(channel),
        "untested": services.untested_models(channel),
        "retires": {m: day.isoformat() for m, day in services.retirements_of(channel).items()},
        "trials": [_trial(row) for row in last_trials(channel)],
        "pending": _pending(channel),
    }


def print_facts(stdout: OutputWrapper, channel: Channel, facts: dict[str, Any]) -> None:
    state = "enabled" if channel.is_enabled else "disabled"
    stdout.write(f"{channel.name}: {channel.kind} at {channel.base_url}, {state}")
    rows = [_row(facts, model) for model in facts["models"]]
    print_table(stdout, [ROUTES, *rows])
    if facts["pending"]:
        pending = facts["pending"]
        key = ", another key" if pending["has_new_key"] else ""
        stdout.write(f"pending: {pending['kind']} at {pending['base_url']}{key}")
        print_table(stdout, [ROUTES, *(_row(pending, model) for model in pending["models"])])


def _pending(channel: Channel) -> dict[str, Any] | None:
    revision = services.pending_of(channel)
    if revision is None:
        return None
    candidate, routes = services.revised(channel)
    return {
        **services.describe(candidate, routes),
        "has_new_key": candidate.credentials != channel.credentials,
        "untested": services.waiting_models(channel),
        "trials": [_trial(row) for row in last_trials(channel, pending=True)],
        "changed_by": revision.changed_by,
        "since": revision.created_at.isoformat(),
    }


def _result(row: ChannelTrial) -> str:
    """The result of a test, to be printed after the model's name."""
    if not row.passed:
        status = f" (HTTP {row.http_status})" if row.http_status else ""
        why = " ".join(row.detail.split())
        return f": {row.trial_class or 'not ended'}: {why}{status}"
    return (
        f" in {row.milliseconds} ms, {row.width}x{row.height} {row.image_format},"
        f" {row.size_bytes} bytes, {_cost_text(row)}"
    )


def _cost_text(row: ChannelTrial) -> str:
    known = row.known_cost_micros
    return "cost unknown" if known is None else f"${to_decimal(known).rstrip('0').rstrip('.')}"


def _row(facts: dict[str, Any], model: str) -> tuple[str, ...]:
    last = next((row for row in facts["trials"] if row["model"] == model), None)
    return (
        model,
        facts["maps"].get(model, model),
        "untested" if model in facts["untested"] else "approved",
        "never" if last is None else last["started_at"],
        "" if last is None else last["class"] or "not ended",
        "" if last is None else last["cost"] or "unknown",
    )


def _trial(row: ChannelTrial) -> dict[str, Any]:
    known = row.known_cost_micros
    return {
        "id": str(row.id),
        **{name: getattr(row, name) for name in _AS_STORED},
        "started_at": None if row.started_at is None else row.started_at.isoformat(),
        "class": row.trial_class,
        "size": None if row.width is None else f"{row.width}x{row.height}",
        "format": row.image_format,
        "bytes": row.size_bytes,
        "picture": row.picture_key,
        "cost": None if known is None else to_decimal(known),
    }
