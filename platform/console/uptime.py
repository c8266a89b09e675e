"""Bars of states over time: height and colour differ. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal

State = Literal["ok", "warn", "bad", "idle"]
HEIGHTS: Mapping[State, int] = {"ok": 32, "warn": 22, "bad": 12, "idle": 3}
TALLEST, WIDTH = 32, 359
"""Of the box that they stand in."""


def bars_of(states: Sequence[State]) -> list[tuple[State, str]]:
    """By state, the outlines of its bars as the `d` of an SVG path; the oldest one is left."""
    step = (WIDTH + 1) // len(states)
    outlines: dict[State, str] = {}
    for place, state in enumerate(states):
        height, width = HEIGHTS[state], step - 1
        bar = f"M{place * step} {TALLEST - height}h{width}v{height}h-{width}z"
        outlines[state] = outlines.get(state, "") + bar
    return sorted(outlines.items())
