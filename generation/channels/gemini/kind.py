"""Abilities of Google's image models, on the Gemini API.

They make one picture a call, have no mask and no quality, and choose the format themselves.
Source: Gemini API, "Image generation" (28 November 2026).
"""

from pathlib import Path

from generation.channels.channel_kind import AdapterKind, by_wire
from generation.channels.declaration import HEADER_KEY, Abilities, Task
from generation.channels.size_words import SizeWords

SIZES = SizeWords(Path(__file__).with_name("sizes.toml"))

KIND = AdapterKind(
    name="gemini",
    about="Google's image models by the Gemini API, with an API key",
    open=by_wire("generation.channels.gemini.wire.GeminiWire", max_n=1),
    abilities=Abilities(
        tasks=frozenset({Task.GENERATE, Task.EDIT}),
        fields=frozenset({"image"}),
        parameters=frozenset({"seed"}),
        max_images=14,
        max_n=1,
    ),
    credential=HEADER_KEY,
    of_model=SIZES.narrowed,
)
