"""Which transfers somebody means: by any id, or by what a list is filtered by."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import QueryDict

from accounts.models import Tenant
from accounts.selectors import api_key_by_id, tenant_as_shown
from billing.models import Transfer
from billing.selectors import Sought, transfer_numbered, transfers_of
from console.parts.filters import words_in
from console.parts.periods import WORDS, Period, period_in, period_of
from generation.models import Generation
from generation.selectors import (
    attempts_of,
    generation_by_image,
    generation_for_operator,
    generations_by_attempt,
)
from pictor.kit.endpoints.body import is_storable
from pictor.kit.words import ids

ZONE = ZoneInfo("UTC")
NO_TENANT = UUID(int=0)
"""Of a tenant that is mistyped nothing is listed: it must not read as the list of everybody."""
Meant = Transfer | Tenant | list[Transfer]


def meant_by(text: str) -> Meant:
    """The transfer or tenant of that id, or what moved for a generation; nothing if nobody's.

    A tenant is meant by its name, too, and by a key of its. A generation is meant by its own id,
    its request's, an image's, an attempt's, and by the id that an upstream gave a call.
    """
    if not is_storable(text):
        return []
    if transfer := transfer_numbered(text):
        return transfer
    if tenant := tenant_as_shown(text):
        return tenant
    if key := api_key_by_id(text):
        return key.tenant
    return [move for made in _generations(text) for move in _moved_for(made)]


def _generations(text: str) -> Sequence[Generation]:
    made = generation_for_operator(text)
    image = ids.parse(ids.IMAGE, text)
    if made is None and image is not None:
        made = generation_by_image(image)
    return generations_by_attempt(text) if made is None else [made]


def _moved_for(made: Generation) -> list[Transfer]:
    """Newest first, as lists are."""
    attempts = [attempt.id for attempt in attempts_of(made.id)]
    moved = transfers_of(made.id, tenant_id=made.tenant_id, attempt_ids=attempts)
    for one in moved:
        one.tenant = made.tenant if one.tenant_id else None
    return moved[::-1]


def sought_by(query: QueryDict, now: datetime) -> tuple[dict[str, str], Sought, Tenant | None]:
    """What a list is filtered by, as words and as what they mean; and the tenant among these."""

    def period(word: str) -> Period | None:
        return period_of(word, now, ZONE) if word in WORDS else period_in(word, ZONE)

    said, meant = words_in(
        query,
        {
            "tenant": lambda word: (is_storable(word) and tenant_as_shown(word)) or False,
            "kind": lambda word: word if word in Transfer.Kind.values else None,
            "period": period,
        },
    )
    tenant: Tenant | None = meant.get("tenant") or None
    of_none = NO_TENANT if "tenant" in said else None
    span: Period | None = meant.get("period")
    return (
        said,
        Sought(
            tenant_id=tenant.id if tenant else of_none,
            kind=meant.get("kind"),
            since=span.start if span else None,
            until=span.end if span else None,
        ),
        tenant,
    )
