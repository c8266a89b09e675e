"""Whose calls figures are of: live requests', tests' or those of the demo data; never mixed."""

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
"""SQL: of a generation `g`, whether it is of that mode."""
