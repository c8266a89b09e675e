"""`manage.py channel kinds` and `channel set --preset`: how vendors' accounts are connected."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, OutputWrapper

from accounts.management.operator import ACTOR, OperatorCommand, ask
from billing import cost_csv
from generation.catalogue import services
from generation.catalogue.preset_files import Preset, read
from generation.catalogue.services import ChannelOptions
from generation.catalogue.toml_files import MAX_BYTES, BadToml
from generation.channels.registry import published_costs
from generation.models import Channel
from pictor.kit.words.money import Micros, to_decimal

HELP = "begin with a preset, of `channel kinds` or your own; other options go before its own"
COLUMNS = ("kind", "preset", "about")
_BY_MODEL = {
    "maps": "as",
    "words": "words",
    "sizes_of": "sizes",
    "costs": "cost",
    "field_maps": "fields",
}


def list_kinds(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    """List each kind, and after it the presets of that kind."""
    rows: list[dict[str, str | None]] = []
    for kind, presets in services.presets_by_kind():
        rows.append({"kind": kind.name, "preset": None, "base_url": None, "about": kind.about})
        rows += [
            {
                "kind": kind.name,
                "preset": preset.name,
                "base_url": preset.options["base_url"],
                "about": preset.about,
            }
            for preset in presets
        ]
    command.tell_rows(options, rows, COLUMNS)


def put_below(
    stdout: OutputWrapper, options: Mapping[str, Any], given: ChannelOptions
) -> tuple[ChannelOptions, Preset]:
    """Print all that the preset and the given options would write, and ask unless `--yes`."""
    preset = _preset(options["preset"])
    merged = services.below(preset, given)
    services.checked_base_url(merged["base_url"])
    _, lacking = services.preset_routes(preset)
    for line in _lines(merged):
        stdout.write(line)
    for model in lacking:
        hint = f"manage.py do model.import --shipped {model}"
        stdout.write(f"left out: {model}, which is no model here; to import it first: {hint}")
    is_new = services.channel_named(options["name"].strip()) is None
    if is_new and not (merged.get("maps") or merged.get("models")):
        raise CommandError(f"{preset.name} has no model that is here: give --map OURS=THEIRS")
    if not options["yes"]:
        ask(stdout, "Write this?")
    return merged, preset


def import_costs(stdout: OutputWrapper, preset: Preset, channel: Channel) -> None:
    """Give a new channel the published costs that its preset names, unless one is in doubt."""
    if preset.costs not in published_costs():
        return
    file = cost_csv.read(published_costs()[preset.costs].read_text(encoding="utf-8"))
    try:
        services.set_costs(channel=channel, rows=file.rows, source=file.source, actor=ACTOR)
    except ValidationError as error:
        stdout.write(
            f"its costs wait for `channel cost import {channel.name} --published {preset.costs}`:"
            f" {' '.join(error.messages)}"
        )
    else:
        stdout.write(f"{channel.name} has the published costs of {preset.costs}")


def _preset(named: str) -> Preset:
    """The preset of that name, or in that file. Raises CommandError."""
    if not named.endswith(".toml"):
        shipped = services.shipped_presets()
        if named not in shipped:
            raise CommandError(f"no preset {named!r}; there are: {', '.join(shipped)}")
        return shipped[named]
    try:
        with Path(named).open(encoding="utf-8") as file:
            return read(Path(named).stem, file.read(MAX_BYTES + 1))
    except (OSError, UnicodeDecodeError, BadToml) as error:
        raise CommandError(f"{named}: {error}") from None


def _lines(options: ChannelOptions) -> Iterator[str]:
    """A line for each option, and for each route."""
    routes: dict[str, list[str]] = {}
    for name, value in options.items():
        if name in _BY_MODEL and isinstance(value, dict):
            for model, word in value.items():
                routes.setdefault(model, []).append(f"{_BY_MODEL[name]} {_said(name, word)}")
        elif name != "api_key":
            yield f"{name}: {_said(name, value)}"
    for model, words in routes.items():
        yield f"route {model}: {'; '.join(words)}"


def _said(name: str, value: Any) -> str:
    match value:
        case dict() if name == "field_maps":
            return json.dumps(value)
        case dict():
            return ", ".join(f"{key}={word}" for key, word in value.items()) or "none"
        case list() | tuple():
            return ", ".join(map(str, value)) or "none"
        case int() if name in {"cost", "costs"}:
            return to_decimal(Micros(value))
        case _:
            return str(value)
