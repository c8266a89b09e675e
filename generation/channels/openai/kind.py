"""Abilities of channels of kind `openai`: all fields are sent; relays may ignore some.

Source: OpenAI's API reference, "Create image edit" and "Create image variation" (20 Nov 2026).
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from generation.channels.channel_kind import AdapterKind
from generation.channels.declaration import HEADER_KEY, Abilities, Task
from generation.channels.openai.announced import ENDS
from generation.channels.openai.passed_on import PASSED_ON

if TYPE_CHECKING:
    from generation.channels.base import Adapter, ChannelConfig
    from pictor.kit.bytes.spool import Spools
    from pictor.kit.outbound.http import HttpPool


_COSTS = Path(__file__).with_name("published_costs")


def _open(config: "ChannelConfig", http: "HttpPool", spools: "Spools") -> "Adapter":
    # Operators' commands read the declaration, and make no calls.
    from generation.channels.openai.adapter import OpenAIAdapter  # noqa: PLC0415 - heavy

    return OpenAIAdapter(config, http, spools)


def _abilities_of_model(abilities: Abilities, upstream_model: str) -> Abilities:
    """Narrow the abilities: only dall-e-2 varies images, one at a time; dall-e-3 only generates."""
    if upstream_model.startswith("dall-e-2"):
        return replace(abilities, max_images=1)
    if upstream_model.startswith("dall-e-"):
        return replace(abilities, tasks=frozenset({Task.GENERATE}))
    return replace(abilities, tasks=abilities.tasks - {Task.VARIATION})


KIND = AdapterKind(
    name="openai",
    open=_open,
    abilities=Abilities(
        tasks=frozenset({Task.GENERATE, Task.EDIT, Task.VARIATION}),
        fields=PASSED_ON | {"quality"},
        streams=True,
        max_images=16,
    ),
    credential=HEADER_KEY,
    of_model=_abilities_of_model,
    announced_ends=ENDS,
    published_costs={"openai": _COSTS / "openai.csv", "azure": _COSTS / "azure.csv"},
)
