"""Reads of generations: by tenant, by id if known to be the tenant's, as usage, as queues."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from billing.upstream_cost import CostKey, TokenCounts
from generation.models import FINAL, NO_PRICE, Attempt, Generation, RefusedRequest, Source, State
from pictor.kit.database.cursors import all_rows
from pictor.kit.database.spans import EVERYTHING, Ids
from pictor.kit.words import ids
from pictor.kit.words.ids import GenerationId, TenantId
from storage.models import StoredImage
from storage.selectors import STORED_IMAGES, every_image_of, made_for, origins_like

COST_UNKNOWN = "{0}.may_have_billed AND {0}.cost_micros = 0 AND {0}.cost_source IN ('', 'unknown')"
"""SQL: whether an ended attempt's cost is unknown; `format` names its row."""
CLOCKS_APART = timedelta(minutes=1)
MAX_MADE = 200_000
LONGEST_ARRIVAL = timedelta(minutes=15)
"""The longest time from a request's first line to its admission, with reference images."""
SHOWN_GENERATIONS = 20
"""The number of a caller's latest requests to show."""
LOOKED_INTO = 20_000
_FOR_OPERATOR = Generation.objects.select_related("tenant", "api_key", "channel")
_ENDED = """(
    SELECT g.tenant_id, g.api_key_id AS key_id, g.model, g.tier, g.state AS status,
           CASE g.state WHEN 'succeeded' THEN COALESCE(c.name, '') ELSE '' END AS channel,
           g.finished_at AS ended_at, COALESCE(i.images, 0) AS images,
           g.captured_micros AS captured, COALESCE(g.error ->> 'code', '') AS code,
           CASE g.state WHEN 'succeeded' THEN g.finished_at - g.created_at END AS took
      FROM generation_generation g
      LEFT JOIN generation_channel c ON c.id = g.channel_id
      LEFT JOIN {images} AS i ON i.generation_id = g.id
     WHERE {condition} AND g.livemode
)"""
_IMAGES = f"""(SELECT generation_id, COUNT(*) AS images
                   FROM {STORED_IMAGES} AS stored {{of}} GROUP BY generation_id)"""  # noqa: S608 - built from constants


def ended_among(generations: Ids) -> str:
    """SQL: the ended live ones of these generations, in the form that usage is counted from."""
    of_them = f"WHERE {generations.of('generation_id')}"
    condition = f"g.finished_at IS NOT NULL AND {generations.of('g.id')}"
    return _ENDED.format(images=_IMAGES.format(of=of_them), condition=condition)


ENDED = ended_among(EVERYTHING)


def ended_where(condition: str) -> str:
    """Like `ended_among`, for generations `g` meeting the condition, which must require an end.

    The images of each are looked up one by one, which suits some of very many.
    """
    of_it = "WHERE stored.generation_id = g.id"
    return _ENDED.format(images=f"LATERAL {_IMAGES.format(of=of_it)}", condition=condition)


@dataclass(frozen=True, slots=True)
class Finished:
    """A generation and its stored images in order: the data of an answer.

    `sizes` are those of all images that were delivered, also after the images are gone; so are
    their `origins`.
    """

    generation: Generation
    images: tuple[StoredImage, ...] = ()
    sizes: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Queue:
    """One model's generations under way, of all tenants."""

    model: str
    queued: int = 0
    running: int = 0
    oldest_seconds: float = 0.0
    """The age of the oldest queued one."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls to a channel for one model with the same result; '' is under way."""

    channel: str
    model: str
    attempt_class: str
    number: int
    seconds: float | None
    """The average of one call."""
    cost_micros: int
    cost_unknown: int
    """The number of calls with an unknown cost."""


@dataclass(frozen=True, slots=True)
class ImagesMade:
    """Images, and the tokens for all of them together."""

    images: int
    tokens: TokenCounts


def queues() -> list[Queue]:
    rows = all_rows(
        """
        SELECT model, COUNT(*) FILTER (WHERE state = 'queued'),
               COUNT(*) FILTER (WHERE state = 'running'),
               COALESCE(EXTRACT(EPOCH FROM clock_timestamp() -
                   MIN(created_at) FILTER (WHERE state = 'queued')), 0)::float8
          FROM generation_generation WHERE state IN ('queued', 'running') GROUP BY model
        """
    )
    return [Queue(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Lane:
    """One queue's generations under way: live ones, tests, or those in quarantine."""

    name: str
    queued: int = 0
    running: int = 0
    oldest_seconds: float = 0.0
    """The age of the oldest queued one."""


def lanes() -> list[Lane]:
    rows = all_rows(
        """
        SELECT CASE WHEN quarantine > 0 THEN 'quarantine' WHEN livemode THEN 'live'
                    ELSE 'tests' END AS lane,
               COUNT(*) FILTER (WHERE state = 'queued'),
               COUNT(*) FILTER (WHERE state = 'running'),
               COALESCE(EXTRACT(EPOCH FROM clock_timestamp() -
                   MIN(created_at) FILTER (WHERE state = 'queued')), 0)::float8
          FROM generation_generation WHERE state IN ('queued', 'running') GROUP BY lane
        """
    )
    by_lane = {row[0]: Lane(*row) for row in rows}
    return [by_lane.get(name, Lane(name)) for name in ("live", "tests", "quarantine")]


def generations_of(
    tenant_id: TenantId | UUID, *, livemode: bool | None = None
) -> QuerySet[Generation]:
    """The one scope every tenant's read goes through, newest first: live ones, tests, or both."""
    rows = Generation.objects.filter(tenant_id=tenant_id).order_by("-id")
    return rows if livemode is None else rows.filter(livemode=livemode)


def generation_of(
    tenant_id: TenantId | UUID, generation_id: UUID, *, livemode: bool | None = None
) -> Finished | None:
    """One of the tenant's generations; another tenant's is not found, like one that never was."""
    generation = generations_of(tenant_id, livemode=livemode).filter(id=generation_id).first()
    return with_images([generation])[0] if generation else None


def ended_generation(generation_id: UUID) -> Generation | None:
    """The generation of any tenant, if it has ended."""
    return Generation.objects.filter(id=generation_id, state__in=FINAL).first()


def is_left(generation_id: UUID) -> bool:
    """True if the caller left without an answer and has not retried yet."""
    return Generation.objects.filter(id=generation_id, orphaned_at__isnull=False).exists()


def finished_among(ids: Collection[UUID]) -> list[Finished]:
    """The given generations that are final, with their images, in two queries."""
    rows = Generation.objects.filter(id__in=list(ids), state__in=FINAL)
    return with_images(rows)


def with_images(generations: Iterable[Generation]) -> list[Finished]:
    """Each generation with its stored images, in the images' order."""
    rows = list(generations)
    images: dict[UUID, list[StoredImage]] = {}
    succeeded = [row.id for row in rows if row.state == State.SUCCEEDED]
    for image in every_image_of(succeeded) if succeeded else ():
        images.setdefault(image.generation_id, []).append(image)
    return [_finished(row, images.get(row.id, ())) for row in rows]


def _finished(row: Generation, images: Iterable[StoredImage]) -> Finished:
    kept = (image for image in images if row.deleted_at is None and image.deleted_at is None)
    return Finished(
        row,
        tuple(kept),
        tuple(image.size for image in images),
        tuple(image.origin for image in images),
    )


def attempts_of(generation_id: UUID) -> list[Attempt]:
    """Every attempt, in order, with its channel."""
    attempts = Attempt.objects.filter(generation_id=generation_id).select_related("channel")
    return list(attempts.order_by("dispatch", "number"))


def generations_among(ids: Collection[UUID]) -> list[Generation]:
    """These generations of any tenant, with their tenants, newest first."""
    rows = Generation.objects.filter(id__in=list(ids)).select_related("tenant")
    return list(rows.order_by("-id"))


def demo_among(generations: Collection[UUID]) -> set[UUID]:
    """Those of these generations that are demo data."""
    marked = Generation.objects.filter(id__in=generations, source=Source.DEMO)
    return set(marked.values_list("id", flat=True))


def attempts_since(moment: datetime) -> list[Calls]:
    """The results of all calls to channels begun since then."""
    rows = all_rows(
        f"""
        SELECT c.name, a.upstream_model, a.attempt_class, COUNT(*),
               AVG(EXTRACT(EPOCH FROM a.finished_at - a.started_at))::float8,
               SUM(a.cost_micros)::bigint,
               COUNT(*) FILTER (WHERE {COST_UNKNOWN.format("a")})
          FROM generation_attempt a JOIN generation_channel c ON c.id = a.channel_id
         WHERE a.id >= %s GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        """,  # noqa: S608 - built from constants
        [ids.first_at(moment)],
    )
    return [Calls(*row) for row in rows]


def made_since(
    moment: datetime, channels: Collection[int]
) -> Mapping[int, Mapping[CostKey, ImagesMade]]:
    """Images and known tokens of calls since then, among the newest 200,000 of all channels.

    By channel, then by the vendor's model and the requested size and quality.
    """
    by_channel: dict[int, dict[CostKey, ImagesMade]] = {channel: {} for channel in channels}
    rows = all_rows(
        """
        SELECT channel_id, upstream_model, upstream_size, upstream_quality,
               SUM(images_received)::bigint, SUM(COALESCE(input_text_tokens, 0))::bigint,
               SUM(COALESCE(input_image_tokens, 0))::bigint, SUM(output_tokens)::bigint
          FROM (SELECT * FROM generation_attempt
                 WHERE id >= %s ORDER BY id DESC LIMIT %s) AS made
         WHERE channel_id = ANY(%s) AND images_received > 0 AND output_tokens > 0
         GROUP BY 1, 2, 3, 4
        """,
        [ids.first_at(moment), MAX_MADE, list(channels)],
    )
    for channel, model, size, quality, images, *tokens in rows:
        by_channel[channel][model, size, quality] = ImagesMade(images, TokenCounts(*tokens))
    return by_channel


def generation_for_operator(text: str) -> Generation | None:
    """A generation of any tenant by its id or its request's, with its tenant, key and channel."""
    return _FOR_OPERATOR.filter(named(text)).first()


def refused_request(text: str) -> RefusedRequest | None:
    """The refusal or replay of a request, by its id 'req_…'."""
    request_id = ids.parse(ids.REQUEST, text)
    return None if request_id is None else RefusedRequest.objects.filter(id=request_id).first()


def recent_refusals(caller: UUID, *, key_id: UUID | None = None) -> list[RefusedRequest]:
    """The last refused requests of a tenant, of one of its keys, or of an address; newest first."""
    rows = RefusedRequest.objects.filter(caller=caller)
    rows = rows if key_id is None else rows.filter(key_id=key_id)
    return list(rows.order_by("-day", "-place")[:SHOWN_GENERATIONS])


def recent_generations(tenant_id: UUID, *, key_id: UUID | None = None) -> list[Generation]:
    """The last generations of a tenant; of a key those among the tenant's newest 20,000."""
    rows = generations_of(tenant_id)
    if key_id is not None:
        newest = rows.values("id")[:LOOKED_INTO]
        rows = Generation.objects.filter(id__in=newest, api_key_id=key_id).order_by("-id")
    return list(rows[:SHOWN_GENERATIONS])


def generation_by_image(image_id: UUID) -> Generation | None:
    return _FOR_OPERATOR.filter(id__in=made_for(image_id)).first()


def attempt_named(text: str) -> Q:
    """The condition that finds an attempt by its UUID or by the upstream's id for the call.

    A vendor's id may be a UUID, too.
    """
    by_request_id = Q(upstream_request_id=text) & ~Q(upstream_request_id="")
    try:
        return Q(id=UUID(text)) | by_request_id
    except ValueError:
        return by_request_id


def generations_by_attempt(text: str) -> list[Generation]:
    """Generations of the attempt with that UUID, or of attempts with that upstream id."""
    of_them = Attempt.objects.filter(attempt_named(text)).values("generation_id")
    return list(_FOR_OPERATOR.filter(id__in=of_them).order_by("-id")[:SHOWN_GENERATIONS])


def refused_for_want_of_a_price(since: datetime) -> dict[str, int]:
    """The number of requests since then without a published price, by model."""
    unpriced = RefusedRequest.objects.filter(id__gte=ids.first_at(since), stopped_by=NO_PRICE)
    counted = unpriced.values("model").annotate(number=Count("id")).order_by("model")
    return {row["model"]: row["number"] for row in counted}


def is_named(text: str) -> bool:
    return generation_id_of(text) is not None or ids.parse(ids.REQUEST, text) is not None


def named(text: str) -> Q:
    """The condition that finds a generation by 'gen_…', a plain UUID, or its request's 'req_…'."""
    request = ids.parse(ids.REQUEST, text)
    if request is None:
        return Q(id=generation_id_of(text))
    # No index has requests, but their ids' time is close to that of their generations.
    first, end = ids.about(request, before=CLOCKS_APART, after=LONGEST_ARRIVAL)
    return Q(id__gte=first, id__lt=end, request_id=text)


def generation_id_of(text: str) -> GenerationId | None:
    """'gen_…' or a plain UUID to the id, None for anything else (operators may type either)."""
    generation_id = ids.parse_either(ids.GENERATION, text)
    return None if generation_id is None else GenerationId(generation_id)


@dataclass(frozen=True, slots=True)
class MadeHere:
    """An image that was delivered; with the same bytes, or with the same manifest in others."""

    generation: Generation
    image: StoredImage
    is_as_delivered: bool


def made_here(
    sha256: str, label: str, *, tenant_id: UUID | None = None, livemode: bool | None = None
) -> list[MadeHere]:
    """The images of a tenant, or of all, that are a file with this digest, oldest first.

    If there are none: those that have the file's manifest, by its label, which may be empty.
    """
    origins = origins_like(tenant_id, sha256, label)
    rows = Generation.objects.filter(
        id__in=[one.image.generation_id for one in origins], words_forgotten_at=None
    )
    rows = rows if livemode is None else rows.filter(livemode=livemode)
    made = {row.id: row for row in rows.select_related("tenant")}
    found = [
        MadeHere(made[one.image.generation_id], one.image, one.sha256 == sha256)
        for one in origins
        if one.image.generation_id in made
    ]
    return [one for one in found if one.is_as_delivered] or found
