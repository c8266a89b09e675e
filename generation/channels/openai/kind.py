"""What channels of kind `openai` can do: every field goes out, and relays ignore what they like."""

from typing import TYPE_CHECKING

from generation.channels.declaration import HEADER_KEY, Abilities, AdapterKind, Task

if TYPE_CHECKING:
    from generation.channels.base import Adapter, ChannelConfig
    from pictor.kit.http import HttpPool
    from pictor.kit.spool import Spools


def _open(config: "ChannelConfig", http: "HttpPool", spools: "Spools") -> "Adapter":
    # Operators' commands read the declaration, and make no calls.
    from generation.channels.openai.adapter import OpenAIAdapter  # noqa: PLC0415 - heavy

    return OpenAIAdapter(config, http, spools)


KIND = AdapterKind(
    name="openai",
    open=_open,
    abilities=Abilities(
        tasks=frozenset({Task.GENERATE}),
        fields=frozenset({
            "style", "background", "watermark", "image", "mask", "moderation", "input_fidelity",
            "user", "safety_identifier",
        }),
        streams=True,
    ),
    credential=HEADER_KEY,
)  # fmt: skip
