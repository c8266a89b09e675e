"""The ends of OpenAI's models, as OpenAI announced them.

Source: https://developers.openai.com/api/docs/deprecations, read on 25 November 2026.
"""

from collections.abc import Mapping
from datetime import date

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
