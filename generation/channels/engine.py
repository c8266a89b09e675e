"""Makes the calls of any wire over HTTP (wires.py): one order is paid once, whatever fails.

A free call before the order is tried three times. The order is sent once. After it (if its job is
known, even without an answer to it) no answer, a 408, a 429 and a 5xx without words are asked again
until the time-out; then it is cancelled. The key goes to the base URL's origin and declared hosts.
"""

import asyncio
import random
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from fnmatch import fnmatchcase
from http import HTTPStatus
from itertools import count
from typing import Unpack

from generation.channels.answers import object_in, redact, request_id_of, retry_after_of, storable
from generation.channels.base import (
    MAX_IMAGE_BYTES,
    ChannelConfig,
    Hooks,
    Job,
    MayCancel,
    UpstreamAnswer,
    UpstreamImage,
    UpstreamRequest,
)
from generation.channels.base64_stream import MAX_SKELETON_BYTES, AnswerStream
from generation.channels.download import download
from generation.channels.errors import MAY_HAVE_BILLED, AttemptClass, UpstreamError
from generation.channels.failed_calls import body_of_refusal, error_without_answer
from generation.channels.several_orders import Order, in_parts, together
from generation.channels.wires import Call, Found, Images, Reply, Steps, Wire
from pictor.kit.bytes.json_stream import JsonInvalid, JsonRefused
from pictor.kit.bytes.spool import SpoolError, SpoolFile, Spools
from pictor.kit.outbound import egress
from pictor.kit.outbound.http import (
    BodyTooLarge,
    DeadlineExceeded,
    EgressRefused,
    Exchange,
    HttpAnswer,
    HttpError,
    HttpPool,
    deadline,
)
from pictor.kit.words import clock

FREE_TRIES = 3
CANCEL_SECONDS, READ_SECONDS = 5.0, 30.0
"""For a cancel; without a byte of a free call, in either direction."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 3.0
LONGEST_WAIT_SECONDS = 60.0
"""The most that is believed of a Retry-After."""
SPARE_IMAGES = 2
"""So many of an answer's pictures may turn out to be none."""
_NO_REPLY = Reply(0)
_BYTES_PER_IMAGE = MAX_IMAGE_BYTES // 3 * 4 + 1024**2
_quiet_until: dict[str, float] = {}
"""By channel, until when this process makes no looks: the vendor said that there were too many."""


@dataclass(slots=True)
class WireAdapter:
    """One account at a vendor, called by its wire.

    Args:
        config: the account.
        http: the event loop's clients.
        spools: the scope of the images.
        wire: the vendor's.
        max_n: the most images of an order; more are several orders.
        hosts: that may have the key besides the base URL's origin; `*.` stands for any name.
        request_id_header: the vendor's own.
    """

    config: ChannelConfig
    http: HttpPool
    spools: Spools
    wire: Wire
    _: KW_ONLY
    max_n: int = 0
    hosts: Collection[str] = ()
    request_id_header: str = ""

    async def generate(
        self,
        request: UpstreamRequest,
        *,
        timeout_seconds: float | None = None,
        **hooks: Unpack[Hooks],
    ) -> UpstreamAnswer:
        """Order the images, in several orders if need be. Raises UpstreamError."""
        seconds = timeout_seconds or self.config.timeout_seconds
        return await in_parts(request, self.max_n, lambda part: self.order(part, hooks), seconds)

    def order(self, request: UpstreamRequest, hooks: Hooks) -> Order:
        """One order, of all images of this request."""
        return _Order(self, request, hooks).done

    async def resume(
        self,
        jobs: Sequence[Job],
        request: UpstreamRequest,
        *,
        timeout_seconds: float,
        may_cancel: MayCancel | None = None,
    ) -> UpstreamAnswer:
        """Follow these orders, and order nothing. Raises UpstreamError."""
        part = replace(request, n=min(request.n, self.max_n or -(-request.n // len(jobs))))
        orders = [_Order(self, part, Hooks(may_cancel=may_cancel), job).done for job in jobs]
        answer = await together(orders, [part.n] * len(jobs), timeout_seconds, stops_early=False)
        return replace(answer, images=answer.images[: request.n])

    async def cancel(self, jobs: Sequence[Job]) -> bool:
        """Cancel these orders; True if the vendor proves that it ran none of them."""
        orders = [_Order(self, UpstreamRequest("", ""), Hooks(), job) for job in jobs]
        return all(await asyncio.gather(*(order.cancelled() for order in orders)))

    def is_base(self, url: str) -> bool:
        """True if an address is of the base URL's origin. Raises EgressRefused."""
        base, allow = self.config.base_url, self.http.allow
        return len({egress.origin_of(egress.parse(each), allow) for each in (url, base)}) == 1

    def may_have_key(self, url: str) -> bool:
        """True if the key may go there. Raises EgressRefused."""
        parsed = egress.parse(url)
        is_declared = parsed.scheme == "https" and any(
            fnmatchcase(parsed.host.lower(), host) for host in self.hosts
        )
        return is_declared or self.is_base(url)


@dataclass(slots=True)
class _Order:
    """One order on its way: its wire's steps, and what has come so far."""

    _adapter: WireAdapter
    request: UpstreamRequest
    _hooks: Hooks
    _job: Job | None = None
    _ordered: Reply = _NO_REPLY
    _reply: Reply = _NO_REPLY
    _url: str = ""  # of the last call after the order
    _looks: int = 0
    _ends_at: float = 0.0
    _key: Mapping[str, str] = field(default_factory=dict)
    _exchange: Exchange | None = None
    _has_ordered: bool = False
    _is_sent: bool = field(init=False)
    _spools: Spools = field(init=False)

    def __post_init__(self) -> None:
        self._is_sent = self._job is not None
        self._spools = self._adapter.spools.scope()

    async def done(self, seconds: float) -> UpstreamAnswer:
        """Its pictures, within that time. Raises UpstreamError."""
        self._ends_at = asyncio.get_running_loop().time() + seconds
        try:
            async with deadline(seconds):
                return await self._answer(await self._drive())
        except DeadlineExceeded as error:
            failure = await self._out_of_time(error)
        except (HttpError, SpoolError, JsonRefused) as error:
            failure = self._failure(error)
        except UpstreamError as error:
            failure = error
        finally:
            self._spools.close()
        raise self._completed(failure)

    async def _drive(self) -> Images:
        wire, job = self._adapter.wire, self._job
        steps: Steps = wire.resume(job, self.request) if job else wire.make(self.request)
        try:
            step = next(steps)
            while True:
                if isinstance(step, Job):
                    self._job = step
                    if on_job := self._hooks.get("on_job"):
                        await on_job(step)
                    step = next(steps)
                else:
                    step = steps.send(await self._call(step))
        except StopIteration as end:
            images: Images = end.value
            return images

    async def cancelled(self) -> bool:
        """Cancel the order; True if the answer proves that the vendor never ran it."""
        wire = self._adapter.wire
        call = wire.cancel(self._job) if self._job else None
        with suppress(HttpError, SpoolError, JsonRefused):
            async with deadline(CANCEL_SECONDS):
                return call is not None and wire.never_ran(await self._send(call))
        return False

    async def _call(self, call: Call) -> Reply:
        if call.is_order:
            if self._has_ordered or (self._job and not self._job.is_ahead):
                raise UpstreamError(AttemptClass.UNKNOWN, "the wire would order twice")
            self._has_ordered = self._is_sent = True
            reply = await self._try(call) if self._job else await self._send(call)
            self._ordered = reply or _NO_REPLY
            return self._ordered
        if self._is_sent:
            self._looks = self._looks + 1 if call.url == self._url else 0
            if self._looks or not self._url:
                await self._pause(self._looks, self._reply)
            self._url = call.url
        return await self._free(call)

    async def _free(self, call: Call) -> Reply:
        """The answer to a free call, asked again while that may help."""
        answered: Reply | None = None
        for turn in count():
            reply = await self._try(call)
            if reply is not None and not reply.may_pass:
                return reply
            answered = reply or answered
            if not self._is_sent and turn + 1 == FREE_TRIES:
                break
            await self._pause(turn, reply)
        attempt_class = AttemptClass.NOT_REACHED if answered is None else AttemptClass.REFUSED
        raise UpstreamError(attempt_class, "a call before the order failed three times")

    async def _try(self, call: Call) -> Reply | None:
        """The answer; None if there was none, or it was cut short."""
        longest = self._adapter.config.timeout_seconds if call.room else call.free_seconds
        try:
            async with deadline(longest):
                return await self._send(call)
        except (HttpError, JsonInvalid) as error:
            is_unsent = call.is_order and not (self._exchange and self._exchange.is_sent)
            if is_unsent or isinstance(error, EgressRefused | BodyTooLarge):
                raise
            return None

    async def _send(self, call: Call) -> Reply:
        adapter = self._adapter
        url = egress.joined(adapter.config.base_url, call.url)
        self._key = call.headers if adapter.may_have_key(url) else {}
        left = self._ends_at - asyncio.get_running_loop().time()
        self._exchange = adapter.http.exchange(
            call.method,
            url,
            headers={"Accept": "application/json", **self._key, **call.own_headers(left)},
            body=call.body,
            # A picture may take minutes without a byte; the deadline bounds all of it.
            read_timeout_seconds=None if call.is_order else READ_SECONDS,
        )
        self._spools.close()
        self._spools = adapter.spools.scope()
        async with self._exchange as answer:
            self._reply = await self._read(call, answer)
        return self._reply

    async def _read(self, call: Call, answer: HttpAnswer) -> Reply:
        reply = Reply(answer.status, answer.headers, received_at=clock.now())
        if not reply.is_good or call.is_upload:
            body = (await body_of_refusal(answer)).decode("utf-8", "replace")
            return replace(reply, document=object_in(body), words=body)
        stream = AnswerStream(
            self._spools,
            max_images=call.room,
            max_image_bytes=MAX_IMAGE_BYTES,
            image_keys=call.image_keys,
        )
        chunks = answer.chunks(MAX_SKELETON_BYTES + call.room * _BYTES_PER_IMAGE)
        document = await stream.read(chunks)
        return replace(reply, document=document, image=stream.image if call.room else reply.image)

    async def _pause(self, turn: int, reply: Reply | None = None) -> None:
        channel, now = self._adapter.config.id, asyncio.get_running_loop().time()
        seconds = min(FIRST_PAUSE_SECONDS * 1.5 ** min(turn, 10), LONGEST_PAUSE_SECONDS)
        if reply is not None:
            asked = retry_after_of(reply.headers, now=reply.received_at) or 0.0
            seconds = max(seconds, min(asked, LONGEST_WAIT_SECONDS))
            if self._is_sent and reply.status == HTTPStatus.TOO_MANY_REQUESTS:
                _quiet_until[channel] = max(_quiet_until.get(channel, 0.0), now + seconds)
        if self._is_sent:
            seconds = max(seconds, _quiet_until.get(channel, 0.0) - now)
        await asyncio.sleep(seconds * random.uniform(1.0, 1.2))  # noqa: S311 - no secret

    async def _answer(self, images: Images) -> UpstreamAnswer:
        kept: list[UpstreamImage] = []
        for found in images.found[: self.request.n + SPARE_IMAGES]:
            spool = await self._spool_of(found) if len(kept) < self.request.n else None
            if spool is not None:
                kept.append(UpstreamImage(spool, storable(found.revised_prompt), found.seed))
        if not kept:
            raise UpstreamError(AttemptClass.BAD_RESULT, "none is readable", cost=images.facts.cost)
        self._spools.keep(*(image.spool for image in kept))
        return replace(
            images.facts,
            images=tuple(kept),
            request_id=self._id_of(self._ordered) or self._id_of(self._reply),
            http_status=self._reply.status,
        )

    async def _spool_of(self, found: Found) -> SpoolFile | None:
        if found.base64:
            return self._reply.image(found.base64)
        return await download(
            found.url,
            base=self._adapter.config.base_url,
            http=self._adapter.http,
            new_spool=lambda: self._spools.new(max_bytes=MAX_IMAGE_BYTES),
            headers_for=lambda url: self._key if self._adapter.is_base(url) else {},
        )

    async def _out_of_time(self, error: DeadlineExceeded) -> UpstreamError:
        """Cancel an order that is being followed, unless by another worker as well."""
        if self._job is None or not self._is_sent:
            return self._failure(error)
        ask = self._hooks.get("may_cancel") if self._adapter.wire.cancel(self._job) else None
        may_cancel = ask is None or await ask()
        if may_cancel and await self.cancelled():
            return UpstreamError(AttemptClass.REFUSED, f"{error}; its order was cancelled in time")
        state = "may still be worked on" if may_cancel else "is left to whoever holds it"
        return UpstreamError(AttemptClass.UNKNOWN, f"{error}; its order {state}")

    def _failure(self, error: Exception) -> UpstreamError:
        if self._exchange is None:
            return UpstreamError(AttemptClass.NOT_REACHED, str(error))
        return error_without_answer(error, self._exchange, api_key=self._adapter.config.api_key)

    def _completed(self, error: UpstreamError) -> UpstreamError:
        """The error with what the calls tell, and the class that fits the order's state."""
        attempt_class, may_have_billed = error.attempt_class, error.may_have_billed
        if not self._is_sent and attempt_class is not AttemptClass.STORAGE_FAILED:
            may_have_billed = False
            if attempt_class in MAY_HAVE_BILLED:
                attempt_class = AttemptClass.REFUSED
        elif self._url and attempt_class is AttemptClass.NOT_REACHED:
            attempt_class, may_have_billed = AttemptClass.UNKNOWN, True
        return error.but(
            attempt_class=attempt_class,
            may_have_billed=may_have_billed,
            is_taken=self._job is not None and (bool(self._url) or self._ordered.is_good),
            detail=redact(error.detail, self._adapter.config.api_key),
            # What a look was answered says nothing of the channel.
            http_status=self._ordered.status or (None if self._url else error.http_status),
            request_id=self._id_of(self._ordered) or self._id_of(self._reply) or error.request_id,
        )

    def _id_of(self, reply: Reply) -> str:
        return request_id_of(reply.headers, self._adapter.request_id_header)
