"""The interface of channel adapters: their input and output. Their errors are in errors.py.

An adapter carries one generation to one vendor and brings back images in spool files. It never
retries a call that may have been paid for.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from decimal import Decimal
from typing import Any, Protocol, TypedDict
from urllib.parse import urlsplit

from billing.upstream_cost import MAX_TOKENS, TokenCounts
from generation.channels.declaration import AUTO_SIZE, Task
from generation.channels.errors import AttemptClass, UpstreamError
from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.words.money import Micros

MAX_IMAGE_BYTES = 64 * 1024**2
ORDERS_AT_ONCE = 4
"""Of one request for more images than a vendor makes in one order."""
MAX_JOB_CHARS = 1_000
"""Of each text of a job: it is kept with its attempt."""


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """One configured account at a vendor.

    Attributes:
        kind: the adapter, see registry.py.
        base_url: the vendor's API.
        timeout_seconds: from connecting to the last byte, unless the caller sets a shorter one.
        queue_seconds: the longest wait of an order in the vendor's queue, where another channel can
            take it; None for the whole time-out.
        settings: those that its kind declares.
        max_n: the most images of an order, by the route's abilities; 0 leaves it to the kind.
        field_map: the route's, as its kind reads it.
        upstream_models: public model -> the vendor's name for it; absent means the same name.
    """

    id: str
    name: str
    kind: str
    base_url: str
    api_key: str = field(repr=False)
    timeout_seconds: float = 240.0
    queue_seconds: float | None = None
    max_n: int = 0
    upstream_models: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    field_map: Mapping[str, Any] = field(default_factory=dict)

    def upstream_model(self, model: str) -> str:
        """The vendor's name for a public model."""
        return self.upstream_models.get(model, model)

    def root(self, version: str) -> str:
        """The address of the API; the version is added to a base URL without a path."""
        base = self.base_url.rstrip("/")
        return base if urlsplit(base).path else f"{base}/{version}"


@dataclass(frozen=True, slots=True)
class LargeValue:
    """A long string of the request that is not in memory: text, then bytes to be sent as base64.

    Attributes:
        size_bytes: the length of the bytes, before base64.
        read: starts reading them, from a spool or from storage, in chunks of any size.
        prefix: goes before the base64, such as `data:image/png;base64,`.
        format: png, jpeg or webp, if it is a verified image.
        pixels: width times height of that image.
    """

    size_bytes: int
    read: Callable[[], AsyncIterable[bytes]]
    prefix: str = ""
    format: str = "png"
    pixels: int = 0

    @property
    def data_uri(self) -> "LargeValue":
        """The image as an address that has its bytes."""
        return replace(self, prefix=f"data:image/{self.format};base64,")

    async def checked_chunks(self) -> AsyncIterator[bytes]:
        """Its bytes, while they are sent.

        Raises UpstreamError `not_reached` if it is unreadable or of another length: then the
        upstream never sees a whole request, and does not act upon it.
        """
        size_bytes = 0
        try:
            async for chunk in self.read():
                size_bytes += len(chunk)
                yield chunk
        except Exception as error:
            raise _unreadable(f"{type(error).__name__}: {error}") from error
        if size_bytes != self.size_bytes:
            raise _unreadable(f"{size_bytes} bytes, not {self.size_bytes}")


def _unreadable(why: str) -> UpstreamError:
    return UpstreamError(
        AttemptClass.NOT_REACHED,
        f"a reference image could not be read while sending: {why}",
        is_ours=True,
    )


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """One generation as it is to be sent, after plans and maps were applied.

    A None is not sent. `fields` are sent unchanged (style, background, watermark, image, …); a
    string value in them, at any depth, that is a key of `large` is replaced by that value.

    Attributes:
        model: the public name; the channel's config maps it.
        task: edits and variations have `images`, edits may have a `mask` or a `markup`.
        partial_images: above 0, the upstream is asked for a stream with that many previews of each
            image, if the adapter and the upstream's model support it.
        at_once: the most orders under way at once, if it takes several.
    """

    model: str
    prompt: str
    n: int = 1
    size: str | None = None
    quality: str | None = None
    output_format: str | None = None
    output_compression: int | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    large: Mapping[str, LargeValue] = field(default_factory=dict)
    partial_images: int = 0
    task: Task = Task.GENERATE
    images: tuple[LargeValue, ...] = ()
    mask: LargeValue | None = None
    markup: LargeValue | None = None
    at_once: int = ORDERS_AT_ONCE

    @property
    def pixels(self) -> str | None:
        """The size; None if the model chooses it."""
        return None if self.size == AUTO_SIZE else self.size

    @property
    def references(self) -> tuple[LargeValue, ...]:
        """The images of an edit or a variation, or a generation's `image`; without prefixes."""
        given = self.fields.get("image", [])
        names = [given] if isinstance(given, str) else given if isinstance(given, list) else []
        images = (*self.images, *(self.large[name] for name in names))
        return tuple(replace(image, prefix="") for image in images)


@dataclass(frozen=True, slots=True)
class UpstreamImage:
    """One unverified image: any bytes that the upstream sent."""

    spool: SpoolFile
    revised_prompt: str | None = None
    seed: int | None = None
    """The seed it was made from, if the upstream says so."""


@dataclass(frozen=True, slots=True)
class UpstreamPartial:
    """One unfinished, unverified image.

    Attributes:
        image: the index of the image it becomes, from 0.
        index: the upstream's `partial_image_index`, from 0.
        quality: as the upstream reported it.
    """

    spool: SpoolFile
    image: int
    index: int
    quality: str | None = None


OnPartial = Callable[[UpstreamPartial], Awaitable[None]]
"""Takes over a partial image while the answer is being read. Quick, and raises nothing."""


@dataclass(frozen=True, slots=True)
class Job:
    """A paid order that a vendor works on. Raises UpstreamError `unknown` if a text is too long.

    Attributes:
        id: the vendor's name for it.
        look: the address that tells its state.
        result: the address of its result, if that is another.
        stop: the address that cancels it.
        cost: as the vendor states it with the order.
        is_ahead: it was kept before its order was sent, which may never have been.
    """

    id: str
    look: str
    result: str = ""
    stop: str = ""
    cost: Micros | None = None
    is_ahead: bool = False

    def __post_init__(self) -> None:
        texts = (self.id, self.look, self.result, self.stop)
        if max(map(len, texts)) > MAX_JOB_CHARS or not all(map(str.isprintable, texts)):
            raise UpstreamError(AttemptClass.UNKNOWN, "the order's id or address cannot be kept")

    def as_json(self) -> dict[str, Any]:
        """Its fields, without those that are at their default."""
        plain = {each.name: each.default for each in fields(self)}
        return {name: value for name, value in asdict(self).items() if value != plain[name]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Job":
        """The job that `as_json` stored; fields of a later release are skipped."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})


OnJob = Callable[[Job], Awaitable[None]]
"""Keeps an order once, before the first look at it. Raises nothing: the order is paid.

Raises UpstreamError `not_reached` if a job ahead of its order cannot be kept.
"""
MayCancel = Callable[[], Awaitable[bool]]
"""True while no other worker follows the attempt's orders. Raises nothing."""


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens as the upstream counted them."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_text_tokens: int = 0
    input_image_tokens: int = 0

    @classmethod
    def sum_of(cls, usages: Sequence["TokenUsage"]) -> "TokenUsage | None":
        """One usage for all; None if there is none."""
        return cls(*map(sum, zip(*map(astuple, usages), strict=True))) if usages else None

    @property
    def counted(self) -> TokenCounts | None:
        """The counts, untyped input as text; None if a number is impossibly large."""
        text = max(self.input_tokens - self.input_image_tokens, 0)
        counted = TokenCounts(text, self.input_image_tokens, self.output_tokens)
        most = max(counted.input_text, counted.input_image, counted.output)
        return counted if most <= MAX_TOKENS else None


@dataclass(frozen=True, slots=True)
class UpstreamAnswer:
    """At least one image, and at most the requested number.

    Attributes:
        is_streamed: it came as events, so partial images were possible.
        cost: the vendor's own charge, if the answer states one.
        model: the vendor's name of the model that answered, if the answer states one.
        units: those that the vendor charges, in its own unit.
        lost: images of other orders that may be paid for and did not come.
    """

    images: tuple[UpstreamImage, ...]
    size: str | None = None
    quality: str | None = None
    output_format: str | None = None
    background: str | None = None
    usage: TokenUsage | None = None
    request_id: str = ""
    http_status: int = 200
    is_streamed: bool = False
    cost: Micros | None = None
    model: str | None = None
    units: Decimal | None = None
    lost: int = 0


class Hooks(TypedDict, total=False):
    """What a call to `Adapter.generate` may tell or ask while it is under way."""

    on_partial: OnPartial | None
    on_job: OnJob | None
    may_cancel: MayCancel | None


class Adapter(Protocol):
    """One vendor account's API for images."""

    async def generate(
        self,
        request: UpstreamRequest,
        *,
        timeout_seconds: float | None = None,
        on_partial: OnPartial | None = None,
        on_job: OnJob | None = None,
        may_cancel: MayCancel | None = None,
    ) -> UpstreamAnswer:
        """Order the images, within the time-out (default: the channel's). Raises UpstreamError.

        `on_partial` gets each partial image as it arrives, at most `request.partial_images` of each
        image; without it they are discarded. `on_job` gets each order that must be followed. At the
        time-out an order is cancelled, if `may_cancel` allows it.
        """
        ...

    async def resume(
        self,
        jobs: Sequence[Job],
        request: UpstreamRequest,
        *,
        timeout_seconds: float,
        may_cancel: MayCancel | None = None,
    ) -> UpstreamAnswer:
        """Follow the orders of an earlier `generate`. Raises UpstreamError.

        Nothing is ordered, other than for a job ahead of its order of which the vendor has none.
        """
        ...

    async def cancel(self, jobs: Sequence[Job]) -> bool:
        """Cancel orders, within seconds; True if the vendor proves that it ran none of them."""
        ...
