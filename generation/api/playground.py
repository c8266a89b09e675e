"""A request made on a page: billed to a key of the tenant, and admitted as the API's requests are.

Raises the PictorError that refuses it; then nothing is held.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from accounts import rates
from accounts.authentication import let_in, require_scope
from accounts.callers import Caller, caller_of_key
from accounts.models import ApiKey
from generation import pipeline
from generation.admission.inputs import NamedFile, Rows
from generation.admission.service import Admitted, Submission
from generation.admission.uploads import admit_with_files
from generation.catalogue.contracts import Catalogue, ContractTerms
from generation.catalogue.life import sunset_of
from generation.channels.declaration import Task
from generation.lifecycle.partial_news import kept_command
from generation.models import Generation, Source
from pictor.kit.redis.client import send
from pictor.kit.words import clock, ids
from pictor.kit.words.errors import InvalidRequest, NoChannelAvailable, Unavailable
from pictor.kit.words.ids import GenerationId
from pictor.kit.words.money import Micros
from pictor.kit.words.untyped import Json
from storage.models import StoredImage
from storage.services import StorageFailed, open_stream, signed_url

NAME_CHARS = 100
"""The part of an unknown model's name that a refusal repeats."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request as its page sent it.

    Attributes:
        key: the key that pays.
        fields: typed, as the parser of the API's bodies returns them.
        number: the form's own; a form that is sent twice runs once.
        shown: the price beside the button, 0 if there was none.
        files: the name and the bytes of each reference image.
        ip: the person's address.
        mask: of an edit, the name and the bytes of the file.
    """

    key: ApiKey
    fields: Json
    number: str
    shown: Micros
    files: Sequence[NamedFile]
    ip: str | None
    mask: NamedFile | None = None

    @property
    def task(self) -> Task:
        return Task(self.fields.get("task", Task.GENERATE))


def for_task(fields: Json, task: Task, images: Sequence[str]) -> Json:
    """The fields of a request with that task and so many images, which it may need."""
    if task == Task.GENERATE:
        return {**fields, "image": [*images]} if images else fields
    if not images:
        verb = "edited" if task == Task.EDIT else "varied"
        raise InvalidRequest(
            f"The image is missing: choose the one to be {verb}.",
            code="missing_required_parameter",
            param="image",
        )
    return {**fields, "task": task.value, "image": [*images]}


def file_of(image: StoredImage) -> NamedFile:
    """A tenant's stored image as a file of its form; it is read when it is needed."""

    def pieces() -> Iterator[bytes]:
        try:
            with closing(open_stream(image.object_key)) as stream:
                yield from stream
        except StorageFailed:
            raise Unavailable(
                f"{image.public_id} cannot be read at present; nothing was charged. Try again."
            ) from None

    return f"{image.public_id}.{image.format}", pieces()


def last_preview(generation: Generation) -> str:
    """The address of the last partial image while it is made; empty if there is none."""
    if generation.is_final or not generation.partial_images:
        return ""
    kept = send(kept_command(generation.id))
    return signed_url(kept.key, content_type=f"image/{kept.output_format}") if kept else ""


def require_offered(
    catalogue: Catalogue, offered: Sequence[ContractTerms], named: str, *, now: datetime
) -> None:
    """Refuse a model withdrawn since the page was rendered; and any, if none is offered."""
    if not offered:
        raise NoChannelAvailable("No model is offered to this workspace. Nothing was charged.")
    if not named or any(contract.model == named for contract in offered):
        return
    contract = catalogue.contracts.get(named)
    if contract is not None and contract.has_ended(now):
        raise sunset_of(catalogue, contract, now)
    raise InvalidRequest(
        f"The model {named[:NAME_CHARS]!r} is not offered here any more. Nothing was made or"
        " charged: choose another.",
        param="model",
    )


def caller_of(key: ApiKey, *, ip: str | None) -> Caller:
    """The caller whose key this is, if it may order images now and from this address."""
    caller = caller_of_key(key.id)
    let_in(caller, now=clock.now(), ip=ip)
    require_scope(caller, "images:write")
    return caller


def submit(
    page_request: PageRequest, *, caller: Caller, catalogue: Catalogue, now: datetime
) -> Admitted:
    """Admit it, with its files if the model or the task takes images.

    Nothing is made if it costs more than the price that was shown; a test is free.
    """
    generation_id = GenerationId(ids.new_uuid())
    rates.take(caller, images=page_request.fields.get("n", 1))

    def enter(images: Json, rows: Rows) -> Admitted:
        return pipeline.enter(
            Submission(
                caller=caller_of(
                    page_request.key, ip=page_request.ip
                ),  # anew: checking files takes a while
                request={**page_request.fields, **images},
                request_id=ids.public(ids.REQUEST, ids.new_uuid()),
                idempotency_key=f"playground-{page_request.number}-{_digest_of(page_request)}",
                inputs=rows,
                source=Source.PLAYGROUND,
                is_streamed=bool(page_request.fields.get("stream")),
                most=None if page_request.key.is_test else page_request.shown,
            ),
            generation_id=generation_id,
            now=now,
        )

    task, model = page_request.task, page_request.fields["model"]
    if task == Task.GENERATE and not catalogue.takes_references(model):
        return enter({}, [])
    if not page_request.files:
        return enter(for_task({}, task, []), [])
    return admit_with_files(
        page_request.files,
        enter,
        task=task,
        mask=page_request.mask,
        tenant_id=caller.tenant_id,
        generation_id=generation_id,
        now=now,
    )


def _digest_of(page_request: PageRequest) -> str:
    """A digest of the form's content: the same form with other content is another request."""
    parts = json.dumps([page_request.key.public_id, page_request.fields], sort_keys=True)
    return sha256(parts.encode()).hexdigest()[:32]
