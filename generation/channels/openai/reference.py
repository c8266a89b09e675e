"""What OpenAI publishes: the fields of its API, and the announced ends of its models.

Sources: OpenAI's API reference, "Create image edit" and "Create image variation" (20 Nov 2026);
https://developers.openai.com/api/docs/deprecations, read on 25 November 2026.
"""

from collections.abc import Mapping
from datetime import date

PASSED_ON = frozenset({
    "style", "background", "watermark", "image", "mask", "markup", "moderation", "input_fidelity",
    "user", "safety_identifier", "complexity",
})  # fmt: skip
"""The API's optional fields, which are sent under the same names; relays may ignore some."""
ENDS: Mapping[str, Mapping[str, date]] = {
    "api.openai.com": {
        "dall-e-2": date(2026, 5, 12),
        "dall-e-3": date(2026, 5, 12),
        "gpt-image-1": date(2026, 10, 23),
        "gpt-image-1-mini": date(2026, 12, 1),
        "gpt-image-1.5": date(2026, 12, 1),
        "chatgpt-image-latest": date(2026, 12, 1),
    },
}
"""By host and OpenAI's name of a model, its first day without it. Relays, which are other hosts,
keep these names."""
