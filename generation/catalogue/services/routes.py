"""The models that a channel serves, and how."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.core.exceptions import ValidationError

from generation.catalogue.services.channel_checks import check_route
from generation.catalogue.services.options import ALL, ChannelOptions, RouteTerms
from generation.models import Channel, Contract, Route, Serves
from pictor.kit.words import clock

Routes = Mapping[str, RouteTerms]
"""By public model, in the order of the contracts."""

COLUMNS = ("upstream_model", "sizes", "quality_map", "cost_micros", "field_map")
BY_MODEL = {
    "maps": "upstream_model",
    "words": "quality_map",
    "sizes_of": "sizes",
    "costs": "cost_micros",
    "field_maps": "field_map",
}
"""Options by model, and the route's column that each sets."""


def routes_of(channel: Channel) -> Routes:
    """The channel's present routes."""
    rows = channel.routes.order_by("contract__position", "contract_id")
    return {
        row.contract_id: RouteTerms(
            model=row.contract_id, **{column: getattr(row, column) for column in COLUMNS}
        )
        for row in rows
    }


def unserved_models() -> tuple[str, ...]:
    """Offered models that no enabled channel serves live, in the order of the contracts."""
    live = Route.objects.filter(channel__is_enabled=True, is_approved=True)
    served = live.exclude(channel__serves=Serves.TEST).values("contract_id")
    lasting = Contract.objects.exclude(sunset_at__lte=clock.now())
    lacking = lasting.filter(is_enabled=True).exclude(model__in=served)
    return tuple(lacking.values_list("model", flat=True))


def unserved_warning(before: Collection[str]) -> str:
    """A warning about models that a change left without a channel; empty if there are none.

    Args:
        before: the models that had none already.
    """
    left = [model for model in unserved_models() if model not in before]
    return f"no enabled channel now serves {', '.join(left)}" if left else ""


def planned_routes(known: Routes, options: ChannelOptions, *, kind: str) -> Routes:
    """The channel's routes after the change, if it is of that kind by then.

    Unchanged ones are not checked again, other than their field maps.

    Raises ValidationError.
    """
    models = dict(Contract.objects.values_list("model", "qualities"))
    routes = dict(known)
    if "routes" in options:
        routes = _routes_by_model(options["routes"], list(models))
    if "models" in options:
        routes = {
            model: routes.get(model, RouteTerms(model=model, upstream_model=model))
            for model in _named_models(options["models"], list(models))
        }
    if "cost" in options:
        cost = options["cost"]
        routes = {model: replace(terms, cost_micros=cost) for model, terms in routes.items()}
    for option, column in BY_MODEL.items():
        by_model: Mapping[str, Any] = options.get(option, {})  # type: ignore[assignment] # by its name
        for model, word in by_model.items():
            _check_known([model], list(models))
            # The vendor's name for a model is all that a new route needs.
            if option == "maps" and "models" not in options:
                routes.setdefault(model, RouteTerms(model=model, upstream_model=word))
            if model not in routes:
                raise ValidationError(f"the channel does not serve {model}")
            routes[model] = replace(routes[model], **{column: word})
    return {
        model: terms
        if terms == known.get(model) and not terms.field_map
        else check_route(terms, qualities=models[model], kind=kind)
        for model, terms in routes.items()
    }


def write_routes(channel: Channel, routes: Routes, *, known: Routes) -> None:
    """Replace the channel's routes by these. New ones wait for a test.

    A route with another upstream model loses its `retires_on`.
    """
    if gone := known.keys() - routes.keys():
        channel.routes.filter(contract_id__in=gone).delete()
    changed = [terms for model, terms in routes.items() if terms != known.get(model)]
    Route.objects.bulk_create(
        [unsaved_route(channel, terms) for terms in changed],
        update_conflicts=True,
        unique_fields=["channel", "contract"],
        update_fields=COLUMNS,
    )
    renamed = [
        terms.model
        for terms in changed
        if terms.model in known and terms.upstream_model != known[terms.model].upstream_model
    ]
    channel.routes.filter(contract_id__in=renamed).update(retires_on=None)


def unsaved_route(channel: Channel, terms: RouteTerms) -> Route:
    """The route as it would be stored: untested."""
    return Route(
        channel=channel,
        contract_id=terms.model,
        is_approved=False,
        upstream_model=terms.upstream_model,
        sizes=None if terms.sizes is None else list(terms.sizes),
        quality_map=dict(terms.quality_map),
        cost_micros=terms.cost_micros,
        field_map=terms.field_map,
    )


def _routes_by_model(routes: Sequence[RouteTerms], models: Sequence[str]) -> dict[str, RouteTerms]:
    _check_known([terms.model for terms in routes], models)
    by_model = {terms.model: terms for terms in routes}
    if len(by_model) < len(routes):
        raise ValidationError("a model is served by one route of a channel")
    return by_model


def _named_models(words: Sequence[str], models: Sequence[str]) -> list[str]:
    if list(words) == [ALL]:
        return list(models)
    _check_known(words, models)
    return list(dict.fromkeys(words))


def _check_known(named: Sequence[str], models: Sequence[str]) -> None:
    unknown = [model for model in named if model not in models]
    if unknown:
        raise ValidationError(
            f"no such model: {', '.join(unknown)}; available: {', '.join(models) or 'none yet'}"
        )
