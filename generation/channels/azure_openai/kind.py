"""Abilities of OpenAI's image models on Azure, which refuses fields that it does not know.

Source: Azure OpenAI, "How to use image generation models" and the REST references (17 April 2026).
"""

import re
from pathlib import Path

from generation.channels.channel_kind import AdapterKind, by_adapter
from generation.channels.declaration import HEADER_KEY, Abilities, AccountSetting, Task

_COSTS = Path(__file__).with_name("published_costs")


KIND = AdapterKind(
    name="azure_openai",
    about="OpenAI's models as deployments on Azure",
    open=by_adapter("generation.channels.azure_openai.adapter.AzureOpenAIAdapter"),
    abilities=Abilities(
        tasks=frozenset({Task.GENERATE, Task.EDIT}),
        fields=frozenset({
            "background", "image", "mask", "moderation", "input_fidelity", "user", "quality",
        }),
        streams=True,
        formats=frozenset({"png", "jpeg"}),
        max_images=16,
    ),
    credential=HEADER_KEY,
    settings=(
        AccountSetting(
            "api_version", re.compile(r"v1|preview|latest|[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?")
        ),
    ),
    published_costs={"azure": _COSTS / "azure.csv"},
)  # fmt: skip
