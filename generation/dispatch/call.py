"""The request to a channel for a generation, and the form its images must have."""

import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.conf import settings

from billing.upstream_cost import SentRequest
from generation.catalogue.plans import Candidate
from generation.catalogue.snapshot import latest_catalogue
from generation.channels.base import (
    LargeValue,
    MayCancel,
    OnJob,
    OnPartial,
    UpstreamAnswer,
    UpstreamRequest,
)
from generation.channels.declaration import OVERLAYS, PLAIN, Needs, Task
from generation.channels.registry import open_adapter
from generation.dispatch.endings import Begun
from generation.dispatch.pixels import WantedImage
from generation.models import Generation
from pictor.kit.bytes.spool import Spools
from pictor.kit.outbound.http import HttpPool
from storage.marking import Mark

VARIATION_PROMPT = (
    "Make a variation of this image: the same subject, style and mood, in another composition."
)
"""The prompt of the edit that makes a variation."""


TAGS = ("user", "safety_identifier")


class WrongMode(Exception):
    """A test almost sent to a vendor, or a live request to a sandbox that serves only tests."""


async def make_call(
    generation: Generation,
    candidate: Candidate,
    *,
    large: Mapping[str, LargeValue],
    seconds: float,
    queue_seconds: float | None = None,
    at_once: int = 1,
    http: HttpPool,
    spools: Spools,
    on_job: OnJob | None = None,
    may_cancel: MayCancel | None = None,
    on_partial: OnPartial | None,
) -> UpstreamAnswer:
    """Make one call; without `on_partial` it asks for no partial images.

    An order waits at most `queue_seconds` in the vendor's queue, if given.

    Raises UpstreamError, or WrongMode before anything is sent.
    """
    # One of three places that keep a test from a vendor; each suffices by itself (ADR 0020).
    if not candidate.route.serves(livemode=generation.livemode):
        raise WrongMode(f"{candidate.route.channel_name} for {generation.public_id}")
    config = replace(candidate.route.config(seconds), queue_seconds=queue_seconds)
    adapter = open_adapter(config, http, spools)
    request = replace(request_for(generation, candidate, large), at_once=at_once)
    if on_partial is None:
        request = replace(request, partial_images=0)
    return await adapter.generate(
        request,
        timeout_seconds=seconds,
        on_partial=on_partial,
        on_job=on_job,
        may_cancel=may_cancel,
    )


def needs_of(generation: Generation) -> Needs:
    """The abilities it needs of a channel, as at admission."""
    task = Task(generation.task)
    if task == Task.GENERATE:
        return PLAIN
    fields = generation.fields
    overlay = next((name for name in OVERLAYS if name in fields), "")
    return Needs(task, len(fields.get("image", ())), overlay)


def request_for(
    generation: Generation, candidate: Candidate, large: Mapping[str, LargeValue]
) -> UpstreamRequest:
    """The generation's request for this channel; `large` are its reference images."""
    route = candidate.route
    # Vendors may refuse fields that they do not know: those are left out and named as ignored.
    given = {**route.defaults, **generation.fields}
    fields = {name: value for name, value in given.items() if name in route.abilities.fields}
    fields |= {name: _digest(generation, fields[name]) for name in TAGS if fields.get(name)}
    # Without a word a wire brings a png, which is made into other formats here.
    # Previews are counted within an order, so those of several could not be told apart.
    may_stream = route.abilities.streams and route.abilities.orders_for(generation.n) == 1
    is_asked = _is_compressed(generation) and generation.output_format in route.abilities.formats
    images: tuple[LargeValue, ...] = ()
    over: dict[str, LargeValue] = {}
    if candidate.task != Task.GENERATE:
        images = tuple(large[name] for name in fields.pop("image"))
        over = {name: large[fields.pop(name)] for name in OVERLAYS if name in fields}
    return UpstreamRequest(
        task=candidate.task,
        model=generation.model,
        prompt=_prompt_for(generation, candidate),
        n=generation.n,
        size=candidate.upstream_size,
        quality=route.quality_for(generation.quality_sent) or None,
        output_format=generation.output_format if is_asked else None,
        output_compression=generation.output_compression if is_asked else None,
        fields=fields,
        large=large,
        images=images,
        mask=over.get("mask"),
        markup=over.get("markup"),
        partial_images=generation.partial_images if may_stream else 0,
    )


def _digest(generation: Generation, tag: object) -> str:
    """What vendors get for the name of a tenant's own customer: the same each time, and no name."""
    text = f"end customer {generation.tenant_id} {tag}"
    return hmac.digest(settings.OBJECT_KEY_SECRET.encode(), text.encode(), "sha256").hex()


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
    given = {
        "quality": bool(generation.quality_sent),
        "output_compression": generation.output_compression is not None,
    }
    sent = {*generation.fields, *(name for name, is_given in given.items() if is_given)}
    ignored = candidate.ignored(sent, output_format=generation.output_format)
    is_plain = bool(generation.partial_images) and not answer.is_streamed
    return tuple(sorted({*ignored, *(["partial_images"] if is_plain else [])}))


def wanted_of(generation: Generation, candidate: Candidate) -> WantedImage:
    """The caller's format and pixels, also if the upstream sends others; tests have no mark."""
    is_unmarked = generation.tenant_id in latest_catalogue().unmarked
    is_composite = candidate.task != Task.GENERATE
    mark: Mark = (
        "compositeWithTrainedAlgorithmicMedia" if is_composite else "trainedAlgorithmicMedia"
    )
    return WantedImage(
        output_format=generation.output_format,
        compression=generation.output_compression,
        made_into=candidate.made_into,
        keeps_credentials=candidate.route.keeps_credentials and not is_unmarked,
        mark=None if candidate.route.serves_test or is_unmarked else mark,
        signs=bool(settings.C2PA_CERTIFICATE),
    )


def _is_compressed(generation: Generation) -> bool:
    """True if `output_compression` applies to its format.

    OpenAI refuses less than 100 for png (https://github.com/openclaw/openclaw/pull/85776, seen 27
    November 2026).
    """
    return generation.output_format != "png"


def _prompt_for(generation: Generation, candidate: Candidate) -> str:
    """The caller's prompt with its suffix; a variation, which has none, is made by an edit."""
    is_variation = generation.task == Task.VARIATION
    return (VARIATION_PROMPT if is_variation else generation.prompt) + candidate.prompt_suffix
