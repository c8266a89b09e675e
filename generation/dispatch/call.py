"""What is sent to a channel for a generation, and what is wanted of its images."""

from collections.abc import Mapping

from generation.catalogue.contracts import RouteInfo
from generation.catalogue.plans import Candidate
from generation.channels.base import (
    ChannelConfig,
    LargeValue,
    OnPartial,
    UpstreamAnswer,
    UpstreamRequest,
)
from generation.channels.registry import open_adapter
from generation.dispatch.pixels import Wanted
from generation.models import Generation
from pictor.kit.http import HttpPool
from pictor.kit.spool import Spools


async def ask(
    generation: Generation,
    candidate: Candidate,
    *,
    large: Mapping[str, LargeValue],
    seconds: float,
    http: HttpPool,
    spools: Spools,
    on_partial: OnPartial | None,
) -> UpstreamAnswer:
    """One call. Raises UpstreamError."""
    adapter = open_adapter(_config(candidate.route, seconds), http, spools)
    return await adapter.generate(
        request_for(generation, candidate, large), timeout_seconds=seconds, on_partial=on_partial
    )


def request_for(
    generation: Generation, candidate: Candidate, large: Mapping[str, LargeValue]
) -> UpstreamRequest:
    """The generation as this channel is to see it; `large` are its reference images."""
    route = candidate.route
    return UpstreamRequest(
        model=generation.model,
        prompt=generation.prompt + candidate.prompt_suffix,
        n=generation.n,
        size=candidate.upstream_size,
        quality=_quality_for(route, generation.quality_sent),
        output_format=None if generation.output_format == "png" else generation.output_format,
        output_compression=generation.output_compression,
        fields={
            name: value
            for name, value in generation.fields.items()
            if name in route.abilities.fields
        },
        large=large,
        partial_images=generation.partial_images if route.abilities.streams else 0,
    )


def ignored_by(
    generation: Generation, candidate: Candidate, answer: UpstreamAnswer
) -> tuple[str, ...]:
    """Fields of the caller's that this channel did not honour."""
    ignored = generation.fields.keys() - candidate.route.abilities.fields
    if generation.partial_images and not answer.is_streamed:
        ignored |= {"partial_images"}
    return tuple(sorted(ignored))


def wanted_of(generation: Generation, candidate: Candidate) -> Wanted:
    """What the caller gets, whatever the upstream sends."""
    return Wanted(
        output_format=generation.output_format,
        compression=generation.output_compression,
        made_into=candidate.made_into,
    )


def _config(route: RouteInfo, seconds: float) -> ChannelConfig:
    return ChannelConfig(
        id=str(route.channel_id),
        name=route.channel_name,
        kind=route.kind,
        base_url=route.base_url,
        api_key=route.api_key,
        timeout_seconds=seconds,
        upstream_models={route.model: route.upstream_model},
    )


def _quality_for(route: RouteInfo, sent: str) -> str | None:
    """The caller's quality in the upstream's word, None when they sent none."""
    return route.quality_map.get(sent, sent) or None
