"""The ends of vendors' models: announced by the vendor, or entered for a route. Pure."""

from datetime import date
from urllib.parse import urlsplit

from generation.channels.registry import KINDS


def end_of(*, base_url: str, upstream_model: str, entered: date | None) -> date | None:
    """The first day without the model at that address: `entered`, otherwise as announced."""
    host = host_of(base_url)
    ends = (kind.announced_ends.get(host, {}).get(upstream_model) for kind in KINDS.values())
    return entered or next(filter(None, ends), None)


def host_of(base_url: str) -> str:
    """The host of an address, such as 'api.openai.com'."""
    return urlsplit(base_url).hostname or ""
