"""What a generation's money was moved for, as digests that billing seals into the transfers.

The hold's is of the request that was priced, its end's of what came of it. Nothing personal is in
them, so they stay true when prompts and images are erased. Pure.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

if TYPE_CHECKING:
    from generation.models import Generation

Pixels = tuple[int, int, int]
"""An image's index, width and height."""


USUAL_TASK = "generate"
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class Asked(NamedTuple):
    """What is sealed of a request, by the names that a generation has for it."""

    tenant_id: UUID
    api_key_id: UUID
    task: str
    model: str
    n: int
    size: str
    tier: str
    quality_requested: str
    priced: Mapping[str, Any]


def of_request(asked: "Asked | Generation") -> bytes:
    """What was asked for, by whom, and at which prices.

    The usual task is left out: transfers were sealed before there was another.
    """
    facts: list[Any] = [str(asked.tenant_id), str(asked.api_key_id), asked.model, asked.n]
    facts += [asked.size, asked.tier, asked.quality_requested, asked.priced]
    return _digest(facts if asked.task == USUAL_TASK else [*facts, asked.task])


def of_outcome(
    *,
    tenant: object,
    state: str,
    quality_billed: str = "",
    quality_source: str = "",
    images: Iterable[Pixels] = (),
) -> bytes:
    """How it ended, and the pixels that were charged for."""
    pixels = sorted(list(image) for image in images)
    return _digest([str(tenant), state, quality_billed, quality_source, pixels])


def _digest(facts: list[Any]) -> bytes:
    return sha256(_canonical(facts).encode()).digest()
