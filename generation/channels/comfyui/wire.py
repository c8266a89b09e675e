"""ComfyUI's queue, where an order has an id of ours; a restart forgets it. Pure.

    POST /prompt {"prompt": graph, "prompt_id"} → 200, or 400 {"error", "node_errors"}
    GET /api/jobs/ID → {"status", "outputs": {"9": {"images": [{"filename", "subfolder", "type"}]}}}

Source: Comfy-Org/ComfyUI, server.py at 002c3fb, execution.py, jobs.py (30 November 2026).
"""

import secrets
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from typing_extensions import override

from billing.pixel_prices import sides_of
from generation.channels import wires
from generation.channels.answers import entries_at, text_at
from generation.channels.base import ChannelConfig, Job, UpstreamRequest
from generation.channels.comfyui.kind import GRAPHS
from generation.channels.errors import UpstreamError
from generation.channels.form_body import FilePart

_IS_RUNNING = wires.by_status(pending=True, in_progress=True, completed=False, failed=False)
_CLASSES = wires.classes(bad_result="completed failed", refused="graph", rejected="slot")
_refusal = partial(wires.refusal, class_of=_CLASSES)


class ComfyWire(wires.PlainWire):
    """One ComfyUI, for the route with this graph. A cancel there proves nothing."""

    def __init__(self, account: ChannelConfig) -> None:
        self._map: dict[str, Any] = {"graph": {}, "slots": {}, "output": "", **account.field_map}
        self._slots: dict[str, list[str]] = self._map["slots"]
        self._base = account.base_url.rstrip("/")
        self._key = {"Authorization": f"Bearer {account.api_key}"}

    def make(self, request: UpstreamRequest) -> wires.Steps:
        """Upload an image for each place, then keep the id, order, and follow the order."""
        name = str(uuid4())
        for index, file in enumerate(self._files(name)):
            # A graph with more places gets the last image again.
            image = request.references[: index + 1][-1]
            up, url = FilePart("image", image, file), f"{self._base}/upload/image"
            yield from wires.uploaded_as(up, url, self._key, "name", overwrite="true")
        look = f"{self._base}/api/jobs/{name}"
        job = Job(name, look, self._map["output"], f"{look}/cancel", is_ahead=True)
        yield job
        return (yield from self._ordered(job, request))

    @override
    def resume(self, job: Job, request: UpstreamRequest) -> wires.Steps:
        """Follow an order, or send it if ComfyUI itself says that it has none."""
        for _ in range(1 + wires.LOST_MISSES):  # it may still be reading the order
            reply = yield wires.Call("GET", job.look, self._key)
            if not (reply.status == HTTPStatus.NOT_FOUND and text_at(reply.document, "error")):
                return (yield from self._followed(job))
        return (yield from self._ordered(job, request))

    @override
    def cancel(self, job: Job) -> wires.Call | None:
        """Take this order out of the queue, or stop it."""
        return wires.Call("POST", job.stop, self._key)

    def _files(self, name: str) -> list[str]:
        return [f"pictor-{name}-{i}.png" for i, _ in enumerate(self._slots.get("images", ()))]

    def _ordered(self, job: Job, request: UpstreamRequest) -> wires.Steps:
        sides = dict(zip(("width", "height"), sides_of(request.size or "") or (), strict=False))
        own = wires.given(prompt=request.prompt, n=request.n, quality=request.quality, **sides)
        values = {"seed": secrets.randbelow(2**32), **request.fields, **own}
        graph = GRAPHS.filled(self._map, {**values, "images": self._files(job.id)})
        fields = {"prompt": graph, "prompt_id": job.id, "client_id": job.id}
        order = wires.posted(f"{self._base}/prompt", self._key, fields, is_order=True)
        misses = yield from wires.sent(order, self._refused)
        return (yield from self._followed(job, most_misses=misses))

    def _followed(self, job: Job, *, most_misses: int = 0) -> wires.Steps:
        look = wires.Call("GET", job.look, self._key)
        reply = yield from wires.followed(look, _IS_RUNNING, most_misses=most_misses)
        words = text_at(reply.document, "execution_error", "exception_message") or reply.words
        state = text_at(reply.document, "status")
        files = entries_at(reply.document, "outputs", job.result, "images")
        if state != "completed" or not files:
            raise _refusal(reply, codes=[state], message=words, is_followed=True)
        names = ("filename", "subfolder", "type")
        queries = [urlencode({name: text_at(file, name) for name in names}) for file in files]
        return wires.Images(tuple(wires.Found(url=f"{self._base}/view?{q}") for q in queries))

    def _refused(self, reply: wires.Reply) -> UpstreamError:
        """A 400 is the caller's fault if it is about nothing but what callers fill."""
        told = {
            f"{node}.{text_at(each, 'extra_info', 'input_name')}"
            for node in self._map["graph"]
            for each in entries_at(reply.document, "node_errors", node, "errors")
        }
        filled = {each for name, at in self._slots.items() if name != "images" for each in at}
        fault = "slot" if told and told <= filled else "graph"
        codes = [fault] if reply.status == HTTPStatus.BAD_REQUEST else []
        return _refusal(reply, codes=codes, message=reply.words)
