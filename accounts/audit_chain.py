"""Recompute the audit log's chain under the key that the database does not hold.

It runs in Python, so the proof depends on nothing that the database computes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count

from accounts.audit_seals import SealedEvent, event_seal, link_seal
from accounts.models import AuditEvent, AuditLink
from pictor.kit.secrets.seals import NOTHING_BEFORE

_READ_AT_ONCE = 1000
LINKED_WITHIN = timedelta(hours=2)
"""The hourly task links recent events; an older event outside of the chain was never linked."""


@dataclass(frozen=True, slots=True)
class AuditProblem:
    """An impossible state of the audit log. `event_id` is None if it concerns the chain itself."""

    event_id: int | None
    tenant_id: UUID | None
    message: str


def sealed_part(event: AuditEvent) -> SealedEvent:
    """The sealed columns of an audit event."""
    return SealedEvent(*(getattr(event, field) for field in SealedEvent._fields))


def audit_head(until: datetime) -> tuple[int, bytes]:
    """Number and seal of the last link before the first event at `until` or later; 0 if none."""
    links = AuditLink.objects.order_by("seq")
    later = links.filter(event__at__gte=until).values_list("seq", flat=True).first()
    before = links if later is None else links.filter(seq__lt=later)
    last = before.values_list("seq", "seal").last()
    return (0, NOTHING_BEFORE) if last is None else (last[0], bytes(last[1]))


def audit_end() -> tuple[int, bytes]:
    """Number and seal of the last link; 0 if there is none."""
    last = AuditLink.objects.order_by("seq").values_list("seq", "seal").last()
    return (0, b"") if last is None else (last[0], bytes(last[1]))


def audit_seal_at(seq: int) -> bytes | None:
    """The seal of the link with this number, or None."""
    seal = AuditLink.objects.filter(seq=seq).values_list("seal", flat=True).first()
    return None if seal is None else bytes(seal)


def audit_problems(now: datetime, *, after: tuple[int, bytes] = (0, b"")) -> Iterator[AuditProblem]:
    """Find changed, forged, copied or removed events, and links that do not follow one another.

    Args:
        now: the current time; events older than `LINKED_WITHIN` must be linked.
        after: number and seal of the last link known to be good; (0, b"") checks the whole chain.
    """
    yield from _broken_links(*after)
    unlinked = AuditEvent.objects.filter(link=None).order_by("id")
    for event in unlinked.iterator(chunk_size=_READ_AT_ONCE):
        if event.seal is None:
            message = "has no seal: forged, or older than the chain (manage.py ledger_seal)"
            yield AuditProblem(event.id, event.tenant_id, message)
        elif bytes(event.seal) != event_seal(sealed_part(event)):
            yield AuditProblem(event.id, event.tenant_id, "was written or changed without the key")
        elif event.at < now - LINKED_WITHIN:
            yield AuditProblem(event.id, event.tenant_id, "is not in the chain")
    copies = AuditEvent.objects.filter(seal__isnull=False).values("seal")
    for copy in copies.annotate(times=Count("id")).filter(times__gt=1).iterator():
        yield AuditProblem(None, None, f"the event appears {copy['times']} times")


def _broken_links(seq: int, seal: bytes) -> Iterator[AuditProblem]:
    seal = seal or NOTHING_BEFORE
    links = AuditLink.objects.order_by("seq").select_related("event")
    links = links.filter(seq__gt=seq) if seq else links
    for link in links.iterator(chunk_size=_READ_AT_ONCE):
        seq += 1
        if link.seq != seq:
            yield AuditProblem(None, None, f"link {seq} is missing")
            seq = link.seq
        event = link.event
        content = sealed_part(event)
        is_ours = event.seal is None or bytes(event.seal) == event_seal(content)
        if not is_ours or bytes(link.seal) != link_seal(
            seq=seq, event_id=event.id, event=content, previous=seal
        ):
            yield AuditProblem(event.id, event.tenant_id, "was written or changed without the key")
        seal = bytes(link.seal)
