"""A ComfyUI that makes the same picture of each order, as a script of RawServer.

Standard library only. `python -m tests.fakes.comfy_server < PICTURE` runs one and prints its
address: `tests/clients/node/comfyui.mjs` drives it by others' client.
"""

import asyncio
import json
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.raw_server import Received, Script, running, says, told

ORDER, UPLOAD, VIEW = "POST /prompt", "POST /upload/image", "GET /view"
LOOK, STOP = "GET /api/jobs/ID", "POST /api/jobs/ID/cancel"
GRAPH: dict[str, Any] = {
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5.safetensors"}},
    "5": {
        "class_type": "EmptyLatentImage",
        "inputs": {"width": 512, "height": 512, "batch_size": 1},
    },
    "6": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "a girl"}},
    "3": {"class_type": "KSampler", "inputs": {"model": ["4", 0], "seed": 1, "positive": ["6", 0]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "fox"}},
}
SLOTS: dict[str, Any] = {
    "prompt": "6.text", "width": "5.width", "height": "5.height", "n": "5.batch_size",
    "seed": "3.seed",
}  # fmt: skip
MAP: dict[str, Any] = {"graph": GRAPH, "slots": SLOTS, "output": "9"}
EDIT_MAP: dict[str, Any] = {
    "graph": {
        **GRAPH,
        "10": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
        "11": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
    },
    "slots": {"prompt": "6.text", "images": ["10.image", "11.image"]},
    "output": "9",
}
NOT_FOUND = {"error": "Job not found"}


def wrong(*places: str) -> Script:
    """The answer to an order in which these inputs are wrong; without any, the graph itself is."""
    errors: dict[str, Any] = {}
    for place in places:
        node, _, name = place.partition(".")
        error = {"type": "value_bigger_than_max", "message": "Value too big", "details": name}
        entry = errors.setdefault(node, {"errors": [], "class_type": "X"})
        entry["errors"].append({**error, "extra_info": {"input_name": name}})
    kind = "prompt_outputs_failed_validation" if places else "invalid_prompt"
    refusal = {"type": kind, "message": "Cannot execute", "details": "Node ID '#3'"}
    return told({"error": refusal, "node_errors": errors}, 400)


@dataclass
class ComfyServer:
    """Takes any order, twice if it comes twice, and forgets all at a restart.

    Attributes:
        picture: the bytes of each picture.
        scripts: other answers by method and path, in turn; the last one again and again.
        seen: the method and path of each call, without ids.
        orders: the id and graph of each order.
        files: those that were uploaded.
        may_end: until it is set, orders are worked on.
    """

    picture: bytes
    scripts: dict[str, list[Script]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    orders: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_end.set()

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        method, path = request.method, request.target.partition("?")[0]
        name = next(filter(_is_id, path.split("/")), "")
        call = f"{method} {path.replace(name, 'ID') if name else path}"
        self.seen.append(call)
        if turns := self.scripts.get(call):
            script = turns.pop(0) if len(turns) > 1 else turns[0]
        else:
            script = self._usual(call, name, request)
        await script(request, writer)

    def restart(self) -> None:
        """Forget queue and history, which are in its memory alone."""
        self.orders.clear()

    def _usual(self, call: str, name: str, request: Received) -> Script:
        if call == ORDER:
            return self._queued(json.loads(request.body))
        if call == UPLOAD:
            return self._uploaded(request.body)
        history = self.history(name)
        usual = {
            VIEW: says(self.picture, headers={"Content-Type": "image/png"}),
            LOOK: told(self.job(name) or NOT_FOUND, 200 if self.job(name) else 404),
            STOP: told({"cancelled": bool(history)}),
            "GET /history/ID": told({name: history} if history else {}),
            "GET /queue": told({"queue_running": [], "queue_pending": []}),
        }
        return usual.get(call) or says(b"404: Not Found", status=404)

    def _queued(self, order: Mapping[str, Any]) -> Script:
        name = order.get("prompt_id") or str(uuid.uuid4())
        if not _is_id(name):
            return told({"error": {"type": "invalid_prompt_id"}, "node_errors": {}}, 400)
        if not all("class_type" in node for node in order["prompt"].values()):
            return wrong()
        self.orders.append((name, order["prompt"]))
        return told({"prompt_id": name, "number": len(self.orders), "node_errors": {}})

    def _uploaded(self, body: bytes) -> Script:
        head, _, rest = body.partition(b'name="image"; filename="')[2].partition(b"\r\n\r\n")
        name = head.partition(b'"')[0].decode()
        self.files[name] = rest[: rest.rindex(b"\r\n--")].partition(b"\r\n--")[0]
        return told({"name": name, "subfolder": "", "type": "input"})

    def history(self, name: str) -> dict[str, Any] | None:
        """Its history of an order that has ended, as old clients read it."""
        graph = dict(self.orders).get(name)
        if graph is None:
            return None
        count = graph.get("5", GRAPH["5"])["inputs"]["batch_size"]
        files = [
            {"filename": f"fox_0000{i + 1}_.png", "subfolder": "a b", "type": "output"}
            for i in range(count)
        ]
        preview = [{"filename": "preview.png", "subfolder": "", "type": "temp"}]
        outputs = {"8": {"images": preview}, "9": {"images": files}}
        status = {"status_str": "success", "completed": True, "messages": []}
        return {"prompt": [1, name, graph, {}, ["9"]], "outputs": outputs, "status": status}

    def job(self, name: str) -> dict[str, Any] | None:
        """An order in the form of `/api/jobs`."""
        history = self.history(name)
        if history is None:
            return None
        workflow = {"prompt": history["prompt"][2], "extra_data": {}}
        if not self.may_end.is_set():
            return {"id": name, "status": "in_progress", "workflow": workflow}
        outputs = history["outputs"]
        return {"id": name, "status": "completed", "outputs": outputs, "workflow": workflow}


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


async def main() -> None:
    async with running(ComfyServer(sys.stdin.buffer.read())) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
