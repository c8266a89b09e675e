"""Conditions that need an operator: looked for once a minute, then assigned or silenced."""

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
