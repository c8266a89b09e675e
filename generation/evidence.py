"""What a generation's money was moved for, as digests that billing seals into the transfers.

The hold's is of the request that was priced, its end's of what came of it. Nothing personal is in
them, so they stay true when prompts and images are erased. Pure.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

Pixels = tuple[int, int, int]
"""An image's index, width and height."""


USUAL_TASK = "generate"
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def of_request(
    *,
    task: str,
    tenant: object,
    key: object,
    model: str,
    n: int,
    size: str,
    tier: str,
    quality: str,
    priced: Mapping[str, Any],
) -> bytes:
    """What was asked for, by whom, and at which prices.

    The usual task is left out: transfers were sealed before there was another.
    """
    facts = [str(tenant), str(key), model, n, size, tier, quality, priced]
    return _digest(facts if task == USUAL_TASK else [*facts, task])


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
