"""The request to a channel for a generation, and the form its images must have."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from billing.upstream_cost import SentRequest
from generation.catalogue.plans import Candidate
from generation.channels.base import (
    LargeValue,
    OnPartial,
    UpstreamAnswer,
    UpstreamRequest,
)
from generation.channels.declaration import PLAIN, Needs, Task
from generation.channels.registry import open_adapter
from generation.dispatch.endings import Begun
from generation.dispatch.pixels import WantedImage
from generation.models import Generation
from pictor.kit.bytes.spool import Spools
from pictor.kit.outbound.http import HttpPool

VARIATION_PROMPT = (
    "Make a variation of this image: the same subject, style and mood, in another composition."
)
"""The prompt of an edit on a channel without variations."""


class WrongMode(Exception):
    """A test almost sent to a vendor, or a live request to a sandbox that serves only tests."""


async def make_call(
    generation: Generation,
    candidate: Candidate,
    *,
    large: Mapping[str, LargeValue],
    seconds: float,
    http: HttpPool,
    spools: Spools,
    on_partial: OnPartial | None,
) -> UpstreamAnswer:
    """Make one call; without `on_partial` it asks for no partial images.

    Raises UpstreamError, or WrongMode before anything is sent.
    """
    # One of three places that keep a test from a vendor; each suffices by itself (ADR 0020).
    if not candidate.route.serves(livemode=generation.livemode):
        raise WrongMode(f"{candidate.route.channel_name} for {generation.public_id}")
    adapter = open_adapter(candidate.route.config(seconds), http, spools)
    request = request_for(generation, candidate, large)
    if on_partial is None:
        request = replace(request, partial_images=0)
    return await adapter.generate(request, timeout_seconds=seconds, on_partial=on_partial)


def needs_of(generation: Generation) -> Needs:
    """The abilities it needs of a channel, as at admission."""
    task = Task(generation.task)
    if task == Task.GENERATE:
        return PLAIN
    fields = generation.fields
    return Needs(task, len(fields.get("image", ())), has_mask="mask" in fields)


def request_for(
    generation: Generation, candidate: Candidate, large: Mapping[str, LargeValue]
) -> UpstreamRequest:
    """The generation's request for this channel; `large` are its reference images."""
    route = candidate.route
    # Vendors may refuse fields that they do not know: those are left out and named as ignored.
    fields = {
        name: value for name, value in generation.fields.items() if name in route.abilities.fields
    }
    images: tuple[LargeValue, ...] = ()
    mask: LargeValue | None = None
    if candidate.task != Task.GENERATE:
        images = tuple(large[name] for name in fields.pop("image"))
        mask = large[fields.pop("mask")] if "mask" in fields else None
    return UpstreamRequest(
        task=candidate.task,
        model=generation.model,
        prompt=_prompt_for(generation, candidate),
        n=generation.n,
        size=candidate.upstream_size,
        quality=route.quality_for(generation.quality_sent) or None,
        output_format=None if generation.output_format == "png" else generation.output_format,
        output_compression=generation.output_compression if _is_compressed(generation) else None,
        fields=fields,
        large=large,
        images=images,
        mask=mask,
        partial_images=generation.partial_images if route.abilities.streams else 0,
    )


def sent_request(generation: Generation, candidate: Candidate, *, at: datetime) -> SentRequest:
    """The request of an attempt that began then, in the terms of its cost."""
    return SentRequest(
        model=candidate.route.upstream_model,
        size=candidate.upstream_size,
        quality=candidate.route.quality_for(generation.quality_sent),
        n=generation.n,
        at=at,
    )


def begun_at(
    at: datetime | None, attempt_id: UUID, generation: Generation, candidate: Candidate
) -> Begun | None:
    """The attempt recorded at that moment; None if there is none."""
    return None if at is None else Begun(attempt_id, sent_request(generation, candidate, at=at))


def ignored_by(
    generation: Generation, candidate: Candidate, answer: UpstreamAnswer
) -> tuple[str, ...]:
    """The caller's fields that this channel does not honour."""
    sent = {*generation.fields, *(["quality"] if generation.quality_sent else [])}
    ignored = sent - candidate.route.abilities.fields
    if generation.partial_images and not answer.is_streamed:
        ignored |= {"partial_images"}
    if generation.output_compression is not None and not _is_compressed(generation):
        ignored |= {"output_compression"}
    return tuple(sorted(ignored))


def wanted_of(generation: Generation, candidate: Candidate) -> WantedImage:
    """The caller's format and pixels, also if the upstream sends others."""
    return WantedImage(
        output_format=generation.output_format,
        compression=generation.output_compression,
        made_into=candidate.made_into,
    )


def _is_compressed(generation: Generation) -> bool:
    """True if `output_compression` applies to its format.

    OpenAI refuses less than 100 for png (https://github.com/openclaw/openclaw/pull/85776, seen 27
    November 2026).
    """
    return generation.output_format != "png"


def _prompt_for(generation: Generation, candidate: Candidate) -> str:
    """The caller's prompt with its suffix; a variation has one only if made by an edit."""
    if candidate.task == Task.VARIATION:  # vendors' variations take none
        return ""
    is_stood_in_for = generation.task == Task.VARIATION
    return (VARIATION_PROMPT if is_stood_in_for else generation.prompt) + candidate.prompt_suffix
