"""A vendor that takes orders and makes their pictures later, over real HTTP, and its adapter."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from generation.channels.base import (
    MAX_IMAGE_BYTES,
    ChannelConfig,
    Job,
    MayCancel,
    OnJob,
    OnPartial,
    UpstreamAnswer,
    UpstreamImage,
    UpstreamRequest,
)
from generation.channels.channel_kind import AdapterKind
from generation.channels.declaration import HEADER_KEY, Abilities, Task
from generation.channels.errors import AttemptClass, UpstreamError
from pictor.kit.bytes.spool import Spools
from pictor.kit.outbound.http import HttpError, HttpPool, deadline
from tests.fakes.raw_server import Received, Script, says


@dataclass
class JobVendor:
    """Its orders and looks; tests say when pictures are ready, and what fails."""

    picture: bytes
    key: str = "sk-upstream"
    orders: list[dict[str, Any]] = field(default_factory=list)
    looks: int = 0
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    """Until it is set, looks that began meanwhile have no answer."""
    failed: dict[str, Any] | None = None
    """The class and cost with which every job ends."""
    cancels: list[str] = field(default_factory=list)
    never_ran: bool = False
    """What a cancel is answered."""

    async def script(self, request: Received, writer: asyncio.StreamWriter) -> None:
        """Answer an order at once, and a look when it may."""
        if request.method == "GET":
            self.looks += 1
            await self.may_answer.wait()
        await self._answer(request)(request, writer)

    def _answer(self, request: Received) -> Script:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return says(b"{}", status=401)
        if request.method == "DELETE":
            self.cancels.append(request.target.rpartition("/")[2])
            return says(json.dumps({"never_ran": self.never_ran}).encode())
        if request.method == "POST":
            self.orders.append(json.loads(request.body))
            return says(json.dumps({"id": f"job-{len(self.orders)}"}).encode())
        if request.target.endswith("/result"):
            return says(self.picture)
        return says(json.dumps(self.failed or {"class": "delivered"}).encode())


SECONDS: list[float] = []
"""The time limits of all calls that followed orders, in this process."""
QUEUE_SECONDS: list[float | None] = []
"""How long the orders of this process may wait in its queue."""


class JobAdapter:
    """One account at such a vendor: an order for each image."""

    def __init__(self, config: ChannelConfig, http: HttpPool, spools: Spools) -> None:
        self._config = config
        self._http = http
        self._spools = spools

    async def generate(
        self,
        request: UpstreamRequest,
        *,
        timeout_seconds: float | None = None,
        on_partial: OnPartial | None = None,
        on_job: OnJob | None = None,
        may_cancel: MayCancel | None = None,
    ) -> UpstreamAnswer:
        """Order each image, then follow the orders."""
        QUEUE_SECONDS.append(self._config.queue_seconds)
        jobs = []
        for _ in range(request.n):
            body = json.dumps({"prompt": request.prompt, "size": request.size}).encode()
            _, answer = await self._call("POST", "/orders", body)
            name = json.loads(answer)["id"]
            look = f"{self._config.base_url}/jobs/{name}"
            jobs.append(Job(name, look, result=f"{look}/result"))
            if on_job is not None:
                await on_job(jobs[-1])
        seconds = timeout_seconds or self._config.timeout_seconds
        return await self.resume(jobs, request, timeout_seconds=seconds, may_cancel=may_cancel)

    async def cancel(self, jobs: Sequence[Job]) -> bool:
        """Cancel each."""
        answers = [await self._call("DELETE", job.look) for job in jobs]
        return all(json.loads(answer).get("never_ran") for _, answer in answers)

    async def resume(
        self,
        jobs: Sequence[Job],
        request: UpstreamRequest,
        *,
        timeout_seconds: float,
        may_cancel: MayCancel | None = None,
    ) -> UpstreamAnswer:
        """Fetch the picture of each job."""
        SECONDS.append(timeout_seconds)
        try:
            async with deadline(timeout_seconds):
                images = [await self._followed(job) for job in jobs]
        except HttpError as error:
            if may_cancel is None or await may_cancel():
                await self.cancel(jobs)
            raise UpstreamError(AttemptClass.UNKNOWN, str(error), is_taken=True) from error
        return UpstreamAnswer(images=tuple(images), request_id="")

    async def _followed(self, job: Job) -> UpstreamImage:
        status, answer = await self._call("GET", job.look)
        if status != 200:
            raise UpstreamError(AttemptClass.UNKNOWN, "a refused look", is_taken=True)
        end = json.loads(answer)
        if end["class"] != "delivered":
            cost = end.get("cost")
            ended = AttemptClass(end["class"])
            raise UpstreamError(ended, "the job failed", cost=cost, is_taken=True)
        spool = self._spools.new(max_bytes=MAX_IMAGE_BYTES)
        _, picture = await self._call("GET", job.result)
        spool.write(picture)
        return UpstreamImage(spool)

    async def _call(self, method: str, place: str, body: bytes = b"") -> tuple[int, bytes]:
        url = place if place.startswith("http") else self._config.base_url + place
        headers = {"Authorization": f"Bearer {self._config.api_key}"}
        call = self._http.exchange(
            method, url, headers=headers, body=body or None, read_timeout_seconds=None
        )
        async with call as answer:
            chunks = [chunk async for chunk in answer.chunks(MAX_IMAGE_BYTES)]
            return answer.status, b"".join(chunks)


KIND = AdapterKind(
    name="jobs-of-tests",
    open=JobAdapter,
    abilities=Abilities(
        tasks=frozenset({Task.GENERATE, Task.EDIT}),
        fields=frozenset({"image"}),
        max_images=4,
        max_n=1,
    ),
    credential=HEADER_KEY,
)
