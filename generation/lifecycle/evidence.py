"""Digests of the reasons for a generation's transfers, which billing seals into them.

A hold's digest is of the priced request, the digest of its end is of the outcome. They contain
nothing personal, so they stay true when prompts and images are erased. Pure.
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


class SealedRequest(NamedTuple):
    """The sealed fields of a request, by their names on a generation."""

    tenant_id: UUID
    api_key_id: UUID
    task: str
    model: str
    n: int
    size: str
    tier: str
    quality_requested: str
    priced: Mapping[str, Any]


def of_request(request: "SealedRequest | Generation") -> bytes:
    """The digest of the request, its caller and its prices."""
    facts: list[Any] = [str(request.tenant_id), str(request.api_key_id), request.model, request.n]
    facts += [request.size, request.tier, request.quality_requested, request.priced]
    # The usual task is left out: transfers were sealed before there were others.
    return _digest(facts if request.task == USUAL_TASK else [*facts, request.task])


def of_outcome(
    *,
    tenant: object,
    state: str,
    quality_billed: str = "",
    quality_source: str = "",
    images: Iterable[Pixels] = (),
) -> bytes:
    """The digest of the end and of the charged pixels."""
    pixels = sorted(list(image) for image in images)
    return _digest([str(tenant), state, quality_billed, quality_source, pixels])


def _digest(facts: list[Any]) -> bytes:
    return sha256(_canonical(facts).encode()).digest()
