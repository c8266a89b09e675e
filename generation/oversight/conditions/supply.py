"""Conditions about our supply: models that few channels serve, and channels that fail."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet, Sum

from billing.selectors.office.sold import images_by_model
from generation.catalogue.traffic.channel_events import shut_now
from generation.catalogue.traffic.minutes import RECENT_PERIOD, Success, recent_success
from generation.catalogue.traffic.standing import mostly_fails
from generation.channels.errors import AttemptClass
from generation.channels.retirements import end_of, host_of
from generation.lifecycle import lease
from generation.models import Attempt, ChannelEvent, Route, Serves
from generation.oversight import watch
from generation.oversight.conditions.detected import Outlook, PresentCondition
from generation.selectors import present_stops
from pictor.kit.words import ids
from pictor.kit.words.money import Micros, in_dollars

SUNSETS_AHEAD, SALES_PERIOD = timedelta(days=60), timedelta(days=30)
RETIREMENTS_AHEAD = timedelta(days=60)


def shrunk(outlook: Outlook) -> Iterator[PresentCondition]:
    """Models served by one channel or none, after several before."""
    for model, now, before in _counts(outlook):
        if now < min(before, 2):
            left = "one channel serves it" if now else "no channel serves it"
            yield PresentCondition(model, None, f"{left}, where there were {before}")


def channels_before(outlook: Outlook) -> Mapping[str, int]:
    """The numbers the next look compares with; a higher former one stays while too few serve it."""
    return {
        model: before if now < min(before, 2) else now for model, now, before in _counts(outlook)
    }


def parts(outlook: Outlook) -> Iterator[PresentCondition]:
    """What the status page shows as not working. A stop has a condition of its own."""
    for sight in watch.look(now=outlook.now):
        if sight.part != watch.API and sight.trouble not in {"", watch.PAUSED}:
            yield PresentCondition(sight.part, None, sight.trouble)


def failing(outlook: Outlook) -> Iterator[PresentCondition]:
    """Channels with mostly failed calls in the last ten minutes, by model."""
    names = _names(outlook)
    for lately in recent_success(now=outlook.now):
        if lately.channel_id in names and mostly_fails(lately.delivered, lately.calls):
            words = f"{lately.delivered} of {lately.calls} calls in 10 minutes brought images"
            paid, words_of_it = _paid_for_nothing(lately, since=outlook.now - RECENT_PERIOD)
            name = f"{names[lately.channel_id]} {lately.model}"
            yield PresentCondition(name, paid, words + words_of_it)


def _paid_for_nothing(lately: Success, *, since: datetime) -> tuple[Micros | None, str]:
    """What answers without a usable image may have cost, and that in words."""
    found = Attempt.objects.filter(
        pk__gte=ids.first_at(since),
        channel=lately.channel_id,
        generation__model=lately.model,
        attempt_class=AttemptClass.BAD_RESULT,
        may_have_billed=True,
    ).aggregate(micros=Sum("cost_micros"))
    if found["micros"] is None:
        return None, ""
    paid = Micros(found["micros"])
    return paid, f"; answers without pictures, maybe paid: {in_dollars(paid)}"


def breakers(outlook: Outlook) -> Iterator[PresentCondition]:
    """Channels with a breaker open in half of the image workers, for one model or for all."""
    names, open_in = _names(outlook), dict[str, set[UUID]]()
    for shut in shut_now():
        if shut.kind == ChannelEvent.Kind.BREAKER_OPENED and shut.channel_id in names:
            name = f"{names[shut.channel_id]} {shut.model}".strip()
            open_in.setdefault(name, set()).add(shut.worker)
    workers = lease.live_workers().workers
    for name, inside in open_in.items():
        if len(inside) * 2 >= workers:
            yield PresentCondition(
                name, None, f"its breaker is open in {len(inside)} of {workers} workers"
            )


def untested(outlook: Outlook) -> Iterator[PresentCondition]:
    """Models on offer that a live channel could serve once tested."""
    waiting = _live_routes(outlook, is_approved=False)
    for channel, model in waiting.values_list("channel__name", "contract_id"):
        yield PresentCondition(f"{channel} {model}", None, "must be tested before it is served")


def sunsets(outlook: Outlook) -> Iterator[PresentCondition]:
    """Models that end within 60 days, with the tenants that bought them in the last 30."""
    until = outlook.now + SUNSETS_AHEAD
    near = [
        (contract, contract.sunset_at)
        for contract in outlook.catalogue.on_offer(outlook.now)
        if contract.sunset_at is not None and contract.sunset_at <= until
    ]
    sold = images_by_model((outlook.now - SALES_PERIOD).date()) if near else {}
    for contract, end in near:
        tenants, images = sold.get(contract.model, (0, 0))
        after = outlook.catalogue.successor_of(contract, outlook.now) or "nothing"
        bought = f"{_number(tenants, 'tenant')}, {_number(images, 'image')} in 30 days"
        words = f"ends on {end:%-d %B %Y, %H:%M} UTC, {after} follows; {bought}"
        yield PresentCondition(contract.model, None, words)


def _number(many: int, thing: str) -> str:
    return f"{many:,} {thing}{'' if many == 1 else 's'}"


def retiring(outlook: Outlook) -> Iterator[PresentCondition]:
    """Models on offer that a live channel serves, and that its vendor has ended or soon ends."""
    today = outlook.now.astimezone(UTC).date()
    for route in _live_routes(outlook, is_approved=True).select_related("channel"):
        channel, name = route.channel, route.upstream_model
        day = end_of(base_url=channel.base_url, upstream_model=name, entered=route.retires_on)
        if day is not None and day <= today + RETIREMENTS_AHEAD:
            verb = "ended" if day <= today else "ends"
            words = f"{name} {verb} at {host_of(channel.base_url)} on {day:%-d %B %Y}"
            yield PresentCondition(f"{channel.name} {route.contract_id}", None, words)


def _live_routes(outlook: Outlook, *, is_approved: bool) -> QuerySet[Route]:
    """Routes of live channels for models on offer, by channel and model."""
    routes = Route.objects.filter(
        is_approved=is_approved,
        channel__is_enabled=True,
        channel__serves=Serves.LIVE,
        contract__is_enabled=True,
    )
    lasting = routes.exclude(contract__sunset_at__lte=outlook.now)
    return lasting.order_by("channel__name", "contract_id")


def answering_otherwise(outlook: Outlook) -> Iterator[PresentCondition]:
    """Routes of which another model answered than was asked for, in the last 24 hours."""
    names, since = _names(outlook), outlook.now - timedelta(days=1)
    events = ChannelEvent.objects.filter(kind=ChannelEvent.Kind.OTHER_MODEL, at__gt=since)
    for event in events.order_by("at", "id"):
        if event.channel_id in names:
            yield PresentCondition(f"{names[event.channel_id]} {event.model}", None, event.words)


def stopped(_outlook: Outlook) -> Iterator[PresentCondition]:
    """Stops made by operators, with the operator's name."""
    for stop in present_stops():
        words = f"stopped since {stop.began_at:%-d %B, %H:%M} UTC by {stop.by}: {stop.reason}"
        yield PresentCondition(stop.name, None, words)


def _names(outlook: Outlook) -> Mapping[int, str]:
    """By id, the names of the channels for live requests."""
    return {route.channel_id: route.channel_name for route in outlook.routes()}


def _counts(outlook: Outlook) -> Iterator[tuple[str, int, int]]:
    """Each model on offer, with its present and former number of channels."""
    for contract in outlook.catalogue.on_offer(outlook.now):
        now = len(outlook.routes_of(contract.model))
        yield contract.model, now, outlook.channels_before.get(contract.model, now)
