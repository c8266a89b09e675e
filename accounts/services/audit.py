"""The audit log: changes with their actor, before and after. No event holds a secret."""

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, NotRequired, TypedDict, Unpack

from django.db import transaction

from accounts.audit_chain import sealed_part
from accounts.audit_seals import event_seal, link_seal
from accounts.models import Actor, AuditEvent, AuditLink, Subject, User
from accounts.models.records import BY_STAFF, STAFFS_NOTE
from pictor.kit.database import lock_numbers
from pictor.kit.running.plugs import Plug
from pictor.kit.secrets.seals import NOTHING_BEFORE
from pictor.kit.words import clock, ids

_LATECOMERS = 1000
"""An event may be committed after this many events with higher ids and is still found unlinked."""
_MOST_CHARS = 254
_NAME_CHARS = _MOST_CHARS - len(BY_STAFF)
"""The most characters of an actor's name before BY_STAFF."""

at_the_shell: ContextVar[str] = ContextVar("at_the_shell", default="")
"""While a command runs: the system user who started it, and the person they act as."""

as_staff: ContextVar[bool] = ContextVar("as_staff", default=False)
"""True while staff act at /ops/, also for a tenant whose members they are."""

by_key: ContextVar[str] = ContextVar("by_key", default="")
"""While a program acts at /ops/v1/: the name of its key."""

mail_owners = Plug[Callable[[AuditEvent], None]]("mail_owners is not plugged in")
"""The office's mail to owners, which no request loads (`apps.py`)."""


class By(TypedDict):
    """The actor of a change, and their IP address if they have one, as services take them."""

    actor: Actor
    ip: NotRequired[str | None]


def record(
    about: Subject,
    action: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    is_of_staff: bool = False,
    **by: Unpack[By],
) -> AuditEvent:
    """Write one sealed audit event. Call it inside the transaction of the change itself.

    A tenant's event names staff who acted at /ops/ as such (BY_STAFF); `is_of_staff` says it for
    what they left to others. Owners are mailed what staff and commands did: see `owner_mail`.

    The event is linked to the chain after the commit; see `link_events`.
    """
    actor = by["actor"]
    user = actor if isinstance(actor, User) else None
    is_of_staff = is_of_staff or as_staff.get()
    says_so = is_of_staff and user is not None and about.tenant_id is not None
    event = AuditEvent(
        actor=user,
        actor_name=f"{name_of(actor)[:_NAME_CHARS]}{BY_STAFF}" if says_so else name_of(actor),
        tenant_id=about.tenant_id,
        action=action,
        object_type=about.type,
        object_id=about.id,
        before=before,
        after=after,
        ip=by.get("ip"),
        at=clock.now(),
    )
    event.seal = event_seal(sealed_part(event))
    event.save(force_insert=True)
    if is_of_staff or at_the_shell.get():
        mail_owners()(event)
    transaction.on_commit(link_events, robust=True)
    return event


def note_for_staff(about: Subject, note: str, **by: Unpack[By]) -> None:
    """Record staff's note about a change, in an event that belongs to no tenant.

    Call it inside the transaction of the change, after the change's own event. An empty note is not
    written.
    """
    if note:
        of = {} if about.tenant_id is None else {"tenant": ids.public(ids.TENANT, about.tenant_id)}
        nobodys = about._replace(tenant_id=None)
        record(nobodys, STAFFS_NOTE, after={"note": note, **of}, **by)


def name_of(actor: Actor) -> str:
    """The actor's name in events; in brackets the person who runs a command, or a person's key."""
    if isinstance(actor, User):
        key = by_key.get()
        return f"{actor.email} (key {key})"[:_MOST_CHARS] if key else str(actor.email)
    hand = at_the_shell.get()
    return f"{actor} ({hand})" if hand else str(actor)


def link_events(*, every: bool = False) -> int:
    """Link recent events that are in no chain yet and return how many. Forged events stay out.

    It runs in a transaction of its own: under a change's locks, two changes that write events would
    wait for each other. If a process dies in between, its event is linked with the next one, or
    hourly; with `every`, even if a thousand others were committed before it.
    """
    with transaction.atomic():
        last = _lock_chain()
        since = 0 if last is None or every else last.event_id - _LATECOMERS
        events = AuditEvent.objects.filter(id__gt=since, link=None, seal__isnull=False)
        own_events = (event for event in events.order_by("id") if _is_ours(event))
        return _link(last, own_events)


def link_older_events() -> int:
    """Link the events without a seal, which are older than the chain; return how many."""
    with transaction.atomic():
        last = _lock_chain()
        events = AuditEvent.objects.filter(link=None, seal=None).order_by("id")
        return _link(last, events.iterator(chunk_size=1000))


def _lock_chain() -> AuditLink | None:
    """Lock the chain until the transaction ends and return its last link."""
    lock_numbers.lock(lock_numbers.AUDIT_CHAIN)
    return AuditLink.objects.order_by("-seq").first()


def _link(last: AuditLink | None, events: Iterable[AuditEvent]) -> int:
    seq, seal = (0, NOTHING_BEFORE) if last is None else (last.seq, bytes(last.seal))
    first = seq
    for event in events:
        seq += 1
        seal = link_seal(seq=seq, event_id=event.id, event=sealed_part(event), previous=seal)
        AuditLink(seq=seq, event=event, seal=seal).save(force_insert=True)
    return seq - first


def _is_ours(event: AuditEvent) -> bool:
    return bytes(event.seal or b"") == event_seal(sealed_part(event))
