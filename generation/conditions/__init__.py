"""What needs a person: looked for once a minute, and what people do about it."""

from generation.conditions.handling import (
    accept,
    assign,
    hand_back,
    is_quiet,
    recall,
    silence,
    standing,
    unassign,
)
from generation.conditions.looking import look

__all__ = [
    "accept",
    "assign",
    "hand_back",
    "is_quiet",
    "look",
    "recall",
    "silence",
    "standing",
    "unassign",
]
