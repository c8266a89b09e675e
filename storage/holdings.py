"""What this app keeps of tenants: `accounts.holdings.Holdings`, plugged in by `apps.py`.

Images are handed out and erased with the generations that they are of.
"""

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError

from storage.exports import delete_exports_of
from storage.services import StorageFailed


def tables(tenant_id: UUID) -> tuple[()]:
    """There are none."""
    del tenant_id
    return ()


def files(tenant_id: UUID) -> tuple[()]:
    """There are none: an export does not hold the others."""
    del tenant_id
    return ()


def erase(*, tenant_id: UUID, now: datetime) -> None:
    """Delete a tenant's exports. Raises ValidationError: see Holdings."""
    del now
    try:
        delete_exports_of(tenant_id)
    except StorageFailed as error:
        raise ValidationError(f"storage does not answer: {error}; try again") from None
