"""Forget a generation's words, tags and stored objects. Its bill stays.

Words go first, in one transaction, then the objects. If removing objects fails, the words are gone
nevertheless, and the hourly work removes the objects. Rows keep sizes, prices, times and ids.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction

from generation.models import Attempt, Generation, IdempotencyRecord, State
from storage.object_keys import EXTENSIONS
from storage.services import (
    delete_image_rows,
    forget_images,
    image_key_of,
    partial_key_of,
    remove_all,
    remove_images,
)


def forget_words(generation_ids: Collection[UUID], *, now: datetime) -> None:
    """Erase prompts, extra fields, revised prompts, and digests that could confirm a guess.

    An idempotency record stays: the same key still finds the generation, with any body.
    """
    Generation.objects.filter(id__in=generation_ids).update(
        prompt="",
        fields={},
        body_digest=None,
        web_process=None,
        orphaned_at=None,
        words_forgotten_at=now,
    )
    attempts = Attempt.objects.filter(generation_id__in=generation_ids).exclude(detail="")
    attempts.update(detail="", fingerprint="")
    records = IdempotencyRecord.objects.filter(generation_id__in=generation_ids)
    records.update(body_digest=b"")
    forget_images(generation_ids)


def forget(generation: Generation, *, now: datetime) -> bool:
    """Forget an ended generation. Return whether its objects are gone; if not, call it again.

    Raises StorageFailed, with the words gone, if storage does not answer.
    """
    keys = [image["key"] for image in generation.inputs if "key" in image]
    with transaction.atomic():
        forget_words([generation.id], now=now)
        Generation.objects.filter(id=generation.id).update(
            deleted_at=now, inputs=[{"key": key} for key in keys]
        )
    still_there = remove_all([*keys, *_partials_of(generation), *images_of(generation)])
    is_gone = remove_images(generation.id, now=now) and not still_there
    if is_gone:
        Generation.objects.filter(id=generation.id).update(inputs=[])
    return is_gone


@transaction.atomic
def delete_rows(generation_ids: Collection[UUID]) -> None:
    """Delete the rows of tests whose objects are gone. Live rows are bills, and stay."""
    IdempotencyRecord.objects.filter(generation_id__in=generation_ids).delete()
    Attempt.objects.filter(generation_id__in=generation_ids).delete()
    delete_image_rows(generation_ids)
    Generation.objects.filter(id__in=generation_ids, livemode=False).delete()


def images_of(generation: Generation) -> Iterator[str]:
    """Every key that unsuccessful dispatches may have written."""
    last = generation.dispatch
    lost = range(1, last if generation.state == State.SUCCEEDED else last + 1)
    for dispatch in lost:
        for index in range(generation.n):
            for image_format in EXTENSIONS:
                yield image_key_of(
                    generation.id, generation.created_at, dispatch, index, image_format
                )


def _partials_of(generation: Generation) -> Iterator[str]:
    """Every key that a partial image may have."""
    for dispatch in range(1, generation.dispatch + 1):
        for image in range(generation.n):
            for partial in range(generation.partial_images):
                for image_format in EXTENSIONS:
                    yield partial_key_of(
                        generation.id,
                        generation.created_at,
                        dispatch,
                        image=image,
                        partial=partial,
                        image_format=image_format,
                    )
