"""Vendors that make a picture of each order later: fal, Replicate, ComfyUI, a relay of tasks.

Scripts of RawServer, also for threads and processes of their own.
"""

import asyncio
import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from typing_extensions import override

from tests.fakes.comfy_server import MAP, ComfyServer
from tests.fakes.raw_server import Received, says
from tests.fakes.recorder import drawn, size_of


class Order(NamedTuple):
    """One order that was taken, and when its picture is ready."""

    prompt: str
    size: tuple[int, int]
    ready_at: float


class Answer(NamedTuple):
    """A status, and a JSON document or a picture."""

    status: int
    body: dict[str, Any] | bytes


@dataclass
class LateVendor:
    """Takes every order at once; `orders` are all that it took, and wants to be paid for.

    Attributes:
        origin: its own.
        takes: the seconds that the next order takes.
        may_answer: until it is set, no picture is ready.
    """

    kind: ClassVar[tuple[str, ...]]
    """How `channel set` connects it."""
    field_map: ClassVar[dict[str, Any] | None] = None
    """Of its route."""
    origin: str = ""
    takes: Callable[[], float] = lambda: 0.0
    may_answer: threading.Event = field(default_factory=threading.Event)
    orders: list[Order] = field(default_factory=list)
    looks: int = 0
    cancels: list[int] = field(default_factory=list)
    """The orders that it was asked to cancel."""

    @property
    def paid(self) -> Counter[str]:
        """The orders of each prompt."""
        return Counter(order.prompt for order in list(self.orders))

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        status, body = self._answer(request)
        plain = body if isinstance(body, bytes) else json.dumps(body).encode()
        await says(plain, status=status)(request, writer)

    def _answer(self, request: Received) -> Answer:
        if request.method == "POST":
            if request.target.endswith("/cancel"):
                return self._stopped(request.target)
            body = json.loads(request.body)
            body = body.get("input", body)
            self.orders.append(
                Order(str(body["prompt"]), self.size(body), time.monotonic() + self.takes())
            )
            return self.taken(len(self.orders) - 1)
        number, _, what = request.target.rpartition("/order-")[2].partition("/")
        order = self.orders[int(number)]
        is_ready = self.may_answer.is_set() and time.monotonic() >= order.ready_at
        self.looks += request.method == "GET"
        return self.told(int(number), what, order, is_ready=is_ready)

    def _stopped(self, target: str) -> Answer:
        number = int(target.rpartition("/order-")[2].partition("/")[0])
        return self.told(number, "cancel", self.orders[number], is_ready=False)

    def size(self, body: dict[str, Any]) -> tuple[int, int]:
        """The size that an order asks for."""
        raise NotImplementedError

    def taken(self, number: int) -> Answer:
        """The answer to an order."""
        raise NotImplementedError

    def told(self, number: int, what: str, order: Order, *, is_ready: bool) -> Answer:
        """The answer to a look."""
        raise NotImplementedError


class LateFal(LateVendor):
    """Speaks as fal's queue."""

    kind = ("--kind", "fal")

    @override
    def size(self, body: dict[str, Any]) -> tuple[int, int]:
        return body["image_size"]["width"], body["image_size"]["height"]

    @override
    def taken(self, number: int) -> Answer:
        place = f"{self.origin}/requests/order-{number}"
        links = {"status_url": f"{place}/status", "response_url": place}
        cancel = {"cancel_url": f"{place}/cancel", "request_id": f"order-{number}"}
        return Answer(200, {"status": "IN_QUEUE", **links, **cancel})

    @override
    def told(self, number: int, what: str, order: Order, *, is_ready: bool) -> Answer:
        if what == "cancel":
            self.cancels.append(number)
            return Answer(202, {"status": "CANCELLATION_REQUESTED"})
        if what == "status":
            done = Answer(200, {"status": "COMPLETED"})
            return done if is_ready else Answer(202, {"status": "IN_PROGRESS"})
        if what == "picture.png":
            return Answer(200, drawn(order.size))
        picture = {"url": f"{self.origin}/requests/order-{number}/picture.png"}
        return Answer(200, {"images": [picture], "seed": number})


class LateReplicate(LateVendor):
    """Speaks as Replicate."""

    kind = ("--kind", "replicate")

    @override
    def size(self, body: dict[str, Any]) -> tuple[int, int]:
        return body["width"], body["height"]

    @override
    def taken(self, number: int) -> Answer:
        return Answer(201, self._prediction(number, "starting"))

    @override
    def told(self, number: int, what: str, order: Order, *, is_ready: bool) -> Answer:
        if what == "cancel":
            self.cancels.append(number)
            return Answer(200, self._prediction(number, "canceled"))
        if what == "picture.png":
            return Answer(200, drawn(order.size))
        return Answer(200, self._prediction(number, "succeeded" if is_ready else "processing"))

    def _prediction(self, number: int, status: str) -> dict[str, Any]:
        place = f"{self.origin}/v1/predictions/order-{number}"
        urls = {"get": place, "cancel": f"{place}/cancel"}
        output = [f"{place}/picture.png"] if status == "succeeded" else None
        return {"id": f"order-{number}", "status": status, "urls": urls, "output": output}


@dataclass
class LateComfy(LateVendor):
    """Speaks as ComfyUI with its usual graph, by the server of its own."""

    kind: ClassVar[tuple[str, ...]] = ("--kind", "comfyui")
    field_map: ClassVar[dict[str, Any]] = MAP
    server: ComfyServer = field(default_factory=lambda: ComfyServer(drawn((1024, 1024))))

    @property
    @override
    def paid(self) -> Counter[str]:
        return Counter(graph["6"]["inputs"]["text"] for _, graph in list(self.server.orders))

    @override
    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        if self.may_answer.is_set():
            self.server.may_end.set()
        else:
            self.server.may_end.clear()
        await self.server(request, writer)


class LateRelay(LateVendor):
    """Speaks as a relay of OpenAI's API whose answers are tasks."""

    kind = ("--kind", "openai")

    @override
    def size(self, body: dict[str, Any]) -> tuple[int, int]:
        return size_of(body.get("size"))

    @override
    def taken(self, number: int) -> Answer:
        return Answer(200, {"task_id": f"order-{number}", "status": "pending"})

    @override
    def told(self, number: int, what: str, order: Order, *, is_ready: bool) -> Answer:
        task = {"task_id": f"order-{number}", "status": "completed" if is_ready else "processing"}
        picture = base64.b64encode(drawn(order.size)).decode()
        return Answer(200, task | ({"data": [{"b64_json": picture}]} if is_ready else {}))
