"""The tenants' data kept by this app: `accounts.holdings.Holdings`, plugged in by `apps.py`.

Images are exported and erased with their generations.
"""

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError

from storage.exports import delete_exports_of
from storage.services import StorageFailed


def tables(tenant_id: UUID) -> tuple[()]:
    """Return nothing: images are exported with their generations."""
    del tenant_id
    return ()


def files(tenant_id: UUID) -> tuple[()]:
    """Return nothing: an export does not contain earlier exports."""
    del tenant_id
    return ()


def erase(*, tenant_id: UUID, now: datetime) -> None:
    """Delete a tenant's exports. Raises ValidationError: see Holdings."""
    del now
    try:
        delete_exports_of(tenant_id)
    except StorageFailed as error:
        raise ValidationError(f"storage does not answer: {error}; try again") from None
