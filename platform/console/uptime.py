"""Bars of states over time, which differ in height and colour. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal

State = Literal["ok", "warn", "bad", "idle"]
HEIGHTS: Mapping[State, int] = {"ok": 32, "warn": 22, "bad": 12, "idle": 3}
TALLEST, WIDTH = 32, 359
"""The size of the box around the bars."""


def bars_of(states: Sequence[State]) -> list[tuple[State, str]]:
    """The outlines of each state's bars as the `d` of an SVG path; the oldest bar is leftmost."""
    step = (WIDTH + 1) // len(states)
    outlines: dict[State, str] = {}
    for place, state in enumerate(states):
        height, width = HEIGHTS[state], step - 1
        bar = f"M{place * step} {TALLEST - height}h{width}v{height}h-{width}z"
        outlines[state] = outlines.get(state, "") + bar
    return sorted(outlines.items())
