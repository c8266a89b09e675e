"""A vendor of the tests, with an upload, an order that is followed, and a cancel."""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from generation.channels.answers import entries_at, text_at
from generation.channels.base import Job, UpstreamAnswer, UpstreamRequest
from generation.channels.errors import AttemptClass
from generation.channels.json_body import json_body
from generation.channels.wires import Call, Found, Images, Reply, Steps, refusal
from tests.fakes.raw_server import Received, Script, says
from tests.generation.channels.conftest import PIXEL

KEY = {"Authorization": "Printer sk-test-0123456789abcdef"}
KEYS = frozenset({"picture"})
PICTURE = base64.b64encode(PIXEL).decode()


class PrinterWire:
    """Orders at once if the vendor answers so, otherwise follows the order."""

    def __init__(self, *, uploads: bool = False, room: int = 8) -> None:
        self._uploads = uploads
        self._room = room

    def make(self, request: UpstreamRequest) -> Steps:
        if self._uploads:
            yield Call("PUT", "/upload", KEY, json_body({}, large={}), is_upload=True)
        body = json_body({"n": request.n}, large={})
        reply = yield Call(
            "POST", "/order", KEY, body, is_order=True, image_keys=KEYS, room=self._room
        )
        if not reply.is_good:
            raise _refused(reply)
        if "id" not in reply.document:
            return _images(reply)
        job = Job(
            text_at(reply.document, "id"),
            look=text_at(reply.document, "look"),
            stop=text_at(reply.document, "stop"),
        )
        yield job
        return (yield from self.resume(job, request))

    def resume(self, job: Job, request: UpstreamRequest) -> Steps:
        while True:
            reply = yield Call("GET", job.look, KEY, image_keys=KEYS, room=self._room)
            if not reply.is_good:
                raise _refused(reply, is_followed=True)
            if text_at(reply.document, "state") != "printing":
                return _images(reply)

    def cancel(self, job: Job) -> Call | None:
        return Call("DELETE", job.stop, KEY) if job.stop else None

    def never_ran(self, reply: Reply) -> bool:
        return text_at(reply.document, "state") == "never began"


def _images(reply: Reply) -> Images:
    entries = entries_at(reply.document, "pictures")
    found = tuple(
        Found(text_at(entry, "picture"), text_at(entry, "url"), text_at(entry, "words") or None)
        for entry in entries
    )
    return Images(found[::-1], UpstreamAnswer((), model=text_at(reply.document, "model") or None))


def _refused(reply: Reply, *, is_followed: bool = False) -> Exception:
    return refusal(
        reply,
        codes=[text_at(reply.document, "code")],
        message=text_at(reply.document, "message"),
        class_of={"NO_PAPER": AttemptClass.REFUSED},
        is_followed=is_followed,
    )


@dataclass
class Vendor:
    """Answers each path with its scripts in turn, the last one again and again."""

    scripts: Mapping[str, list[Script]]
    seen: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        turns = self.scripts[f"{request.method} {request.target}"]
        script = turns.pop(0) if len(turns) > 1 else turns[0]
        self.seen.append(f"{request.method} {request.target}")
        self.times.append(asyncio.get_running_loop().time())
        await script(request, writer)


def pictures_of(answer: UpstreamAnswer) -> list[bytes]:
    return [b"".join(image.spool.chunks()) for image in answer.images]


def tells(document: object, *, status: int = 200, **headers: str) -> Script:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return says(json.dumps(document).encode(), status=status, headers=named)
