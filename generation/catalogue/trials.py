"""Trials of a channel's routes: planned, estimated, run once each and kept.

A trial that passes approves its route. Its picture is kept for a week; the row stays, because the
vendor's bill will include the call.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from typing_extensions import override

from accounts.services import Actor
from billing.upstream_cost import CostSource, CostTable
from generation.catalogue import services, trial_call
from generation.catalogue.snapshot import COSTS_NEEDED_FOR
from generation.catalogue.traffic import channel_events
from generation.catalogue.trial_call import Trial, TrialOutcome
from generation.channels.errors import MAX_DETAIL_CHARS, AttemptClass
from generation.models import Channel, ChannelEvent, ChannelTrial, Contract
from generation.selectors import cost_tables
from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.database import pools
from pictor.kit.redis import bell
from pictor.kit.secrets.encryption import WrongKey
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, to_decimal
from storage import object_keys
from storage.probe import ImageFacts
from storage.services import StorageFailed, key_of, upload

MAX_REQUEST_ID_CHARS = 200
CHANGED = "it was changed before its test began"
CHANGED_DURING = "it was changed during its test"
BUSY = "another test of it is under way"
TOO_LATE = "it waited too long to be of use"
TRIAL_LATE_AFTER = timedelta(seconds=60)
TASK = "generation.lanes.try_route"


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of trials together: the sum of known costs, and the number without a known cost."""

    trials: int
    known: Micros
    unknown: int

    @override
    def __str__(self) -> str:
        """Text such as 'Test 3 routes, about $0.019'."""
        routes = "1 route" if self.trials == 1 else f"{self.trials} routes"
        if self.unknown == self.trials:
            return f"Test {routes}, cost unknown"
        more = f", and {self.unknown} of unknown cost" if self.unknown else ""
        known = to_decimal(self.known).rstrip("0").rstrip(".")
        return f"Test {routes}, about ${known}{more}"


def ready(
    channel: Channel, *, models: Collection[str] | None = None, pending: bool = False
) -> dict[str, Trial]:
    """The calls that would test the channel's routes, those of `models`, or the pending revision's.

    Raises ValidationError if there is nothing to try or the revision can no longer be swapped in,
    and WrongKey.
    """
    candidate, routes = _subject(channel, pending=pending)
    if missing := set(models or ()).difference(routes):
        raise ValidationError(f"{channel.name} does not serve {', '.join(sorted(missing))}")
    chosen = {model: terms for model, terms in routes.items() if models is None or model in models}
    if not chosen:
        raise ValidationError(f"the channel {channel.name} serves no model")
    tables = cost_tables([channel.pk], since=clock.now() - COSTS_NEEDED_FOR)[channel.pk]
    return ready_of(candidate, chosen, contracts=Contract.objects.in_bulk(chosen), tables=tables)


def ready_of(
    channel: Channel,
    routes: services.Routes,
    *,
    contracts: Mapping[str, Contract],
    tables: tuple[CostTable, ...],
) -> dict[str, Trial]:
    """Like `ready`, for these routes, with contracts and tables given. Raises WrongKey."""
    by_model = {}
    for model, terms in routes.items():
        route = services.unsaved_route(channel, terms)
        route.contract = contracts[model]
        digest = services.digest_of(channel, terms, proves=services.is_sandbox(channel.serves))
        by_model[model] = trial_call.prepare(route, tables=tables, digest=digest)
    return by_model


def estimate_of(calls: Iterable[Trial]) -> Estimate:
    """The cost of these calls, as far as the current tables tell."""
    now = clock.now()
    costs = [call.cost(now) for call in calls]
    known = Micros(sum(cost.micros for cost in costs))
    return Estimate(len(costs), known, sum(not cost.is_known for cost in costs))


@transaction.atomic
def plan_trials(
    channel: Channel,
    *,
    models: Collection[str] | None = None,
    pending: bool = False,
    actor: Actor,
) -> list[ChannelTrial]:
    """Plan a trial of each route, of those of `models`, or of the pending revision's; start none.

    Raises as `ready` does, and ValidationError if one of them is under way, so that a test is not
    paid for twice at once.
    """
    services.take_turns()
    calls = ready(channel, models=models, pending=pending)
    busy = [row.model for row in open_trials(channel, pending=pending) if row.model in calls]
    if busy:
        raise ValidationError(f"{', '.join(sorted(busy))}: a test is under way")
    return ChannelTrial.objects.bulk_create(
        ChannelTrial(
            channel=channel,
            model=model,
            pending=pending,
            tested=call.digest,
            asked_by=str(actor)[:200],
            upstream_model=call.upstream_model,
            upstream_size=call.size,
            upstream_quality=call.quality,
        )
        for model, call in calls.items()
    )


def ask_for_trials(
    channel: Channel, *, models: Collection[str], pending: bool, actor: Actor
) -> list[ChannelTrial]:
    """Plan trials, and have the short-work worker run each in its own thread."""
    planned = plan_trials(channel, models=models, pending=pending, actor=actor)
    for row in planned:
        bell.ring(TASK, str(row.id))
    return planned


def open_trials(channel: Channel, *, pending: bool = False) -> QuerySet[ChannelTrial]:
    """Trials under way, and planned ones that are about to begin.

    A trial well past its time-out, or not begun within a minute, does not count.
    """
    now = clock.now()
    begun = Q(started_at__gt=now - timedelta(seconds=channel.timeout_seconds) - TRIAL_LATE_AFTER)
    awaited = Q(started_at=None, created_at__gt=now - TRIAL_LATE_AFTER)
    return ChannelTrial.objects.filter(begun | awaited, channel=channel, pending=pending).filter(
        finished_at=None
    )


def is_open(trial: ChannelTrial | None, *, timeout_seconds: int) -> bool:
    """True if `open_trials` counts this trial of a channel with this time-out."""
    if trial is None or trial.finished_at is not None:
        return False
    now, late = clock.now(), TRIAL_LATE_AFTER
    if trial.started_at is None:
        return now - trial.created_at < late
    return now - trial.started_at < late + timedelta(seconds=timeout_seconds)


def run_trial(trial_id: UUID) -> ChannelTrial:
    """Make a planned call, store its outcome, and approve the route if it passed.

    A trial that was begun before is not begun again: its row is returned as it is. A trial whose
    route is gone or is in another test ends without a call. Raises ChannelTrial.DoesNotExist.
    """
    rows = ChannelTrial.objects.select_related("channel")
    row = rows.get(pk=trial_id)
    if row.started_at is not None:
        return row
    try:
        route = ready(row.channel, models=[row.model], pending=row.pending)[row.model]
    except (ValidationError, WrongKey):
        return _let_be(row, CHANGED)
    with transaction.atomic():
        services.take_turns()
        is_busy = open_trials(row.channel, pending=row.pending).filter(
            model=row.model, started_at__isnull=False
        ).exclude(pk=trial_id).exists()  # fmt: skip
        if not is_busy and not rows.filter(pk=trial_id, started_at=None).update(started_at=Now()):
            return rows.get(pk=trial_id)
    if is_busy:
        return _let_be(row, BUSY)
    row.refresh_from_db()
    if route.digest != row.tested:
        return _let_be(row, CHANGED)
    outcome = _make(row, route)
    with transaction.atomic():  # readers that see the trial passed must see its route approved
        services.take_turns()
        _end(row, route, outcome)
        if row.passed and not _approve(row):
            row.trial_class, row.detail = AttemptClass.BAD_RESULT, CHANGED_DURING
            row.save(update_fields=["trial_class", "detail"])
    return row


def run_asked(trial_id: UUID) -> ChannelTrial:
    """Like `run_trial`, but a trial that waited too long ends without a call.

    By then its page has said that no worker began it, and offered another.
    """
    row = ChannelTrial.objects.get(pk=trial_id)
    if row.started_at is None and clock.now() - row.created_at >= TRIAL_LATE_AFTER:
        return _let_be(row, TOO_LATE)
    return run_trial(trial_id)


def _make(row: ChannelTrial, call: Trial) -> TrialOutcome:
    channel_events.note(row.channel, ChannelEvent.Kind.TRIAL, actor=row.asked_by)

    async def keep(spool: SpoolFile, facts: ImageFacts) -> None:
        name = f"picture.{object_keys.EXTENSIONS[facts.format]}"
        key = key_of(row.id, row.created_at, name, kind=object_keys.TRIALS)
        try:
            await pools.storage(upload, key, spool, content_type=f"image/{facts.format}")
        except StorageFailed as error:
            row.detail = f"its picture could not be kept: {error}"
        else:
            row.picture_key = key

    return asyncio.run(trial_call.attempt(call, keep))


def _approve(row: ChannelTrial) -> bool:
    """Approve the route that passed; False if it is no longer what was tested."""
    approve = services.passed_pending if row.pending else services.passed_test
    return approve(channel=row.channel, model=row.model, tested=row.tested, actor=row.asked_by)


def _subject(channel: Channel, *, pending: bool) -> tuple[Channel, services.Routes]:
    """The channel to try, as it is or as its pending revision has it, with its routes."""
    if not pending:
        return channel, services.routes_of(channel)
    services.fresh_pending(channel)
    return services.revised(channel)


def _let_be(row: ChannelTrial, why: str) -> ChannelTrial:
    """End the trial without a call."""
    row.finished_at = clock.now()
    row.milliseconds, row.may_have_billed = 0, False
    row.trial_class, row.detail = AttemptClass.NOT_REACHED, why
    row.cost_micros, row.cost_source = 0, CostSource.NOTHING
    row.save()
    return row


def _end(row: ChannelTrial, trial: Trial, outcome: TrialOutcome) -> None:
    began: datetime = row.started_at or clock.now()
    cost = trial.cost(began, outcome.came, may_have_billed=outcome.may_have_billed)
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
