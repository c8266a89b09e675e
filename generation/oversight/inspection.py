"""One generation with everything an operator needs: state, attempts, images and transfers.

Other ids are looked up in id_lookup.py.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.models import Transfer
from billing.selectors.office.balances import cost_changes, transfers_of
from generation.channels.errors import AttemptClass
from generation.models import Attempt, Generation
from generation.selectors import attempts_of
from pictor.kit.words.money import Micros, to_decimal
from storage.models import StoredImage
from storage.selectors import images_of


@dataclass(frozen=True, slots=True)
class Called:
    """The attempts of a generation, in order, and their costs in micros.

    Attributes:
        costs: by attempt, with corrections by bills; None if unknown.
    """

    attempts: Sequence[Attempt]
    costs: Mapping[UUID, Micros | None]

    @property
    def last(self) -> Attempt | None:
        """The attempt that decided the outcome."""
        return self.attempts[-1] if self.attempts else None

    @property
    def known_cost(self) -> Micros:
        """The sum of all known costs."""
        return Micros(sum(cost for cost in self.costs.values() if cost is not None))

    @property
    def maybe_billed(self) -> Micros:
        """The part of `known_cost` that attempts without an image may have been billed."""
        return Micros(sum(self.costs[attempt.id] or 0 for attempt in self.lost))

    @property
    def unknown(self) -> int:
        """The number of attempts with an unknown cost."""
        return sum(cost is None for cost in self.costs.values())

    @property
    def lost(self) -> Sequence[Attempt]:
        """Attempts without an image that may have been billed."""
        return [
            attempt
            for attempt in self.attempts
            if attempt.may_have_billed and attempt.attempt_class != AttemptClass.DELIVERED
        ]


def called_for(generation_ids: Collection[UUID]) -> Mapping[UUID, Called]:
    """The calls of each of these generations, read in two queries."""
    attempts = _attempts_among(generation_ids)
    changes = cost_changes([attempt.id for some in attempts.values() for attempt in some])
    return {
        generation_id: Called(
            some, {attempt.id: _cost_of(attempt, changes.get(attempt.id, 0)) for attempt in some}
        )
        for generation_id, some in attempts.items()
    }


def _attempts_among(ids: Collection[UUID]) -> Mapping[UUID, list[Attempt]]:
    """Every attempt of each generation, in order, with its channel, read in one query."""
    by_generation: dict[UUID, list[Attempt]] = {generation_id: [] for generation_id in ids}
    attempts = Attempt.objects.filter(generation_id__in=list(ids)).select_related("channel")
    for attempt in attempts.order_by("dispatch", "number"):
        by_generation[attempt.generation_id].append(attempt)
    return by_generation


def _cost_of(row: Attempt, change: int) -> Micros | None:
    """The attempt's cost with corrections by bills; None if unknown and uncorrected."""
    if row.known_cost_micros is None and not change:
        return None
    return Micros(row.cost_micros + change)


def describe(generation: Generation) -> dict[str, Any]:
    """{"generation", "attempts", "images", "transfers"}; amounts in USD, times in ISO 8601."""
    attempts = attempts_of(generation.id)
    transfers = transfers_of(
        generation.id,
        tenant_id=generation.tenant_id,
        attempt_ids=[attempt.id for attempt in attempts],
    )
    changes = Counter[UUID]()
    for transfer in transfers:
        if transfer.corrects_id is not None:
            changes[transfer.corrects_id] += transfer.cost_change
    costs = [_cost_of(attempt, changes[attempt.id]) for attempt in attempts]
    return {
        "generation": {
            **_generation(generation),
            "margin": _margin(transfers, costs) if generation.livemode else None,
        },
        "attempts": [_attempt(attempt, changes[attempt.id]) for attempt in attempts],
        "images": [_image(image) for image in images_of(generation.id)],
        "transfers": [transfer_facts(transfer) for transfer in transfers],
    }


def lines(described: Mapping[str, Any]) -> Iterator[str]:
    """The result of `describe` as text: one line per field of an object and per row of a list."""
    for kind, block in described.items():
        if isinstance(block, list):
            yield f"{kind}: {len(block)}"
            for row in block:
                cells = (f"{name} {_word(value)}" for name, value in row.items() if value)
                yield f"  {', '.join(cells)}"
            continue
        width = max(len(name) for name in block)
        for name, value in block.items():
            if value not in (None, ""):
                yield f"{name:<{width}}  {_word(value)}"


def _margin(transfers: Sequence[Transfer], costs: Sequence[Micros | None]) -> str | None:
    """Charges less refunds, credits and costs, in USD; None if a cost is unknown."""
    known = [cost for cost in costs if cost is not None]
    moved = Counter[str]()
    for transfer in transfers:
        moved[transfer.kind] += transfer.amount
    given = moved["refund"] + moved["credit"] - moved["reversal"]
    return to_decimal(moved["capture"] - given - sum(known)) if len(known) == len(costs) else None


def _generation(row: Generation) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "uuid": str(row.id),
        "tenant": row.tenant.name,
        "tenant_id": row.tenant.public_id,
        "key_id": row.api_key.public_id,
        "request_id": row.request_id,
        "livemode": row.livemode,
        "state": row.state,
        "model": row.model,
        "prompt": row.prompt,
        "n": row.n,
        "size_requested": row.size_requested,
        "size": row.size,
        "quality_requested": row.quality_requested,
        "quality_billed": row.quality_billed,
        "quality_source": row.quality_source,
        "held": to_decimal(row.held_micros),
        "captured": None if row.captured_micros is None else to_decimal(row.captured_micros),
        "channel": row.channel.name if row.channel else None,
        "worker": str(row.worker_id) if row.worker_id else None,
        "dispatch": row.dispatch,
        "deaths": row.deaths,
        "created_at": iso_time(row.created_at),
        "started_at": iso_time(row.started_at),
        "deadline_at": iso_time(row.deadline_at),
        "finished_at": iso_time(row.finished_at),
        "error": row.error,
    }


def _attempt(row: Attempt, change: int) -> dict[str, Any]:
    corrected = _cost_of(row, change)
    return {
        "id": str(row.id),
        "dispatch": row.dispatch,
        "number": row.number,
        "channel": row.channel.name,
        "upstream_model": row.upstream_model,
        "upstream_size": row.upstream_size,
        "upstream_quality": row.upstream_quality,
        "n": row.n,
        "class": row.attempt_class,
        "http_status": row.http_status,
        "upstream_request_id": row.upstream_request_id,
        "may_have_billed": row.may_have_billed,
        "images_received": row.images_received,
        "input_text_tokens": row.input_text_tokens,
        "input_image_tokens": row.input_image_tokens,
        "output_tokens": row.output_tokens,
        "cost": None if row.known_cost_micros is None else to_decimal(row.known_cost_micros),
        "cost_source": row.cost_source,
        "corrected_cost": None if corrected is None else to_decimal(corrected),
        "detail": row.detail,
        "fingerprint": row.fingerprint,
        "started_at": iso_time(row.started_at),
        "finished_at": iso_time(row.finished_at),
    }


def _image(row: StoredImage) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "index": row.index,
        "size": row.size,
        "format": row.format,
        "bytes": row.size_bytes,
        "sha256": row.sha256,
        "object_key": row.object_key,
        "expires_at": iso_time(row.expires_at),
        "deleted_at": iso_time(row.deleted_at),
    }


def transfer_facts(row: Transfer) -> dict[str, Any]:
    """A transfer's number, kind, amount in USD and time."""
    return {
        "id": row.pk,
        "kind": row.kind,
        "amount": to_decimal(row.amount),
        "seq": row.seq,
        "created_at": iso_time(row.created_at),
    }


def iso_time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _word(value: Any) -> str:
    """The value on one line."""
    return " ".join(str(value).split())
