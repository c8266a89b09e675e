"""Bars of states over time, which differ in height and colour. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal

State = Literal["ok", "warn", "bad", "idle"]
HEIGHTS: Mapping[State, int] = {"ok": 32, "warn": 22, "bad": 12, "idle": 3}
TALLEST, WIDTH = 32, 359
"""The size of the box around the bars."""


def bars_of(states: Sequence[State]) -> list[tuple[State, str]]:
    """The outlines of each state's bars as the `d` of an SVG path; the oldest bar is leftmost."""
    edges = [(WIDTH + 1) * place // len(states) for place in range(len(states) + 1)]
    outlines: dict[State, str] = {}
    for left, right, state in zip(edges, edges[1:], states, strict=False):
        height, width = HEIGHTS[state], right - left - 1
        bar = f"M{left} {TALLEST - height}h{width}v{height}h-{width}z"
        outlines[state] = outlines.get(state, "") + bar
    return sorted(outlines.items())
