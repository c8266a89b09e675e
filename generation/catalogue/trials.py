"""Trials of a channel's routes: planned, told what they cost, run once each and kept.

A trial that passes approves its route. Its picture is kept for a week; the row stays, because the
vendor's bill will have it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models.functions import Now

from accounts.services import Actor
from billing.upstream_cost import CostTable
from generation.catalogue import services, trial
from generation.catalogue.services import RouteTerms
from generation.channels.errors import MAX_DETAIL_CHARS, AttemptClass
from generation.models import Channel, ChannelEvent, ChannelTrial, Contract, Route
from generation.selectors import cost_tables
from generation.traffic import events
from pictor.kit import clock, pools
from pictor.kit.money import Micros
from pictor.kit.spool import SpoolFile
from storage import object_keys
from storage.probe import ImageFacts
from storage.services import StorageFailed, upload

MAX_REQUEST_ID_CHARS = 200
CHANGED = trial.Outcome(
    AttemptClass.NOT_REACHED, 0, "it was changed before its test began", may_have_billed=False
)
"""Of a trial that is of nothing any more."""
CHANGED_DURING = "it was changed during its test"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What trials will cost together: the sum of what is known, and of how many nothing is."""

    trials: int
    known: Micros
    unknown: int


def plan_trials(
    channel: Channel, *, model: str | None = None, pending: bool = False, actor: Actor
) -> list[ChannelTrial]:
    """A trial of each route, or of one model's, or of the pending revision's; none is begun.

    Raises ValidationError where there is nothing to try, or a revision that cannot be swapped any
    more, and WrongKey.
    """
    candidate, routes = _subject(channel, pending=pending)
    chosen = [terms for terms in routes.values() if model in {None, terms.model}]
    if not chosen:
        raise ValidationError(f"the channel {channel.name} serves {model or 'no model'}")
    rows = []
    for terms in chosen:
        one = _prepared(candidate, terms)
        rows.append(ChannelTrial(
            channel=channel,
            model=terms.model,
            pending=pending,
            tested=services.digest_of(candidate, terms, proves=one.is_of_sandbox),
            asked_by=str(actor)[:200],
            upstream_model=one.upstream_model,
            upstream_size=one.size,
            upstream_quality=one.quality,
        ))  # fmt: skip
    return ChannelTrial.objects.bulk_create(rows)


def estimated(trials: Sequence[ChannelTrial]) -> Estimate:
    """What they will cost, as far as the tables of now say it."""
    now = clock.now()
    costs = [_ready(row)[1].cost(now) for row in trials]
    known = Micros(sum(cost.micros for cost in costs))
    return Estimate(len(costs), known, sum(not cost.is_known for cost in costs))


def run_trial(trial_id: UUID) -> ChannelTrial:
    """Make a planned call, keep what came of it, and approve the route where it passed.

    One that has been begun already is not begun again, whoever asks: its row is handed back as it
    is. Raises ChannelTrial.DoesNotExist, and ValidationError and WrongKey as planning does.
    """
    rows = ChannelTrial.objects.select_related("channel")
    row = rows.get(pk=trial_id)
    digest, one = _ready(row)
    if not rows.filter(pk=trial_id, started_at=None).update(started_at=Now()):
        return rows.get(pk=trial_id)
    row.refresh_from_db()
    if digest != row.tested:
        _end(row, one, CHANGED)
        return row
    events.note(row.channel, ChannelEvent.Kind.TRIAL, actor=row.asked_by)

    async def keep(spool: SpoolFile, facts: ImageFacts) -> None:
        key = _picture_key(row, facts)
        try:
            await pools.storage(upload, key, spool, content_type=f"image/{facts.format}")
        except StorageFailed as error:
            row.detail = f"its picture could not be kept: {error}"
        else:
            row.picture_key = key

    _end(row, one, asyncio.run(trial.attempt(one, keep)))
    if row.passed:
        approve = services.passed_pending if row.pending else services.passed_test
        if not approve(channel=row.channel, model=row.model, tested=row.tested, actor=row.asked_by):
            row.trial_class, row.detail = AttemptClass.BAD_RESULT, CHANGED_DURING
            row.save(update_fields=["trial_class", "detail"])
    return row


def _subject(channel: Channel, *, pending: bool) -> tuple[Channel, dict[str, RouteTerms]]:
    """What is tried: the channel as it is, or as its pending revision has it, and its routes."""
    if not pending:
        return channel, dict(services.routes_of(channel))
    services.fresh_pending(channel)
    candidate, routes = services.revised(channel)
    return candidate, dict(routes)


def _ready(row: ChannelTrial) -> tuple[str, trial.Trial]:
    """The digest of what would be tried now, and the call. Raises ValidationError for nothing."""
    candidate, routes = _subject(row.channel, pending=row.pending)
    terms = routes.get(row.model)
    if terms is None:
        raise ValidationError(f"{row.channel.name} does not serve {row.model} any more")
    one = _prepared(candidate, terms)
    return services.digest_of(candidate, terms, proves=one.is_of_sandbox), one


def _prepared(channel: Channel, terms: RouteTerms) -> trial.Trial:
    route = Route(
        channel=channel,
        contract=Contract.objects.get(model=terms.model),
        upstream_model=terms.upstream_model,
        sizes=None if terms.sizes is None else list(terms.sizes),
        quality_map=dict(terms.quality_map),
        cost_micros=terms.cost_micros,
    )
    return trial.prepare(route, tables=_tables(channel))


def _tables(channel: Channel) -> tuple[CostTable, ...]:
    return cost_tables([channel.pk], since=clock.now() - timedelta(days=1))[channel.pk]


def _picture_key(row: ChannelTrial, facts: ImageFacts) -> str:
    return object_keys.trial_key(
        settings.OBJECT_KEY_SECRET,
        row.id,
        created=row.created_at.astimezone(UTC).date(),
        ext=object_keys.EXTENSIONS[facts.format],
    )


def _end(row: ChannelTrial, one: trial.Trial, outcome: trial.Outcome) -> None:
    began: datetime = row.started_at or clock.now()
    cost = one.cost(began, outcome.came, may_have_billed=outcome.may_have_billed)
    row.finished_at = clock.now()
    row.milliseconds = outcome.milliseconds
    row.trial_class = outcome.trial_class
    row.detail = (outcome.detail or row.detail)[:MAX_DETAIL_CHARS]
    row.may_have_billed = outcome.may_have_billed
    row.http_status = outcome.http_status
    row.upstream_request_id = outcome.request_id[:MAX_REQUEST_ID_CHARS]
    row.size_bytes = outcome.size_bytes
    row.cost_micros, row.cost_source = cost.micros, cost.source
    if outcome.facts is not None:
        row.image_format = outcome.facts.format
        row.width, row.height = outcome.facts.width, outcome.facts.height
    if outcome.came.tokens is not None:
        tokens = outcome.came.tokens
        row.input_text_tokens, row.input_image_tokens = tokens.input_text, tokens.input_image
        row.output_tokens = tokens.output
    row.save()
