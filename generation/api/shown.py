"""The values of a generation that objects.py renders for the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from generation.lifecycle.answer import DELETED
from generation.models import Generation, State
from generation.selectors import Finished
from pictor.kit.words import clock
from pictor.kit.words.errors import Unavailable
from storage.models import StoredImage
from storage.services import StorageFailed, signed_url, url_seconds


@dataclass(frozen=True, slots=True)
class ShownImage:
    """One image: `url` or `b64_json`, the other is None."""

    url: str | None = None
    b64_json: str | None = None
    revised_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The images of a successful generation, and its stored answer about them."""

    generation: Generation
    data: Sequence[ShownImage]
    url_expires_at: int | None = None

    @property
    def answer(self) -> dict[str, Any]:
        """As settlement wrote it (generation/lifecycle/answer.py)."""
        return self.generation.answer or {}

    @property
    def usage(self) -> dict[str, Any]:
        """Tokens and images, and what was charged."""
        return {**self.answer["usage"], "cost": self.generation.captured_micros or 0}

    @property
    def metadata(self) -> dict[str, Any]:
        """Facts about what was requested, sent and delivered."""
        unknown = [{"status": "unknown", "marked": False}] * self.answer["usage"]["images"]
        return {
            "content_credentials": unknown,  # of what processes of the release before settled
            **self.answer["metadata"],
            "generation_id": self.generation.public_id,
            "url_expires_at": self.url_expires_at,
        }


@dataclass(frozen=True, slots=True)
class ShownGeneration:
    """A generation and where it stands."""

    generation: Generation
    result: Result | None = None

    @property
    def status(self) -> str:
        """Its state; one that succeeded has its result, or is deleted."""
        is_gone = self.generation.state == State.SUCCEEDED and self.result is None
        return DELETED if is_gone else self.generation.state

    @property
    def quality(self) -> str:
        """The billed quality, once that is known."""
        return self.generation.quality_billed or self.generation.quality_requested

    @property
    def held(self) -> int:
        """Micros on hold now."""
        return 0 if self.generation.is_final else self.generation.held_micros

    @property
    def captured(self) -> int:
        """Micros charged."""
        return self.generation.captured_micros or 0


def shown_generation(finished: Finished) -> ShownGeneration:
    """A generation with its result, if it has one. Makes no request. Raises Unavailable."""
    is_done = finished.generation.state == State.SUCCEEDED
    result = with_urls(finished) if is_done and finished.images else None
    return ShownGeneration(finished.generation, result)


def cannot_be_read(generation: Generation) -> Unavailable:
    """The error while storage, or the credentials that sign for it, are away."""
    return Unavailable(
        "The image is stored, but cannot be read at the moment. Fetch it later:"
        f" GET /v1/images/generations/{generation.public_id}",
        should_retry=False,
    )


def with_urls(finished: Finished) -> Result:
    """The result by urls, presigned now and never stored. Raises Unavailable."""
    now = clock.now()
    try:
        seconds = url_seconds()
        images = [
            ShownImage(
                url=signed_url(
                    image.object_key, content_type=image.content_type, expires_seconds=seconds
                ),
                revised_prompt=_revised_prompt(image),
            )
            for image in finished.images
        ]
    except StorageFailed:
        raise cannot_be_read(finished.generation) from None
    return Result(finished.generation, images, url_expires_at=int(now.timestamp()) + seconds)


def with_base64(finished: Finished, mark: str) -> Result:
    """The result with a mark where each image's base64 is to be streamed."""
    images = [
        ShownImage(b64_json=mark, revised_prompt=_revised_prompt(image))
        for image in finished.images
    ]
    return Result(finished.generation, images)


def _revised_prompt(image: StoredImage) -> str | None:
    return image.revised_prompt or None
