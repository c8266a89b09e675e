"""What channels of kind `openai` can do: every field goes out, and relays ignore what they like."""

from generation.channels.declaration import HEADER_KEY, Abilities, AdapterKind, Task
from generation.channels.openai.adapter import OpenAIAdapter

KIND = AdapterKind(
    name="openai",
    open=OpenAIAdapter,
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
