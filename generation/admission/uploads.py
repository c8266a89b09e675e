"""The files of a page's form as the reference images of a request."""

from collections.abc import Callable, Sequence
from datetime import datetime

from asgiref.sync import async_to_sync, sync_to_async

from generation.admission.inputs import Inputs, NamedFile, Rows, of_files
from generation.admission.service import Admitted
from generation.channels.declaration import Task
from pictor.kit.bytes.spools import process_spools
from pictor.kit.words.ids import GenerationId, TenantId
from pictor.kit.words.untyped import Json


def admit_with_files(
    files: Sequence[NamedFile],
    submit: Callable[[Json, Rows], Admitted],
    *,
    task: Task,
    mask: NamedFile | None,
    tenant_id: TenantId,
    generation_id: GenerationId,
    now: datetime,
) -> Admitted:
    """Admit a form's request with its files as reference images.

    For the thread that makes a page; `submit` runs there too.

    Args:
        files: the name and the bytes of each.
        submit: gets the fields with placeholders, and the files' rows.
        task: the request's; an edit may have a `mask`.
        mask: the name and the bytes of the file.
        tenant_id: the tenant in whose turn they are decoded.
        generation_id: of the generation to be.
        now: the time of the request.
    """

    async def admit_with_images(images: Inputs) -> Admitted:
        async with images.stored(tenant_id, generation_id, now) as rows:
            admitted = await sync_to_async(submit)(images.by_field(), rows)
            if not admitted.is_new:  # the earlier generation has images of its own
                await images.forget()
            return admitted

    with process_spools().scope(str(tenant_id)) as spools:
        return async_to_sync(admit_with_images)(of_files(files, spools, task=task, mask=mask))
