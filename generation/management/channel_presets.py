"""`manage.py channel kinds` and `channel set --preset`: how vendors' accounts are connected."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, OutputWrapper
from django.db import transaction

from accounts.management.operator import OperatorCommand, ask
from generation.catalogue import services
from generation.catalogue.preset_files import Preset, read
from generation.catalogue.services import ChannelOptions
from generation.catalogue.toml_files import MAX_BYTES, BadToml
from generation.models import Channel

HELP = "begin with a preset, of `channel kinds` or your own; other options go before its own"


def list_kinds(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    """List each kind, and after it the presets of that kind."""
    columns = ("kind", "preset", "about")
    rows = [dict(zip(columns, row, strict=True)) for row in services.kinds_and_presets()]
    command.tell_rows(options, rows, columns)


def read_preset(named: str) -> Preset:
    """The preset of that name, or in that file. Raises CommandError."""
    shipped = services.shipped_presets()
    if named in shipped:
        return shipped[named]
    if not named.endswith(".toml"):
        raise CommandError(f"no preset {named!r}; there are: {', '.join(shipped)}")
    try:
        with Path(named).open(encoding="utf-8") as file:
            return read(Path(named).stem, file.read(MAX_BYTES + 1))
    except (OSError, UnicodeDecodeError, BadToml) as error:
        raise CommandError(f"{named}: {error}") from None


def options_below(preset: Preset, name: str, given: ChannelOptions) -> ChannelOptions:
    """The given options before the preset's. Raises CommandError for a new channel of no model."""
    options = services.below(preset, given)
    is_new = services.channel_named(name) is None
    if is_new and not (options.get("maps") or options.get("models")):
        _, lacking = services.preset_routes(preset)
        first = f", or import {', '.join(lacking)} first" if lacking else ""
        raise CommandError(
            f"{preset.name} has no model that is here: give --map OURS=THEIRS{first}"
        )
    return options


def show(
    stdout: OutputWrapper, preset: Preset, write: Callable[..., tuple[Channel, bool]], *, yes: bool
) -> None:
    """Print the channel as `write` would leave it, and ask unless `yes`."""
    with transaction.atomic():
        channel, is_new = write(may_stop=True)
        facts = services.describe(*services.revised(channel))
        transaction.set_rollback(True)
    for name, value in facts.items():
        if value not in (None, {}, []):
            stdout.write(f"{name}: {value if isinstance(value, str) else json.dumps(value)}")
    for model in services.preset_routes(preset)[1]:
        stdout.write(f"left out: {model}; first manage.py do model.import --shipped {model}")
    if preset.costs and is_new:
        stdout.write(f"its costs: channel cost import {channel.name} --published {preset.costs}")
    if not yes:
        ask(stdout, "Write this?")
