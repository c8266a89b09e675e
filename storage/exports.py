"""A tenant's data as one file, requested by a person, made by the short-work worker.

An export holds all data of the tenant, or one list that takes too long to make during a request.
The console writes the lists (`lists.py`), because it knows their filters.

The row is written before any work. If the worker dies, the row is due again and the file is made
from the beginning; after a second death it is given up, since it may be what kills workers. A
refusal by storage, disk or database is no death. It is written to an unnamed file on disk, which
vanishes with the process, and uploaded from there under a key that the row keeps, so a changed key
secret does not lose it. A day after the file is ready, object and row are deleted.

Errors on the way are kept with the row, because no request waits for it.
"""

import errno
import logging
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import IO, Any, cast
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from accounts.audit_log import author_name
from accounts.locks import tenant_for_update
from accounts.models import ADMIN_ROLES, Tenant, User
from accounts.selectors.office.members import emails_of_members, members_of
from accounts.services import as_staff, record
from accounts.services.office.mail import post_rendered
from accounts.services.office.personal_data import write_export
from pictor.kit.redis.bell import ring
from pictor.kit.words import clock
from storage import object_keys
from storage.backends import bucket
from storage.lists import lists
from storage.models import QUERY_CHARS, TenantExport
from storage.services import delete_objects, key_of, remove_until, signed_url
from storage.wire import StorageFailed

logger = logging.getLogger(__name__)

TASK = "storage.make_exports"
MAX_PER_DAY = 3
MAX_LISTS_PER_DAY = 10
EXPORTS_KEPT = timedelta(hours=24)
LINK_SECONDS = 300
"""A link is made when it is followed."""
LEASE = timedelta(minutes=2)
"""The duration of a claim on an export since it was last renewed."""
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 20, 60))
"""The waits before further attempts."""
MAX_CUT_OFF = 2
"""The most attempts that their process did not outlive."""
EXPORTS_ABANDONED_AFTER = timedelta(days=3)
LEAST_FREE_BYTES = 1024**3
"""Bytes left free on the disk for other uses."""
LOOK_BYTES = 64 * 1024**2
"""Bytes written between two checks of the free space."""
CONTENT_TYPES: Mapping[str, str] = {"zip": "application/zip", "csv": "text/csv; charset=utf-8"}
MAIL = "account/email/export"

CUT_OFF = "it was cut off twice while its file was written"
REFUSED = f"storage, disk or database refused it {len(WAITS) + 1} times"
UNSEEN = "who asked for it may no longer see the list"

_at_work = threading.Lock()
"""One export at a time per process: its other threads have mail to send."""
_outlived = set[UUID]()
"""Exports that could not be put off while the database was away: this process still lives."""


@transaction.atomic
def ask_for_export(
    *,
    tenant: Tenant,
    user: User,
    page_url: str,
    now: datetime,
    ip: str | None = None,
    list_name: str = "",
    list_query: str = "",
) -> TenantExport:
    """Queue an export of a tenant's data or of one list; the requester is mailed once it is ready.

    If staff request all data of a tenant at /ops/, its owners and admins get the mail instead; it
    must have one.

    A tenant may have one export of everything at a time and three within 24 hours; each person one
    list and ten. So no member delays the others. Raises ValidationError above these limits, for a
    query that is too long, and for a tenant that is being erased.
    """
    # Counted under the lock: two at once would both be below the limit.
    locked = tenant_for_update(tenant.id)
    if locked.erasure_due_at is not None:
        raise ValidationError("This workspace is being erased.")
    if not list_name:
        _check_reader(tenant)
    _check_number(tenant, user, now, list_name=list_name)
    if len(list_query) > QUERY_CHARS:
        raise ValidationError("The filter is too long.")
    export = TenantExport.objects.create(
        tenant=tenant,
        asked_by=user,
        is_of_staff=as_staff.get(),
        asked_at=now,
        due_at=now,
        page_url=page_url,
        list_name=list_name,
        list_query=list_query,
    )
    record(export.tenant.audited, "tenant.export_ask", actor=user, after=_describe(export), ip=ip)
    transaction.on_commit(partial(ring, TASK))  # before, the worker would not find the row
    return export


def export_url(export: TenantExport) -> str:
    """A url for downloading the file, valid for some minutes. Makes no request."""
    of, at = export.list_name or "export", export.asked_at.astimezone(UTC)
    return signed_url(
        export.object_key,
        content_type=CONTENT_TYPES[export.ext],
        expires_seconds=LINK_SECONDS,
        attachment=f"pictor-{of}-{at:%Y-%m-%d-%H%M}.{export.ext}",
    )


def make_due(*, now: datetime) -> int:
    """Make the exports that are due and return how many were made. Safe to run concurrently."""
    if not _at_work.acquire(blocking=False):
        return 0
    try:
        number = 0
        for export_id in list(_outlived):
            TenantExport.objects.filter(pk=export_id).update(cut_off=F("cut_off") - 1)
            _outlived.discard(export_id)
        while (export := _claim_due(now)) is not None:
            number += _make(export)
            now = clock.now()  # a lease begins now, after the last export took its time
        return number
    finally:
        _at_work.release()


def delete_old(*, now: datetime) -> None:
    """Delete exports that ended a day ago, and objects without a row."""
    old = TenantExport.objects.filter(expires_at__lte=now)
    try:
        for export in old:
            _delete(export)
        remove_until(object_keys.EXPORTS, now - EXPORTS_ABANDONED_AFTER)
    except StorageFailed as error:  # the next hour tries again
        logger.warning("exports could not be deleted: %s", error)


def delete_exports_of(tenant_id: UUID) -> None:
    """Delete every export of a tenant, including unfinished ones. Raises StorageFailed."""
    for export in TenantExport.objects.filter(tenant_id=tenant_id):
        _delete(export)


def _check_reader(tenant: Tenant) -> None:
    if not any(member.role in ADMIN_ROLES for member in members_of(tenant.id)):
        raise ValidationError("It has no owner or admin yet, and only they may download it.")


def _check_number(tenant: Tenant, user: User, now: datetime, *, list_name: str) -> None:
    known = TenantExport.objects.filter(tenant=tenant)
    if list_name:
        known = known.filter(asked_by=user).exclude(list_name="")
        subject, most, what = "A list that you asked for", MAX_LISTS_PER_DAY, "lists"
    else:
        known = known.filter(list_name="")
        subject, most, what = "An export", MAX_PER_DAY, "exports"
    if known.filter(ready_at=None, failed_at=None).exists():
        raise ValidationError(f"{subject} is already being made.")
    if known.filter(asked_at__gt=now - EXPORTS_KEPT).count() >= most:
        raise ValidationError(f"At most {most} {what} within 24 hours: ask again later.")


def _claim_due(now: datetime) -> TenantExport | None:
    """Claim a due export; it is due again soon, should this process die."""
    with transaction.atomic():
        due = TenantExport.objects.filter(ready_at=None, failed_at=None, due_at__lte=now)
        # One that another worker is just claiming is skipped.
        export = due.select_for_update(skip_locked=True).order_by("due_at").first()
        if export is None:
            return None
        if export.attempts <= len(WAITS) and export.cut_off < MAX_CUT_OFF:
            export.due_at = now + LEASE
            export.attempts += 1
            export.cut_off += 1  # until this process says otherwise
            export.object_key = export.object_key or key_of(
                export.id, export.asked_at, f"export.{export.ext}", kind=object_keys.EXPORTS
            )
            export.save(update_fields=["due_at", "attempts", "cut_off", "object_key"])
            return export
        _fail(export, now, CUT_OFF if export.cut_off >= MAX_CUT_OFF else REFUSED)
    # Only now, as the failure of the one above has to be committed first.
    return _claim_due(now)


def _make(export: TenantExport) -> bool:
    try:
        if _finish(export, _store_file(export)):
            return True
        delete_objects([export.object_key])  # its tenant was erased meanwhile
    except PermissionDenied:  # the requester has left, or may see less than before
        _fail(export, clock.now(), UNSEEN)
    except (OSError, StorageFailed, OperationalError, InterfaceError) as error:
        logger.warning("an export was not made, attempt %d: %s", export.attempts, error)
        _put_off(export)
    return False


def _store_file(export: TenantExport) -> int:
    """Write the export's file, store it, and return its size in bytes."""
    settings.SPOOL.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=settings.SPOOL) as unnamed:
        file = cast(IO[bytes], _Watched(unnamed, partial(_renew, export)))
        _write(export, file)
        size_bytes = file.tell()
        file.seek(0)
        bucket.put_file(export.object_key, file, content_type=CONTENT_TYPES[export.ext])
    return size_bytes


def _put_off(export: TenantExport) -> None:
    """Schedule another attempt; if the database is away, it is due when its lease ends."""
    again = clock.now() + WAITS[min(export.attempts, len(WAITS)) - 1]
    if not connection.is_usable():  # a broken connection would refuse the next query, too
        connection.close()
    try:
        ours = TenantExport.objects.filter(pk=export.pk)
        ours.update(due_at=again, cut_off=F("cut_off") - 1)
    except (OperationalError, InterfaceError) as error:
        _outlived.add(export.pk)
        logger.warning("an export could not be put off: %s", error)


def _write(export: TenantExport, file: IO[bytes]) -> None:
    if not export.list_name:
        write_export(tenant=export.tenant, file=file)
        return
    if export.asked_by is None:
        raise PermissionDenied
    lists().write(  # raises PermissionDenied
        name=export.list_name,
        query=export.list_query,
        tenant=export.tenant,
        user=export.asked_by,
        at=export.asked_at,
        file=file,
    )


@transaction.atomic
def _finish(export: TenantExport, size_bytes: int) -> bool:
    """Mark the export ready; return False if its row is gone."""
    # Only this row: PostgreSQL locks no nullable side of a join, which `asked_by` is.
    wanted = TenantExport.objects.select_for_update(of=("self",)).filter(pk=export.pk)
    locked = wanted.select_related("tenant", "asked_by").first()
    # Another worker has made it since the lease ran out: its mail is sent once.
    if locked is None or locked.ready_at is not None:
        return locked is not None
    now = clock.now()
    locked.size_bytes, locked.ready_at, locked.expires_at = size_bytes, now, now + EXPORTS_KEPT
    locked.save(update_fields=["size_bytes", "ready_at", "expires_at"])
    record(
        locked.tenant.audited,
        "tenant.export",
        actor=locked.asked_by or "export",
        after=_describe(locked),
        is_of_staff=locked.is_of_staff,
    )
    _tell(locked)
    return True


def _fail(export: TenantExport, now: datetime, why: str) -> None:
    export.failed_at, export.expires_at, export.failure = now, now + EXPORTS_KEPT, why
    export.save(update_fields=["failed_at", "expires_at", "failure"])
    _tell(export)


def _tell(export: TenantExport) -> None:
    if export.asked_by is None:
        return
    to, asker = [export.asked_by.email], "you"
    if export.is_of_staff:
        to = emails_of_members(export.tenant_id, ADMIN_ROLES)
        asker = author_name("", export.asked_by.name, is_ours=True, has_actor=True)
    words = {"workspace": export.tenant.shown_name, "export": export, "url": export.page_url}
    post_rendered(to=to, template=MAIL, words={**words, "asker": asker})


def _delete(export: TenantExport) -> None:
    """Delete the object before the row: after a crash in between it is only deleted once more."""
    if export.object_key:
        delete_objects([export.object_key])
    TenantExport.objects.filter(pk=export.pk).delete()


def _renew(export: TenantExport) -> None:
    """Renew the lease while the export is being made."""
    TenantExport.objects.filter(pk=export.pk).update(due_at=clock.now() + LEASE)


def _describe(export: TenantExport) -> dict[str, str]:
    return {"export": export.public_id, "of": export.list_name or "everything"}


class _Watched:
    """A file that renews its export's lease while it is written and read.

    Raises OSError if the disk is nearly full.
    """

    def __init__(self, file: IO[bytes], renew: Callable[[], None]) -> None:
        self._file, self._renew = file, renew
        self._renewed_at = clock.now()
        self._unlooked_bytes = LOOK_BYTES  # the first write looks

    def write(self, data: Any) -> int:
        """Write bytes to the disk, unless it is nearly full."""
        self._unlooked_bytes += len(data)
        if self._unlooked_bytes >= LOOK_BYTES:
            self._unlooked_bytes = 0
            # Until the next look, as many bytes may be written.
            if shutil.disk_usage(settings.SPOOL).free < LEAST_FREE_BYTES + LOOK_BYTES:
                raise OSError(errno.ENOSPC, "no room on the disk")
        self._renew_if_due()
        return self._file.write(data)

    def read(self, size: int = -1) -> bytes:
        """Read bytes on their way to storage."""
        self._renew_if_due()
        return self._file.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def _renew_if_due(self) -> None:
        now = clock.now()
        if now - self._renewed_at >= LEASE / 8:
            self._renewed_at = now
            self._renew()
