"""Conditions that need an operator: looked for once a minute, then assigned or silenced."""

from generation.oversight.conditions.detection import look
from generation.oversight.conditions.handling import (
    accept,
    assign,
    condition_by_id,
    conditions_now,
    hand_back,
    is_quiet,
    note_number,
    number_noted,
    open_conditions,
    recall,
    silence,
    unassign,
)
