"""The API's optional fields that channels of kind `openai` get under the same names."""

PASSED_ON = frozenset({
    "style", "background", "watermark", "image", "mask", "moderation", "input_fidelity", "user",
    "safety_identifier",
})  # fmt: skip
