"""A route's graph in ComfyUI's API format, and the inputs in it that each request fills. Pure.

{"graph": {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "", …}}, …}, "output": "9",
 "slots": {"prompt": "6.text", "seed": ["3.seed", "4.seed"], "images": ["10.image"]}}
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from generation.channels.answers import at
from generation.channels.declaration import AUTO_SIZE, Abilities, Task
from generation.channels.size_rules import SizeRule

MAX_BYTES = 64 * 1024
SIZES = SizeRule(8, 16, 16_384, 256, 16_384**2, 1_024)  # of ComfyUI's EmptyLatentImage
_PARTS = ("graph", "slots", "output")
_OWN = {"prompt", "n", "width", "height", "quality", "images"}
_UNKNOWN = {"size", "image", "mask", "markup", "model", "stream", "partial_images", "output_format"}


class GraphMap:
    """Checks, explains and fills the graphs of routes.

    Several places of a slot get the same value, those of `images` one each; all of it as JSON.
    """

    def checked(self, typed: Mapping[str, Any]) -> dict[str, Any]:
        """The map in stored form. Raises ValueError in words for a person."""
        graph, slots, output = (typed.get(name, {}) for name in _PARTS)
        tables = isinstance(graph, dict) and isinstance(slots, dict)
        if not tables or typed.keys() - {*_PARTS} or len(json.dumps(typed)) > MAX_BYTES:
            raise ValueError("a map is a table graph, a table slots and output, of 64 KB at most")
        if not all(isinstance(at(graph, node, "inputs"), dict) for node in [*graph, str(output)]):
            raise ValueError(f"the graph is not in ComfyUI's API format, or has no node {output}")
        if "prompt" not in slots or ("width" in slots) != ("height" in slots):
            raise ValueError("slots have the prompt's place, and both sides or neither")
        places = {name: x if isinstance(x, list) else [x] for name, x in slots.items()}
        for name, named in places.items():
            _check_places(name, named or [""], graph)
        return {"graph": graph, "slots": places, "output": str(output)}

    def narrowed(self, abilities: Abilities, typed: Mapping[str, Any]) -> Abilities:
        """The abilities of a route with that map; none without one."""
        slots, nodes = typed.get("slots", {}), typed.get("graph", {}).values()
        images = len(slots.get("images", ()))
        sides = [(at(node, "inputs", "width"), at(node, "inputs", "height")) for node in nodes]
        sizes = {f"{w}x{h}" for w, h in sides if isinstance(w, int) and isinstance(h, int)}
        return replace(
            abilities,
            tasks=frozenset({Task.EDIT if images else Task.GENERATE} if slots else ()),
            fields=frozenset({"image"} if images else {}) | (slots.keys() & {"quality"}),
            parameters=frozenset(slots.keys() - _OWN),
            max_images=images,
            max_n=0 if "n" in slots else 1,
            sizes=frozenset({AUTO_SIZE, *(sizes if len(sizes) == 1 else ())}),
            size_rule=SIZES if "width" in slots else None,
        )

    def told(self, typed: Mapping[str, Any]) -> list[str]:
        return [f"{name} = {', '.join(x)}" for name, x in typed.get("slots", {}).items()]

    def filled(self, typed: Mapping[str, Any], values: Mapping[str, object]) -> dict[str, Any]:
        """The graph with these values in their slots; `images` are names of uploads."""
        graph: dict[str, Any] = deepcopy(typed["graph"])
        for name, value in values.items():
            for index, place in enumerate(typed["slots"].get(name, ())):
                node, _, key = place.partition(".")
                graph[node]["inputs"][key] = value[index] if isinstance(value, list) else value
        return graph


def _check_places(name: str, places: list[str], graph: Mapping[str, Any]) -> None:
    for place in places:
        node, _, key = str(place).partition(".")
        if name in _UNKNOWN or node not in graph or key not in graph[node]["inputs"]:
            raise ValueError(f"no request fills a slot {name}, or no node has the input {place!r}")
