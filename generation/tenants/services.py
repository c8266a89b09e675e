"""A tenant's actions on its own generations: look at them, cancel one, delete one.

Another tenant's generation is not found here, nor a test with a live key, or the reverse; without
`livemode` both are found. Raises NotFound, NotCancelable, Unavailable.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from generation import selectors
from generation.lifecycle import notify, settlement
from generation.models import Generation
from generation.selectors import Finished, MadeHere
from generation.tenants import forgetting
from generation.tenants.searching import Criteria, whole_rows
from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.words import ids
from pictor.kit.words.errors import NotCancelable, NotFound, Unavailable
from pictor.kit.words.ids import TenantId
from storage.services import StorageFailed
from storage.stripping import manifest_label


def generation_of(tenant_id: TenantId, public_id: str, *, livemode: bool | None = None) -> Finished:
    """The tenant's generation with that public id."""
    generation_id = ids.parse(ids.GENERATION, public_id)
    generation = generation_id and selectors.generation_of(
        tenant_id, generation_id, livemode=livemode
    )
    if not generation:
        raise NotFound("There is no generation with that id.", param="id")
    return generation


def generation_named(tenant_id: TenantId, text: str) -> Finished:
    """The tenant's generation by its id or its request's id, since a person may have either.

    The request of a retry that was answered with the generation finds it too.
    """
    rows = selectors.generations_of(tenant_id)
    matches = selectors.with_images(rows.filter(selectors.named(text))[:1])
    retry = None if matches else selectors.refused_request(text)
    if retry is not None and retry.generation_id is not None:
        matches = selectors.with_images(rows.filter(id=retry.generation_id))
    if not matches:
        raise NotFound("There is no generation with that id.", param="id")
    return matches[0]


def made_here(
    tenant_id: TenantId, *, sha256: str, file: SpoolFile | None, livemode: bool
) -> MadeHere | None:
    """The tenant's first image that is this file, or that only has its manifest.

    Another tenant's is not found; nothing of the file is kept, or decoded.
    """
    label = manifest_label(file) if file else ""
    digest = file.sha256 if file else sha256
    found = selectors.made_here(digest, label, tenant_id=tenant_id, livemode=livemode)
    return found[0] if found else None


def page_of(
    tenant_id: TenantId, wanted: Criteria, *, limit: int, after: UUID | None
) -> tuple[Sequence[Finished], UUID | None]:
    """At most `limit` generations older than `after`, newest first; and where the next page begins.

    That is after the last one, or after the last row that was looked at; None if there is no more.
    Takes two queries, or three with a filter.
    """
    generations, edge = whole_rows(tenant_id, wanted, after, limit=limit + 1)
    last = generations[limit - 1].id if len(generations) > limit else edge
    return selectors.with_images(generations[:limit]), last


def cancel(
    tenant_id: TenantId, public_id: str, *, livemode: bool | None = None, now: datetime
) -> Finished:
    """End a generation that was not sent to an upstream, and release its hold."""
    generation = generation_of(tenant_id, public_id, livemode=livemode).generation
    if not settlement.cancel(generation=generation, now=now):
        raise NotCancelable("This generation has already been started, or has ended.")
    notify.wake([generation.id])
    return generation_of(tenant_id, public_id)


def delete(
    tenant_id: TenantId, public_id: str, *, livemode: bool | None = None, now: datetime
) -> Generation:
    """Forget a generation that has ended: prompt, tags and every image; its bill stays.

    Raises Unavailable if storage still keeps an object; the words are gone then.
    """
    generation = generation_of(tenant_id, public_id, livemode=livemode).generation
    if not generation.is_final:
        raise NotCancelable("This generation has not ended yet.")
    try:
        is_gone = forgetting.forget(generation, now=now)
    except StorageFailed:
        is_gone = False
    if not is_gone:
        raise Unavailable("The images cannot be removed at the moment. Delete it again later.")
    return generation
