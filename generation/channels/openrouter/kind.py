"""Abilities of OpenRouter's image models, by the fields that it translates for each vendor.

An order makes one picture: many of its vendors refuse more. It has no mask.
Source: OpenRouter, API reference, "Create images", by openrouter 1.3.84 (October 2026).
"""

from generation.channels.channel_kind import AdapterKind, by_wire
from generation.channels.declaration import HEADER_KEY, OUTPUT_FORMATS, Abilities, Task

KIND = AdapterKind(
    name="openrouter",
    about="OpenRouter's images API, for many vendors' models",
    open=by_wire("generation.channels.openrouter.wire.OpenRouterWire", max_n=1),
    abilities=Abilities(
        tasks=frozenset({Task.GENERATE, Task.EDIT}),
        fields=frozenset({"image", "background", "quality", "user"}),
        parameters=frozenset({"seed"}),
        formats=frozenset(OUTPUT_FORMATS),
        max_images=16,
        max_n=1,
    ),
    credential=HEADER_KEY,
)
