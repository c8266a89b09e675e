"""Abilities of ComfyUI: those of each route's graph. It has no keys, so any word is one."""

from generation.channels.channel_kind import AdapterKind, by_wire
from generation.channels.comfyui.graph_map import GraphMap
from generation.channels.declaration import HEADER_KEY, Abilities, Task

GRAPHS = GraphMap()
KIND = AdapterKind(
    name="comfyui",
    about="A ComfyUI of your own, by a graph that you store",
    open=by_wire("generation.channels.comfyui.wire.ComfyWire"),
    abilities=Abilities(tasks=frozenset({Task.GENERATE, Task.EDIT}), fields=frozenset({"image"})),
    credential=HEADER_KEY,
    request_map=GRAPHS,
)
