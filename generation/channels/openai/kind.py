"""Abilities of channels of kind `openai`: all fields are sent; relays may ignore some.

Source: OpenAI's API reference, "Create image edit" (20 Nov 2026).
"""

import re
from dataclasses import replace
from pathlib import Path

from generation.channels.channel_kind import AdapterKind, by_adapter
from generation.channels.declaration import (
    HEADER_KEY,
    OUTPUT_FORMATS,
    Abilities,
    AccountSetting,
    Task,
)
from generation.channels.field_map import FieldMap
from generation.channels.openai.reference import ENDS, PASSED_ON

_PATH = "[A-Za-z0-9_-]{1,40}(/[A-Za-z0-9_-]{1,40}){0,4}"
_POSITIVE = r"[1-9][0-9]{0,2}(\.[0-9]{1,9})?|0\.0{0,7}[1-9][0-9]{0,8}"
FIELDS = FieldMap()
_COSTS = Path(__file__).with_name("published_costs")


def _abilities_of_model(abilities: Abilities, upstream_model: str) -> Abilities:
    """Narrow the abilities: dall-e-2 edits one image at a time; dall-e-3 only generates."""
    if upstream_model.startswith("dall-e-2"):
        return replace(abilities, max_images=1)
    if upstream_model.startswith("dall-e-"):
        return replace(abilities, tasks=frozenset({Task.GENERATE}))
    return abilities


KIND = AdapterKind(
    name="openai",
    about="OpenAI's images API: OpenAI itself, and most relays and servers of your own",
    open=by_adapter("generation.channels.openai.adapter.OpenAIAdapter"),
    abilities=Abilities(
        tasks=frozenset({Task.GENERATE, Task.EDIT}),
        fields=PASSED_ON | {"quality"},
        streams=True,
        formats=frozenset(OUTPUT_FORMATS),
        max_images=16,
        takes_parameters=True,
    ),
    credential=HEADER_KEY,
    settings=(
        AccountSetting("task_path", re.compile(_PATH), is_needed=False),
        AccountSetting("order_suffix", re.compile(_PATH), is_needed=False),
        AccountSetting(
            "key_header", re.compile("[Xx]-[A-Za-z0-9-]{1,40}|api-key"), is_needed=False
        ),
        AccountSetting("max_n", re.compile("[1-9]|10"), is_needed=False),
        AccountSetting("credit_usd", re.compile(_POSITIVE), is_needed=False),
    ),
    request_map=FIELDS,
    of_model=_abilities_of_model,
    announced_ends=ENDS,
    published_costs={"openai": _COSTS / "openai.csv"},
)
