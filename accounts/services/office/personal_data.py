"""A tenant's data: how long prompts and images are kept, and an export of everything."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Unpack
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from accounts.audit_log import audit_events_of
from accounts.holdings import holdings
from accounts.models import Actor, ApiKey, Tenant
from accounts.selectors.office.members import members_of
from accounts.services.audit import By, record
from accounts.services.office.tenants import refuse_ended

MAX_RETENTION_DAYS = 36_500


def set_prompt_retention(*, tenant: Tenant, days: int | None, **by: Unpack[By]) -> None:
    """Set for how many days prompts are kept: 0 is at most two hours; None is for ever.

    Raises ValidationError for less than 0 days or more than a hundred years.
    """
    if days is not None and not 0 <= days <= MAX_RETENTION_DAYS:
        message = f"prompts are kept for 0 to {MAX_RETENTION_DAYS} days, or always"
        raise ValidationError({"prompt_retention_days": message})
    _set_days(tenant, "prompt_retention", days, by)


def set_image_retention(*, tenant: Tenant, days: int | None, **by: Unpack[By]) -> None:
    """Set for how many days images are kept: 0 is at most two hours; None is the default time.

    A shorter time applies to existing images, too. Raises ValidationError for less than 0 days or
    more than the default time.
    """
    most = settings.IMAGE_RETENTION_DAYS
    if days is not None and not 0 <= days <= most:
        raise ValidationError({"image_retention_days": f"images are kept for 0 to {most} days"})
    _set_days(tenant, "image_retention", days, by)


@transaction.atomic
def _set_days(tenant: Tenant, what: str, days: int | None, by: By) -> None:
    refuse_ended(tenant.id)
    column = f"{what}_days"
    before = Tenant.objects.values_list(column, flat=True).get(pk=tenant.pk)
    if before == days:
        return
    setattr(tenant, column, days)
    tenant.save(update_fields=[column])
    record(tenant.audited, f"tenant.{what}", before={"days": before}, after={"days": days}, **by)


def export_tenant(*, tenant: Tenant, path: Path, actor: Actor) -> None:
    """Write all data of a tenant into a new zip file that only its owner can read (0600).

    Raises FileExistsError and OSError; an unfinished file is removed.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write_export(tenant=tenant, file=file)
    except BaseException:
        path.unlink()
        raise
    record(tenant.audited, "tenant.export", actor=actor)


def write_export(*, tenant: Tenant, file: IO[bytes]) -> None:
    """Write all data of a tenant into a file, as a zip archive.

    NAME.jsonl holds rows, one JSON object a line; files/… are images. Nothing is held whole in
    memory. It is not one snapshot: data that changes meanwhile may be in either form. It contains
    no secrets. Raises OSError.
    """
    with ZipFile(file, "w") as archive:
        for name, rows in _tables(tenant):
            _write(archive, f"{name}.jsonl", map(_line, rows), ZIP_DEFLATED)
        for holding in holdings():
            for name, chunks in holding.files(tenant.id):
                _write(archive, f"files/{name}", chunks, ZIP_STORED)


def _tables(tenant: Tenant) -> Iterator[tuple[str, Iterable[Mapping[str, Any]]]]:
    yield "tenant", Tenant.objects.filter(pk=tenant.pk).values()
    yield "api_keys", ApiKey.objects.filter(tenant=tenant).values(*_KEY_COLUMNS)
    yield (
        "members",
        (
            {"email": member.user.email, "name": member.user.name, "role": member.role}
            for member in members_of(tenant.id)
        ),
    )
    yield "member_changes", tenant.member_changes.values("email", "before", "role", "asked_at")
    yield "audit_log", audit_events_of(tenant.id)
    for holding in holdings():
        yield from holding.tables(tenant.id)


_KEY_COLUMNS = [
    field.attname
    for field in ApiKey._meta.concrete_fields  # noqa: SLF001 - Django's documented way to a model's columns
    if "digest" not in field.name
]


def _line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False).encode() + b"\n"


def _write(archive: ZipFile, name: str, chunks: Iterable[bytes], compression: int) -> None:
    entry = ZipInfo(name)
    entry.compress_type = compression
    entry.external_attr = 0o600 << 16
    with archive.open(entry, "w", force_zip64=True) as member:
        for chunk in chunks:
            member.write(chunk)
