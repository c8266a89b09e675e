"""Presets: those that come with vendors' folders, and what one writes below an operator's words."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from generation.catalogue.preset_files import Preset, read
from generation.catalogue.services.options import ALL, ChannelOptions, RouteTerms
from generation.catalogue.services.routes import BY_MODEL, Routes
from generation.channels.registry import KINDS
from generation.models import Contract

_VENDORS = Path(__file__).parents[2] / "channels"
_FOR_ALL = {"sizes_of": "sizes", "costs": "cost"}
"""Options by model, and the option that stands for all models at once."""


@cache
def shipped_presets() -> Mapping[str, Preset]:
    """Those that come with Pictor, by name."""
    files = sorted(_VENDORS.glob("*/presets/*.toml"), key=lambda path: path.stem)
    return {path.stem: read(path.stem, path.read_text(encoding="utf-8")) for path in files}


def kinds_and_presets() -> list[tuple[str, str | None, str]]:
    """Every kind, and after it each preset of that kind: kind, preset, and what it is for."""
    rows: list[tuple[str, str | None, str]]
    rows = [(kind.name, None, kind.about) for kind in KINDS.values()]
    presets = shipped_presets().values()
    rows += [(preset.options["kind"], preset.name, preset.about) for preset in presets]
    return sorted(rows, key=lambda row: [*KINDS].index(row[0]))


def preset_routes(preset: Preset) -> tuple[Routes, list[str]]:
    """Its routes to models that exist here, and its other models."""
    known = set(Contract.objects.filter(pk__in=preset.routes).values_list("pk", flat=True))
    routes = {
        model: RouteTerms(model=model, **columns)
        for model, columns in preset.routes.items()
        if model in known
    }
    return routes, [model for model in preset.routes if model not in known]


def below(preset: Preset, given: ChannelOptions) -> ChannelOptions:
    """The given options, and the preset's where nothing is given: setting by setting."""
    routes, _ = preset_routes(preset)
    chosen = given.get("models", [ALL])
    rows = {m: preset.routes[m] for m in routes if ALL in chosen or m in chosen}
    options: dict[str, Any] = {**preset.options, **given}
    options["settings"] = {**preset.options.get("settings", {}), **(given.get("settings") or {})}
    for option, column in BY_MODEL.items():
        words = {model: row[column] for model, row in rows.items() if column in row}
        words = {} if _FOR_ALL.get(option) in given else words
        if words := words | cast("Mapping[str, Any]", given).get(option, {}):
            options[option] = words
    return cast("ChannelOptions", options)
