"""When vendors end models: what they have announced, and what operators enter of a route. Pure."""

from collections.abc import Mapping
from datetime import date
from urllib.parse import urlsplit

SOURCE = "https://developers.openai.com/api/docs/deprecations"
SEEN = date(2026, 11, 25)
"""When it was read."""
ANNOUNCED: Mapping[str, Mapping[str, date]] = {
    "api.openai.com": {
        "dall-e-2": date(2026, 5, 12),
        "dall-e-3": date(2026, 5, 12),
        "gpt-image-1": date(2026, 10, 23),
        "gpt-image-1-mini": date(2026, 12, 1),
        "gpt-image-1.5": date(2026, 12, 1),
        "chatgpt-image-latest": date(2026, 12, 1),
    },
}
"""By host and the vendor's name of a model, its first day without it. Relays, which are other
hosts, keep these names."""


def end_of(*, base_url: str, upstream_model: str, entered: date | None) -> date | None:
    """The first day without it at that address: as it was entered, else as it was announced."""
    return entered or ANNOUNCED.get(host_of(base_url), {}).get(upstream_model)


def host_of(base_url: str) -> str:
    """As 'api.openai.com'."""
    return urlsplit(base_url).hostname or ""
