"""The private origins that a channel may call. Pure.

Operators list exact `host:port` entries. A bare entry opens that origin only to the channels whose
base URL points there; `NAME=host:port` opens it to the channel NAME, for results stored elsewhere.
Every other address, above all a tenant's, is public or refused.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def private_origins(*, channel: str, base_url: str, allow: Collection[str]) -> frozenset[str]:
    """The `host:port` entries of `allow` that this channel may call, in lower case."""
    url = urlsplit(base_url)
    host = url.hostname or ""
    own = f"[{host}]" if ":" in host else host
    own = f"{own}:{url.port or _PORTS.get(url.scheme, 0)}"
    opened = {entry.lower() for entry in allow if "=" not in entry} & {own}
    for entry in allow:
        name, is_named, origin = entry.rpartition("=")
        if is_named and name.strip() == channel:
            opened.add(origin.strip().lower())
    return frozenset(opened)
