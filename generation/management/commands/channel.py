"""`manage.py channel ACTION`: operators' changes of channels, and questions about them."""

from functools import partial
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, print_table
from generation.catalogue import services
from generation.catalogue.rotation import rotate_credentials
from generation.catalogue.services import ChannelOptions
from generation.management import (
    channel_costs,
    channel_explain,
    channel_options,
    channel_presets,
    channel_traffic,
    channel_trials,
)
from generation.management.channel_traffic import hours_in
from generation.management.channel_trials import read_channel
from generation.models import Channel
from generation.selectors import Calls, attempts_since
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, to_decimal

COLUMNS = (
    "name", "kind", "state", "serves", "priority", "weight", "timeout", "cost", "base_url",
    "models", "sizes", "maps",
)  # fmt: skip
CALLS = ("channel", "model", "class", "attempts", "seconds", "cost", "cost_unknown")
NONE = "none"


class Command(OperatorCommand):
    help = "Create, change, switch, test and list channels. Applies from the next request on."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        change = actions.add_parser("set", help="create a channel, disabled, or change one")
        channel_options.add_options(change)
        enable = actions.add_parser("enable", help="let it serve, once tested")
        enable.add_argument("name")
        enable.add_argument("--untested", action="store_true", help="without a test")
        for action, words in (
            ("disable", "send it no more requests"),
            ("reset", "reset breakers, Retry-After gates and counters"),
        ):
            subparser = actions.add_parser(action, help=words)
            subparser.add_argument("name")
            if action == "disable":
                subparser.add_argument("--yes", action="store_true", help=channel_trials.YES_HELP)
        kinds = actions.add_parser("kinds", help="list kinds of channels, and presets of each")
        kinds.add_argument("--json", action="store_true")
        channel_trials.add_arguments(actions)
        actions.add_parser(
            "rotate", help="re-encrypt all channels' credentials with the newest encryption key"
        )
        every = actions.add_parser("list", help="list all channels, in the order they are tried")
        every.add_argument("--json", action="store_true")
        every.add_argument("--archived", action="store_true", help="list archived ones")
        lately = actions.add_parser("attempts", help="sum up recent calls to channels")
        channel_traffic.add_hours(lately, most=168, usual=1)
        costs = actions.add_parser("cost", help="import, copy or show its costs")
        channel_costs.add_arguments(costs)
        channel_traffic.add_arguments(actions)
        why = actions.add_parser(
            "explain", help="show which channels would be called for a model, and why not others"
        )
        channel_explain.add_arguments(why)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        unserved = services.unserved_models()
        super().handle(*args, **options)
        if warning := services.unserved_warning(unserved):
            self.stderr.write(f"warning: {warning}")

    def _set(self, options: dict[str, Any]) -> None:
        given, name = channel_options.read(options), options["name"].strip()
        preset = options["preset"] and channel_presets.read_preset(options["preset"])
        if preset:
            given = channel_presets.options_below(preset, name, given)

        def change(again: Micros | None) -> tuple[Channel, bool]:
            typed = cast(ChannelOptions, {} if again is None else {"cost_again": again})
            write = partial(
                services.set_channel,
                name=name,
                options={**given, **typed},
                actor=ACTOR,
            )
            if preset:
                channel_presets.show(self.stdout, preset, write, yes=options["yes"])
            return channel_trials.foreseen_and_made(self.stdout, write, yes=options["yes"])

        channel, is_new = channel_costs.typed_again(self.stdout, options["again"], change)
        warning = services.egress_warning(channel.base_url, allow=settings.EGRESS_ALLOW)
        if warning and (is_new or options["base_url"] is not None):
            self.stderr.write(f"warning: {warning}")
        done = "created" if is_new else "updated"
        done += "" if channel.is_enabled else ", disabled"
        self.stdout.write(f"{channel.name} is {done}")
        if services.pending_of(channel) is not None:
            self.stdout.write(_next_of_pending(channel))
        elif channel.is_enabled and (waiting := services.untested_models(channel)):
            self.stdout.write(
                f"not served before `channel test {channel.name}` has passed: {', '.join(waiting)}"
            )

    def _enable(self, options: dict[str, Any]) -> None:
        channel = read_channel(options)
        enable = partial(services.set_enabled, channel=channel, is_enabled=True, actor=ACTOR)
        channel_trials.foreseen_and_made(
            self.stdout,
            channel_trials.untested_by_name(
                self.stdout, enable, channel=channel, untested=options["untested"]
            ),
            yes=True,
        )
        self.stdout.write(f"{channel.name} is enabled")

    def _disable(self, options: dict[str, Any]) -> None:
        channel = read_channel(options)
        disable = partial(services.set_enabled, channel=channel, is_enabled=False, actor=ACTOR)
        channel_trials.foreseen_and_made(self.stdout, disable, yes=options["yes"])
        self.stdout.write(f"{channel.name} is disabled")

    def _reset(self, options: dict[str, Any]) -> None:
        channel = read_channel(options)
        services.reset(channel=channel, actor=ACTOR)
        self.stdout.write(f"{channel.name} is reset")

    def _rotate(self, options: dict[str, Any]) -> None:
        done = rotate_credentials(actor=ACTOR)
        self.stdout.write(f"{done.changed} re-encrypted, {done.unchanged} already were")
        if done.unreadable:
            raise CommandError(
                f"no key of PICTOR_ENCRYPTION_KEYS opens that of {', '.join(done.unreadable)}:"
                " set it again with channel set --api-key -"
            )

    def _list(self, options: dict[str, Any]) -> None:
        channels = services.all_channels(archived=options["archived"])
        found = [services.describe(channel) for channel in channels]
        self.tell(options, found)
        if not options["json"]:
            print_table(self.stdout, [COLUMNS, *(_row(channel) for channel in found)])

    def _attempts(self, options: dict[str, Any]) -> None:
        rows = [_calls(row) for row in attempts_since(clock.now() - hours_in(options))]
        self.tell(options, rows)
        if not options["json"]:
            print_table(self.stdout, [CALLS, *(tuple(map(str, row.values())) for row in rows)])

    _test, _swap, _discard = channel_trials.try_out, channel_trials.swap, channel_trials.discard
    _kinds = channel_presets.list_kinds
    _show, _history = channel_traffic.show, channel_traffic.history
    _errors, _explain, _cost = channel_traffic.show_errors, channel_explain.run, channel_costs.run


def _calls(calls: Calls) -> dict[str, Any]:
    values = (
        calls.channel,
        calls.model,
        calls.attempt_class or "under way",
        calls.number,
        None if calls.seconds is None else round(calls.seconds, 1),
        to_decimal(calls.cost_micros),
        calls.cost_unknown,
    )
    return dict(zip(CALLS, values, strict=True))


def _next_of_pending(channel: Channel) -> str:
    try:
        services.fresh_pending(channel)
    except ValidationError as error:
        return " ".join(error.messages)
    return (
        f"its pending revision waits: test it by `channel test {channel.name} --pending`,"
        f" and put it in place by `channel swap {channel.name}`"
    )


def _row(channel: dict[str, Any]) -> tuple[str, ...]:
    words = {
        **channel,
        "state": "enabled" if channel["enabled"] else "disabled",
        "models": ",".join(channel["models"]) or NONE,
        "sizes": "all" if channel["sizes"] is None else ",".join(channel["sizes"]),
        "maps": _pairs(channel["maps"]) or NONE,
        "cost": _cost_text(channel),
    }
    return tuple(str(words[column]) for column in COLUMNS)


def _cost_text(channel: dict[str, Any]) -> str:
    """One amount if all models cost the same."""
    costs = channel["cost"]
    is_flat = len(costs) == len(channel["models"]) and len(set(costs.values())) == 1
    return next(iter(costs.values())) if is_flat else _pairs(costs) or "unknown"


def _pairs(words: dict[str, str]) -> str:
    return ",".join(f"{model}={word}" for model, word in words.items())
