"""When vendors end models: what they have announced, and what operators enter of a route. Pure."""

from datetime import date
from urllib.parse import urlsplit

from generation.channels.registry import KINDS


def end_of(*, base_url: str, upstream_model: str, entered: date | None) -> date | None:
    """The first day without it at that address: as it was entered, else as it was announced."""
    host = host_of(base_url)
    ends = (kind.announced_ends.get(host, {}).get(upstream_model) for kind in KINDS.values())
    return entered or next(filter(None, ends), None)


def host_of(base_url: str) -> str:
    """As 'api.openai.com'."""
    return urlsplit(base_url).hostname or ""
