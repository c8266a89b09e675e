"""A channel in words, for lists and the audit log."""

from typing import Any

from generation.catalogue.services.routes import Routes, routes_of
from generation.models import Channel
from pictor.kit.words.money import to_decimal

_AS_STORED = (
    *("ignored_fields", "refused_tasks", "max_images", "allows_exact_crop", "allows_redispatch"),
    *("retry_is_free", "keeps_credentials", "class_overrides"),
)


def describe(channel: Channel, routes: Routes | None = None) -> dict[str, Any]:
    """A channel without its credentials, as JSON values; with these routes in place of its own.

    `sizes` is None for every size. `maps` has only models with another name at the vendor, `cost`
    only models with a known cost (USD an image).
    """
    routes = routes_of(channel) if routes is None else routes
    return {
        "name": channel.name,
        "kind": channel.kind,
        "base_url": channel.base_url,
        "enabled": channel.is_enabled,
        "serves": channel.serves,
        "priority": channel.priority,
        "weight": channel.weight,
        "timeout": channel.timeout_seconds,
        "queue_seconds": channel.queue_seconds,
        "max_concurrency": channel.max_concurrency,
        "models": list(routes),
        "maps": {
            m: route.upstream_model for m, route in routes.items() if route.upstream_model != m
        },
        "cost": {
            model: to_decimal(route.cost_micros)
            for model, route in routes.items()
            if route.cost_micros is not None
        },
        "settings": channel.settings or {},
        "sizes": channel.sizes,
        "model_sizes": {
            m: list(route.sizes) for m, route in routes.items() if route.sizes is not None
        },
        "quality_maps": {
            m: dict(route.quality_map) for m, route in routes.items() if route.quality_map
        },
        "field_maps": {m: route.field_map for m, route in routes.items() if route.field_map},
        **{name: getattr(channel, name) for name in _AS_STORED},
    }
