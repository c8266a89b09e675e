"""The interface of channel adapters: their input and output. Their errors are in errors.py.

An adapter carries one generation to one vendor in one call and brings back images in spool files.
It never retries a call that may have been paid for.
"""

from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from billing.upstream_cost import MAX_TOKENS, TokenCounts
from generation.channels.declaration import Task
from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.words.money import Micros

MAX_IMAGE_BYTES = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """One configured account at a vendor.

    Attributes:
        kind: the adapter, see registry.py.
        base_url: the vendor's API.
        timeout_seconds: from connecting to the last byte, unless the caller sets a shorter one.
        upstream_models: public model -> the vendor's name for it; absent means the same name.
    """

    id: str
    name: str
    kind: str
    base_url: str
    api_key: str = field(repr=False)
    timeout_seconds: float = 240.0
    upstream_models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LargeValue:
    """A long string of the request that is not in memory: text, then bytes to be sent as base64.

    Attributes:
        size_bytes: the length of the bytes, before base64.
        read: starts reading them, from a spool or from storage, in chunks of any size.
        prefix: goes before the base64, such as `data:image/png;base64,`.
        format: png, jpeg or webp, if it is a verified image.
    """

    size_bytes: int
    read: Callable[[], AsyncIterable[bytes]]
    prefix: str = ""
    format: str = "png"


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """One generation as it is to be sent, after plans and maps were applied.

    A None is not sent. `fields` are sent unchanged (style, background, watermark, image, …); a
    string value in them, at any depth, that is a key of `large` is replaced by that value.

    Attributes:
        model: the public name; the channel's config maps it.
        task: edits and variations have `images`, edits may have a `mask`.
        partial_images: above 0, the upstream is asked for a stream with that many previews of each
            image, if the adapter and the upstream's model support it.
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


@dataclass(frozen=True, slots=True)
class UpstreamImage:
    """One unverified image: any bytes that the upstream sent."""

    spool: SpoolFile
    revised_prompt: str | None = None


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
class TokenUsage:
    """Tokens as the upstream counted them."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_text_tokens: int = 0
    input_image_tokens: int = 0

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


class Adapter(Protocol):
    """One vendor account's API for images."""

    async def generate(
        self,
        request: UpstreamRequest,
        *,
        timeout_seconds: float | None = None,
        on_partial: OnPartial | None = None,
    ) -> UpstreamAnswer:
        """Make one call, within the time-out (default: the channel's). Raises UpstreamError.

        `on_partial` gets each partial image as it arrives, at most `request.partial_images` of each
        image; without it they are discarded.
        """
        ...
