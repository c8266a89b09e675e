"""Environment variables read by our code or by a library that it uses."""

import re
from functools import cache

from tests.stack.servers import ROOT

OTHERS = {"MALLOC_ARENA_MAX", "PYTHONPATH", "PYTHONUNBUFFERED", "PATH", "VIPS_CONCURRENCY"}
_QUOTED = re.compile(r'"([A-Z][A-Z0-9_]+)"')


@cache
def _named() -> frozenset[str]:
    texts = [path.read_text() for path in (ROOT / "platform" / "pictor").rglob("*.py")]
    return frozenset(name for text in texts for name in _QUOTED.findall(text))


def is_known(name: str) -> bool:
    """True if our code has the name in quotes, or a library reads it."""
    return name in OTHERS or name in _named()
