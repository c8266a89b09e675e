"""Pending revisions: how a channel that serves gets another address, key or words.

The old ones serve while the new are tested. Then a swap puts the new ones in place, in one
transaction. Calls in progress keep the snapshot they began with, and end with the old key.
"""

import json
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.services import Actor, By, record
from generation.catalogue.services.approval import (
    agree,
    approve_all,
    digest_of,
    is_sandbox,
    refusal_of_untested,
    refuse_waiting,
    standing,
    untested_models,
)
from generation.catalogue.services.channel_columns import check_origin, with_columns
from generation.catalogue.services.channel_lock import take_turns
from generation.catalogue.services.described import describe
from generation.catalogue.services.options import RouteTerms
from generation.catalogue.services.routes import Routes, routes_of, write_routes
from generation.catalogue.services.unserved import refusing_stops
from generation.catalogue.traffic import channel_events
from generation.catalogue.traffic.standing import calls_under_way
from generation.models import Channel, PendingRevision

COLUMNS = ("kind", "base_url", "credentials", "serves", "sizes", "settings")
"""Columns that decide how a channel is called; changes of others hold at once."""
STALE = "stale"
"""The code of a refusal that is answered only by discarding the revision."""


def pending_of(channel: Channel) -> PendingRevision | None:
    return PendingRevision.objects.filter(channel=channel).first()


def fresh_pending(channel: Channel) -> PendingRevision:
    """The pending revision. Raises ValidationError if there is none or it `is_stale`."""
    pending = _surely(channel)
    if pending.base != base_of(channel):
        raise ValidationError(
            f"{channel.name} has changed since its pending revision was begun:"
            f" run `manage.py channel discard {channel.name}`, and set it anew",
            code=STALE,
        )
    return pending


def is_stale(pending: PendingRevision, channel: Channel, live: Routes) -> bool:
    """True if the channel, as just read, has changed since the revision was begun."""
    columns = [getattr(channel, column) for column in COLUMNS]
    return pending.base != _base(columns, live)


def refuse_pending(channel: Channel) -> None:
    """Raise ValidationError if a revision is pending, which a form with all fields would undo."""
    if pending_of(channel) is not None:
        raise ValidationError(
            f"{channel.name} has a pending revision: swap it or discard it first, by"
            f" `manage.py channel swap {channel.name}` or `discard`"
        )


def revised(channel: Channel) -> tuple[Channel, Routes]:
    """The channel and routes after its pending revision, unsaved; as stored if it has none.

    Models already served keep their present costs.
    """
    return candidate_of(channel, routes_of(channel), pending_of(channel))


def candidate_of(
    channel: Channel, live: Routes, pending: PendingRevision | None
) -> tuple[Channel, Routes]:
    """Like `revised`, from the given routes and revision."""
    if pending is None:
        return channel, live
    candidate = copy(channel)
    for column in COLUMNS:
        setattr(candidate, column, getattr(pending, column))
    routes = {}
    for row in pending.routes:
        terms = RouteTerms(**row)
        known = live.get(terms.model)
        routes[terms.model] = replace(terms, cost_micros=known.cost_micros) if known else terms
    return candidate, routes


def waiting_models(channel: Channel) -> list[str]:
    """Models of the pending revision that are not tested as they will be."""
    pending = pending_of(channel)
    if pending is None:
        return []
    candidate, routes = revised(channel)
    proves = is_sandbox(candidate.serves)
    return [
        model
        for model, terms in routes.items()
        if pending.tested.get(model) != digest_of(candidate, terms, proves=proves)
    ]


def revise(
    channel: Channel, columns: Mapping[str, Any], planned: Routes, **by: Unpack[By]
) -> tuple[dict[str, Any], Routes]:
    """Split a change of a serving channel: return the columns and routes that hold at once.

    The rest makes or extends its pending revision, which takes every change of routes once it
    exists. Raises ValidationError if the channel has changed since the revision was begun.

    Args:
        channel: as it is stored.
        columns: as `check_channel` returns them.
        planned: the routes of `revised` with the change applied.
        by: the person who makes it.
    """
    live, pending = routes_of(channel), pending_of(channel)
    known, routes = revised(channel)
    waits = {name: columns[name] for name in _waiting(channel, columns, pending)}
    at_once = {name: value for name, value in columns.items() if name not in waits}
    check_origin(waits, known)
    candidate = with_columns(known, waits)
    if pending is None and not (_differs(channel, candidate) or _touches(channel, live, planned)):
        return at_once, planned
    if (
        pending is None
        or _differs(known, candidate)
        or _without_costs(planned, of=live) != _without_costs(routes, of=live)
    ):
        before = describe(known, routes)
        after = describe(candidate, planned)
        after |= {"api_key": "changed"} if "api_key" in waits else {}
        _keep(channel, pending, candidate, planned, changed_by=str(by["actor"]))
        record(channel.audited, "channel.revise", before=before, after=after, **by)
    return at_once, {
        model: replace(terms, cost_micros=planned.get(model, terms).cost_micros)
        for model, terms in live.items()
    }


@transaction.atomic
def swap(
    *, channel: Channel, untested: bool = False, may_stop: bool = False, **by: Unpack[By]
) -> int:
    """Put the pending revision in place; return the number of calls in progress.

    They end with the key they began with. Raises ValidationError if there is no revision, if the
    channel has changed since it was begun, and if it is not tested: `untested` swaps nevertheless,
    except for a sandbox, which has to prove that it is one. Also raises it if a model would be left
    unserved, unless it `may_stop`.
    """
    take_turns()
    channel.refresh_from_db()
    pending = fresh_pending(channel)
    waiting = waiting_models(channel)
    candidate, routes = revised(channel)
    if waiting and (not untested or refusal_of_untested(candidate)):
        refuse_waiting(channel, waiting, pending=True)
    before, known, was = describe(channel), routes_of(channel), copy(channel)
    for column in COLUMNS:
        setattr(channel, column, getattr(pending, column))
    channel.reset_count += 1
    with refusing_stops(are_meant=may_stop):
        channel.save(update_fields=[*COLUMNS, "reset_count"])
        write_routes(channel, routes, known=known)
        approve_all(channel)
    channel.trials.filter(pending=True, tested__in=pending.tested.values()).update(pending=False)
    pending.delete()
    under_way = calls_under_way(channel)
    after = {**describe(channel), "calls_under_way": under_way, "untested": waiting}
    record(channel.audited, "channel.swap", before=before, after=after, **by)
    channel_events.note_change(was, channel, actor=by["actor"])
    return under_way


@transaction.atomic
def discard(*, channel: Channel, **by: Unpack[By]) -> None:
    """Delete the pending revision and its key. Raises ValidationError if there is none."""
    take_turns()
    pending = _surely(channel)
    candidate, routes = revised(channel)
    before = describe(candidate, routes)
    pending.delete()
    record(channel.audited, "channel.discard", before=before, after={}, **by)


@transaction.atomic
def passed_pending(*, channel: Channel, model: str, tested: str, actor: Actor) -> bool:
    """Like `passed_test`, for a route of the pending revision."""
    take_turns()
    channel.refresh_from_db()
    pending = pending_of(channel)
    candidate, routes = revised(channel)
    terms = routes.get(model)
    proves = is_sandbox(candidate.serves)
    if pending is None or terms is None or tested != digest_of(candidate, terms, proves=proves):
        return False
    pending.tested[model] = tested
    pending.save(update_fields=["tested"])
    after = {"passed": True, "model": model, "base_url": candidate.base_url, "pending": True}
    record(channel.audited, "channel.test", actor=actor, after=after)
    return True


def stored_credentials(channel: Channel) -> list[str]:
    """The encrypted keys stored for the channel: its own, and its revision's."""
    pending = pending_of(channel)
    kept = [channel.credentials, *([] if pending is None else [pending.credentials])]
    return list(dict.fromkeys(filter(None, kept)))


def replace_credentials(channel: Channel, encrypted_anew: Mapping[str, str]) -> None:
    """Store other ciphertexts of the same keys, keeping approvals and tests."""
    was, pending = standing(channel), pending_of(channel)
    is_fresh = pending is not None and pending.base == base_of(channel)
    waiting = waiting_models(channel)
    channel.credentials = encrypted_anew.get(channel.credentials, channel.credentials)
    channel.save(update_fields=["credentials"])
    if was.is_approved and not untested_models(channel):
        agree(channel)
    if pending is None:
        return
    pending.credentials = encrypted_anew.get(pending.credentials, pending.credentials)
    pending.save(update_fields=["credentials"])
    candidate, routes = revised(channel)
    proves = is_sandbox(candidate.serves)
    pending.tested = {
        model: digest_of(candidate, terms, proves=proves)
        for model, terms in routes.items()
        if model not in waiting
    }
    pending.base = base_of(channel) if is_fresh else pending.base
    pending.save(update_fields=["tested", "base"])


def _waiting(
    channel: Channel, columns: Mapping[str, Any], pending: PendingRevision | None
) -> list[str]:
    """Names of the columns that wait for a swap."""
    names = ["kind", "base_url", "api_key", "sizes", "settings"]
    is_proof = not is_sandbox(channel.serves) and is_sandbox(columns.get("serves", channel.serves))
    if is_proof or pending is not None:
        names.append("serves")
    return [name for name in names if name in columns]


def _differs(channel: Channel, other: Channel) -> bool:
    return any(getattr(channel, column) != getattr(other, column) for column in COLUMNS)


def _touches(channel: Channel, live: Routes, planned: Routes) -> bool:
    """True if an approved route would be called in another way."""
    serving = channel.routes.filter(is_approved=True).values_list("contract_id", flat=True)
    before, after = _without_costs(live, of=live), _without_costs(planned, of=live)
    return any(before[model] != after.get(model, before[model]) for model in serving)


def _without_costs(routes: Routes, *, of: Routes) -> dict[str, RouteTerms]:
    """Drop the costs of models in `of`, as those hold at once."""
    return {
        model: replace(terms, cost_micros=None) if model in of else terms
        for model, terms in routes.items()
    }


def _keep(
    channel: Channel,
    pending: PendingRevision | None,
    candidate: Channel,
    routes: Routes,
    *,
    changed_by: str,
) -> None:
    if pending is None:
        pending = PendingRevision(
            channel=channel, base=base_of(channel), tested=dict(standing(channel).tested)
        )
    else:
        pending = fresh_pending(channel)
    candidate.full_clean(exclude=["credentials"])
    for column in COLUMNS:
        setattr(pending, column, getattr(candidate, column))
    pending.routes = [_row_of(terms) for terms in routes.values()]
    pending.changed_by = changed_by[:200]
    pending.save()


def _surely(channel: Channel) -> PendingRevision:
    pending = pending_of(channel)
    if pending is None:
        raise ValidationError(f"{channel.name} has no pending revision")
    return pending


def base_of(channel: Channel) -> str:
    """A digest of the columns and routes that decide how the channel is called now."""
    return _base(Channel.objects.values_list(*COLUMNS).get(pk=channel.pk), routes_of(channel))


def _row_of(terms: RouteTerms) -> dict[str, Any]:
    """Without a map, as the previous release stores it."""
    row = asdict(terms)
    return row if row["field_map"] else {k: v for k, v in row.items() if k != "field_map"}


def _base(columns: Iterable[Any], live: Routes) -> str:
    routes = [_row_of(terms) for terms in _without_costs(live, of=live).values()]
    *known, settings = columns
    known += [settings] if settings else []  # others keep the digest they have
    return sha256(json.dumps([*known, routes], sort_keys=True).encode()).hexdigest()
