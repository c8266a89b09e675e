"""The stop switch: refuse new requests of a model, of a tenant or of everyone.

Raises ValidationError if it is stopped already, for other reasons or by another, or is not stopped,
and for words that are missing or too long.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Tenant
from accounts.selectors.office.tenants import tenant_by_name_or_id
from accounts.services import By, name_of, record
from accounts.titles import without_marks
from generation.models import Contract, Stop
from pictor.kit.endpoints.body import is_storable

ALL = "all"
MAX_REASON_CHARS, MAX_NOTICE_CHARS = 200, 300
"""Characters."""


class Stoppable(NamedTuple):
    """A model, a tenant, or everything if neither is named."""

    model: str = ""
    tenant: Tenant | None = None


def stoppable(text: str) -> Stoppable:
    """Parse `all`, a model's name, or a tenant's name or id. Raises ValidationError."""
    text = text.strip()
    if text.lower() == ALL:  # a phone's keyboard writes "All"
        return Stoppable()
    if is_storable(text):
        if Contract.objects.filter(model=text).exists():
            return Stoppable(model=text)
        if tenant := tenant_by_name_or_id(text):
            return Stoppable(tenant=tenant)
    raise ValidationError(f"no model or tenant is called {text[:100]!r}: give one, or all")


@transaction.atomic
def stop(*, what: Stoppable, reason: str, now: datetime, words: str = "", **by: Unpack[By]) -> Stop:
    """Refuse new requests from the next one on; running ones end, queued ones wait.

    The same stop by the same person, sent again while it lasts, is done once.

    Args:
        what: the model, the tenant or everything.
        reason: for the operator's own people.
        now: the beginning.
        words: for customers, in their 503 and on the status page.
        by: the person who stops it.
    """
    reason, words = without_marks(reason), without_marks(words)
    if not 0 < len(reason) <= MAX_REASON_CHARS:
        raise ValidationError({"reason": f"say why, in at most {MAX_REASON_CHARS} characters"})
    if len(words) > MAX_NOTICE_CHARS:
        raise ValidationError({"words": f"say it in at most {MAX_NOTICE_CHARS} characters"})
    columns = {"reason": reason, "words": words, "by": name_of(by["actor"]), "began_at": now}
    # Locked, so that a stop that is just being ended does not count.
    stop, is_new = Stop.objects.select_for_update().get_or_create(
        model=what.model, tenant=what.tenant, ended_at=None, defaults=columns
    )
    if is_new:
        _record(stop, "stop.begin", {"reason": reason, "words": words}, by)
    elif (stop.reason, stop.words, stop.by) != (reason, words, columns["by"]):
        raise ValidationError(
            f"{stop.name} is stopped already, since {stop.began_at:%H:%M} UTC by {stop.by}"
        )
    return stop


@transaction.atomic
def start(*, what: Stoppable, now: datetime, **by: Unpack[By]) -> Stop:
    """Accept requests again from the next one on; queued ones are begun within seconds."""
    under_way = Stop.objects.filter(ended_at=None).select_for_update()
    stop = under_way.filter(model=what.model, tenant=what.tenant).first()
    if stop is None:
        raise ValidationError(f"{Stop(**what._asdict()).name} is not stopped")
    stop.ended_at = now
    stop.save(update_fields=["ended_at"])
    _record(stop, "stop.end", {}, by)
    return stop


def _record(stop: Stop, action: str, after: Mapping[str, str], by: By) -> None:
    record(stop.audited, action, after={"what": stop.code, **after}, **by)
