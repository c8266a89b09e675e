"""`manage.py channel ACTION`: operators' changes of channels, and questions about them."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import (
    ACTOR,
    OperatorCommand,
    print_table,
    say_invalid,
)
from generation.catalogue import services
from generation.catalogue.rotation import rotate_credentials
from generation.catalogue.services import ChannelOptions
from generation.management import (
    channel_costs,
    channel_explain,
    channel_options,
    channel_traffic,
    channel_trials,
)
from generation.models import Channel
from generation.selectors import Calls, attempts_since
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, to_decimal

COLUMNS = (
    "name", "kind", "state", "serves", "priority", "weight", "timeout", "cost", "base_url",
    "models", "sizes", "maps",
)  # fmt: skip
CALLS = ("channel", "model", "class", "attempts", "seconds", "cost", "cost_unknown")
MAX_HOURS = 168
NONE = "none"


class Command(OperatorCommand):
    """Configure the accounts at vendors that serve generations."""

    help = "Create, change, switch, test and list channels. Applies from the next request on."
    requires_system_checks = ()

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
        channel_trials.add_arguments(actions)
        actions.add_parser(
            "rotate", help="re-encrypt all channels' credentials with the newest encryption key"
        )
        every = actions.add_parser("list", help="list all channels, in the order they are tried")
        every.add_argument("--json", action="store_true")
        every.add_argument("--archived", action="store_true", help="list archived ones")
        lately = actions.add_parser("attempts", help="sum up recent calls to channels")
        lately.add_argument(
            "--hours", type=int, default=1, metavar="N", help="1 to 168; default: 1"
        )
        lately.add_argument("--json", action="store_true")
        costs = actions.add_parser("cost", help="import, copy or show its costs")
        channel_costs.add_arguments(costs)
        channel_traffic.add_arguments(actions)
        why = actions.add_parser(
            "explain", help="show which channels would be called for a model, and why not others"
        )
        channel_explain.add_arguments(why)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        actions: dict[str, Callable[[dict[str, Any]], None]] = {
            "set": self._set,
            "enable": self._enable,
            "disable": self._disable,
            "reset": self._reset,
            "test": self._test,
            "swap": partial(self._on_channel, channel_trials.swap),
            "discard": partial(self._on_channel, channel_trials.discard),
            "rotate": self._rotate,
            "list": self._list,
            "attempts": self._attempts,
            "cost": self._change_costs,
            **dict.fromkeys(channel_traffic.RUN, self._traffic),
            "explain": self._explain,
        }
        unserved = services.unserved_models()
        try:
            actions[options["action"]](options)
        except ValidationError as error:
            raise say_invalid(error) from None
        if warning := services.unserved_warning(unserved):
            self.stderr.write(f"warning: {warning}")

    def _set(self, options: dict[str, Any]) -> None:
        given = channel_options.read(options)

        def change(again: Micros | None) -> tuple[Channel, bool]:
            typed = cast(ChannelOptions, {} if again is None else {"cost_again": again})
            write = partial(
                services.set_channel,
                name=options["name"].strip(),
                options={**given, **typed},
                actor=ACTOR,
            )
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
        channel = _channel(options)
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
        channel = _channel(options)
        disable = partial(services.set_enabled, channel=channel, is_enabled=False, actor=ACTOR)
        channel_trials.foreseen_and_made(self.stdout, disable, yes=options["yes"])
        self.stdout.write(f"{channel.name} is disabled")

    def _reset(self, options: dict[str, Any]) -> None:
        channel = _channel(options)
        services.reset(channel=channel, actor=ACTOR)
        self.stdout.write(f"{channel.name} is reset")

    def _test(self, options: dict[str, Any]) -> None:
        aside = self.aside(options)
        channel_trials.try_out(self.stdout, options, channel=_channel(options), aside=aside)

    def _on_channel(self, action: Callable[..., None], options: dict[str, Any]) -> None:
        action(self.stdout, options, channel=_channel(options))

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
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return
        rows = [COLUMNS, *(_row(channel) for channel in found)]
        print_table(self.stdout, rows)

    def _change_costs(self, options: dict[str, Any]) -> None:
        aside = self.aside(options)
        channel_costs.run(self.stdout, options, channel=_channel(options), aside=aside)

    def _traffic(self, options: dict[str, Any]) -> None:
        channel_traffic.RUN[options["action"]](self.stdout, options, _channel(options))

    def _explain(self, options: dict[str, Any]) -> None:
        channel_explain.run(self.stdout, options)

    def _attempts(self, options: dict[str, Any]) -> None:
        hours = options["hours"]
        if not 1 <= hours <= MAX_HOURS:
            raise CommandError(f"--hours is 1 to {MAX_HOURS}, not {hours}")
        rows = attempts_since(clock.now() - timedelta(hours=hours))
        if options["json"]:
            self.stdout.write(json.dumps([_calls(row) for row in rows]))
            return
        print_table(self.stdout, [CALLS, *(tuple(map(str, _calls(row).values())) for row in rows)])


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


def _channel(options: dict[str, Any]) -> Channel:
    channel = services.channel_named(options["name"])
    if channel is None:
        raise CommandError(f"no channel named {options['name']!r}")
    return channel


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
