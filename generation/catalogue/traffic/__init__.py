"""Channels' health: state changes, results of calls, and vendors' errors."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Mode = Literal["live", "test", "demo"]

OF_MODE: Mapping[Mode, str] = MappingProxyType(
    {
        "live": "g.livemode AND g.source <> 'demo'",
        "test": "NOT g.livemode",
        "demo": "g.source = 'demo'",
    }
)
"""SQL: the condition that a generation `g` is of that mode."""
