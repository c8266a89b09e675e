"""Reference images of a request: taken out of its body, verified, and stored before admission.

They are never in Postgres, Redis or Celery. In the request's fields each leaves a placeholder made
of its place and a keyed hash, so equal requests stay equal for idempotency. The bytes of base64 are
decoded as a whole, then lie on storage under `in/` and are sent on from there, unchanged unless
they had to be repaired (storage/convert.py). An address stays with the generation until the worker
has fetched it (dispatch/inputs.py): here only its form is checked, and nothing is resolved or
contacted.

A reference image is base64, a data URI, an address, or an object with one of them, as `b64_json`,
`url` or `image_url`; or a file of a form. The images of an edit or a variation are always a list of
placeholders, in whichever of these forms they arrived.
"""

import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeAlias

from django.conf import settings

from generation.admission.fields import FILES, REFERENCES, TEXTS
from generation.admission.retry_shield import InDoubt
from generation.catalogue import reference_images
from generation.channels.declaration import MAX_IMAGES, OVERLAYS, Task
from pictor.kit.bytes.base64_sink import Base64Sink
from pictor.kit.bytes.multipart import FormFile, FormLimits
from pictor.kit.bytes.spool import SpoolError, SpoolFile, SpoolFull, Spools, SpoolTooLarge
from pictor.kit.database import pools
from pictor.kit.endpoints.body import Body
from pictor.kit.outbound import egress
from pictor.kit.words.errors import InvalidRequest, PictorError, RequestTooLarge, Unavailable
from pictor.kit.words.ids import GenerationId
from pictor.kit.words.untyped import Json
from storage import convert, probe
from storage.containers.pieces import NotAnImage
from storage.services import StorageFailed, delete_objects, input_key_of, upload_on_loop

Rows = Sequence[Json]
"""The part of a generation's row that keeps its reference images."""
SentImage: TypeAlias = str | Json | FormFile
"""One reference image in the form its field has."""
PARTS = ("b64_json", "url", "image_url")
MAX_TEXT_BYTES = 512 * 1024
FORM_LIMITS = FormLimits(
    file_fields=FILES,
    text_fields=TEXTS,
    max_files=MAX_IMAGES + 1,
    max_file_bytes=settings.MAX_IMAGE_BYTES,
    max_text_bytes=MAX_TEXT_BYTES,
)
"""The limits of the forms of edits and variations."""
_ONE_FILE = FormLimits(
    file_fields=("file",),
    text_fields=("sha256",),
    max_files=1,
    max_file_bytes=settings.MAX_IMAGE_BYTES,
    max_text_bytes=1024,
)
FORMS: Mapping[str, FormLimits] = {
    f"/v1/images/{name}{slash}": limits
    for name, limits in (
        ("edits", FORM_LIMITS), ("variations", FORM_LIMITS), ("provenance", _ONE_FILE)
    )
    for slash in ("", "/")
}  # fmt: skip
"""The limits of forms by path."""
CHUNK = 192 * 1024
"""Characters of base64 decoded at a time."""

_DATA_URI = re.compile(rb"\s*data:[^,]*;\s*base64\s*,", re.IGNORECASE)
"""RFC 2397: the type may be missing, parameters may follow it, and white space may be anywhere."""
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_NO_ROOM = "There is no room for reference images at the moment; nothing was charged. Try again."


@dataclass
class Input:
    """One reference image: its place in the request, and its bytes or its address."""

    label: str
    """`image`, `image[2]`, `mask` or `markup`."""
    spool: SpoolFile | None = None
    is_data_uri: bool = False
    address: str = ""
    placeholder: str = ""
    prefix: str = ""
    key: str = ""
    name: str = ""
    """The sender's name for it, if that is not the label."""
    facts: probe.ImageFacts | None = None

    def row(self) -> dict[str, object]:
        """Its entry in the generation's row."""
        known = {"label": self.label, "placeholder": self.placeholder}
        if self.spool is None or self.facts is None:
            return {**known, "address": self.address}
        return {
            **known,
            "facts": asdict(self.facts),
            "key": self.key,
            "prefix": self.prefix,
            "size_bytes": self.spool.size,
            "sha256": self.spool.sha256,
        }


@dataclass
class Inputs:
    """All reference images of one request."""

    images: list[Input] = field(default_factory=list)
    task: Task = Task.GENERATE
    request: Json = field(default_factory=dict)
    """The request's fields, with placeholders for the images."""

    def by_field(self) -> dict[str, object]:
        """Only the placeholders: all images as one list, and the mask or markup."""
        named = [(_field(image.label), image.placeholder) for image in self.images]
        images = [placeholder for name, placeholder in named if name == "image"]
        return {
            "image": images,
            **{name: placeholder for name, placeholder in named if name in OVERLAYS},
        }

    @asynccontextmanager
    async def stored(
        self, lane: object, generation_id: GenerationId, now: datetime
    ) -> AsyncIterator[Rows]:
        """Verify them in the tenant's turn, store them, and yield the rows for the admission.

        A refusal leaves none on storage. Raises InvalidRequest and Unavailable.
        """
        try:
            await self._verify(lane)
            yield await self._store(generation_id, now)
        except InDoubt:
            raise  # it may have been admitted, and then its call needs them
        except Exception:
            # Not if the caller leaves: the admission may still succeed, and then its call needs
            # them.
            await self.forget()
            raise

    async def _verify(self, lane: object) -> None:
        """Decode the bytes at hand in the tenant's turn; turn or repair them if necessary.

        Raises InvalidRequest and Unavailable.
        """
        for image in self.images:
            if image.spool is None:
                continue
            try:
                sent = await pools.references().run(lane, partial(convert.as_sent, image.spool))
            except (NotAnImage, SpoolTooLarge) as error:
                what = reference_images.unreadable(error)
                raise _invalid_image(image.label, what, name=image.name) from None
            except SpoolError:
                raise Unavailable(_NO_ROOM) from None
            image.spool, image.facts = sent
            if image.is_data_uri:
                # As it was verified, not as the caller named it.
                image.prefix = f"data:image/{image.facts.format};base64,"
        known = [(image.label, image.facts) for image in self.images if image.facts is not None]
        if problem := reference_images.problem(self.task, known):
            raise _invalid_image(*problem)

    async def _store(self, generation_id: GenerationId, now: datetime) -> list[dict[str, object]]:
        """Store the bytes and return the generation's rows. Raises Unavailable."""
        for index, image in enumerate(self.images):
            if image.spool is None:
                continue
            image.key = input_key_of(generation_id, now, index)
            try:
                await upload_on_loop(
                    image.key, image.spool, content_type="application/octet-stream"
                )
            except StorageFailed:
                raise Unavailable(
                    "The reference image could not be stored; nothing was charged. Try again."
                ) from None
        return [image.row() for image in self.images]

    async def forget(self) -> None:
        """Remove what was stored: the request was not admitted."""
        keys = [image.key for image in self.images if image.key]
        if keys:
            await pools.storage(_forget, keys)


def _forget(keys: list[str]) -> None:
    try:
        delete_objects(keys)
    except StorageFailed:
        return  # nothing refers to them; the hourly work clears in/ after two days


def are_in(request: Json) -> bool:
    """True if reference images must go to storage before its admission."""
    return any(name in request for name in REFERENCES)


def extract(request: Json, body: Body, spools: Spools) -> Inputs:
    """Take the reference images out of a request's fields.

    Raises InvalidRequest with `invalid_image` if the form rules out an image (text that is not
    base64, an address that is not public), or with `string_above_max_length` for long text anywhere
    else in the body. Raises RequestTooLarge and Unavailable.
    """
    inputs = Inputs(task=Task(request.get("task", Task.GENERATE)))
    taker = _Taker(inputs, body, spools)
    taken = {name: taker.taken(name, request[name]) for name in REFERENCES if name in request}
    check_no_long_text({**request, **taken}, body)
    if inputs.task != Task.GENERATE:
        taken = inputs.by_field()
    inputs.request = {**request, **taken}
    return inputs


NamedFile: TypeAlias = tuple[str, Iterable[bytes]]
"""A file's name, and its bytes in pieces."""


def of_files(
    files: Sequence[NamedFile],
    spools: Spools,
    *,
    task: Task = Task.GENERATE,
    mask: NamedFile | None = None,
) -> Inputs:
    """Reference images as files.

    Raises InvalidRequest (`invalid_image`), RequestTooLarge, Unavailable.
    """
    if len(files) > MAX_IMAGES:
        raise _invalid_image("image", f"holds more than {MAX_IMAGES} images")
    inputs = Inputs(task=task)
    labeled = [(f"image[{place}]", *file) for place, file in enumerate(files)]
    labeled += [("mask", *mask)] if mask else []
    try:
        for place, (label, name, pieces) in enumerate(labeled):
            spool = spools.new(max_bytes=settings.MAX_IMAGE_BYTES)
            image = Input(label, spool, name=name)
            inputs.images.append(image)
            for piece in pieces:
                spool.write(piece)
            image.placeholder = _placeholder(place, spool.sha256)
    except SpoolError as error:
        raise _spool_failure(inputs.images[-1].label, error) from None
    return inputs


class _Taker:
    def __init__(self, inputs: Inputs, body: Body, spools: Spools) -> None:
        self._inputs = inputs
        self._body = body
        self._spools = spools

    def taken(self, name: str, value: SentImage | list[SentImage]) -> object:
        """The field's value with placeholders in it."""
        if not isinstance(value, list):
            return self._one(name, value)
        if not value:
            raise _invalid_image(name, "is an empty array")
        return [self._one(f"{name}[{place}]", item) for place, item in enumerate(value)]

    def _one(self, label: str, value: SentImage) -> object:
        if isinstance(value, FormFile):
            return self._keep(Input(label, value.spool), value.spool.sha256)
        if isinstance(value, str):
            is_address = _ADDRESS.match(value)
            return self._address(label, value) if is_address else self._text(label, value)
        sent = {part: inner for part, inner in value.items() if inner is not None}
        if unknown := sent.keys() - set(PARTS):
            raise _invalid_image(label, f"has an unknown key: {min(unknown)[:100]!r}")
        if len(sent) != 1:
            raise _invalid_image(label, f"must have exactly one of {', '.join(PARTS)}")
        ((part, inner),) = sent.items()
        return {part: self._part(label, part, inner)}

    def _part(self, label: str, part: str, inner: object) -> object:
        if part == "image_url" and isinstance(inner, dict):
            if set(inner) != {"url"}:
                raise _invalid_image(label, "must have url, and nothing else, in its image_url")
            return {"url": self._part(label, "url", inner["url"])}
        if not isinstance(inner, str):
            raise InvalidRequest(
                f"{label}.{part} must be a string.", code="invalid_type", param=_field(label)
            )
        if part != "b64_json" and _ADDRESS.match(inner):
            return self._address(label, inner)
        return self._text(label, inner)

    def _address(self, label: str, text: str) -> str:
        """Keep it for the worker. Only its form is checked, not its target."""
        try:
            egress.check_form(text)
        except egress.EgressRefused:
            raise _invalid_image(label, "is an address that may not be fetched") from None
        image = Input(label, address=text)
        # With a prefix, since a file may consist of just these letters.
        return self._keep(image, hashlib.sha256(f"address {text}".encode()).hexdigest())

    def _text(self, label: str, text: str) -> str:
        # `_keep` checks as well, but only after the image was decoded into a spool.
        self._check_count(label)
        index = self._body.index_of(text)
        if index is None:
            raw = text.encode()
            read = _reader(lambda at, count: raw[at : at + count])
        else:
            spool = self._body.long_strings[index].spool
            read = _reader(spool.read_at)
        return self._decode(label, read)

    def _decode(self, label: str, read: Callable[[int], Iterator[bytes]]) -> str:
        head = next(read(0), b"")[:256]
        match = _DATA_URI.match(head)
        spool = self._spools.new(max_bytes=settings.MAX_IMAGE_BYTES)
        sink = Base64Sink(spool)
        try:
            for chunk in read(match.end() if match else 0):
                sink.write(chunk)
            sink.finish()
        except SpoolError as error:
            raise _spool_failure(label, error) from None
        if sink.error is not None or sink.media_type is not None or not spool.size:
            raise _invalid_image(label, "is not base64")
        return self._keep(Input(label, spool, is_data_uri=match is not None), spool.sha256)

    def _keep(self, image: Input, sha256: str) -> str:
        self._check_count(image.label)
        image.placeholder = _placeholder(len(self._inputs.images), sha256)
        self._inputs.images.append(image)
        return image.placeholder

    def _check_count(self, label: str) -> None:
        name = _field(label)
        if sum(_field(image.label) == name for image in self._inputs.images) >= MAX_IMAGES:
            raise _invalid_image(name, f"holds more than {MAX_IMAGES} images")


def _spool_failure(label: str, error: SpoolError) -> PictorError:
    if isinstance(error, SpoolFull):
        return Unavailable(_NO_ROOM)
    return RequestTooLarge(f"{label} is too large.", param=_field(label))


def _placeholder(index: int, sha256: str) -> str:
    """An image's placeholder: the same for equal requests, and one that no caller can write."""
    secret = settings.OBJECT_KEY_SECRET.encode()
    return f"input:{index}:{hmac.new(secret, sha256.encode(), hashlib.sha256).hexdigest()}"


def _reader(read_at: Callable[[int, int], bytes]) -> Callable[[int], Iterator[bytes]]:
    def chunks(start: int) -> Iterator[bytes]:
        while chunk := read_at(start, CHUNK):
            yield chunk
            start += len(chunk)

    return chunks


def check_no_long_text(request: Json, body: Body) -> None:
    """Refuse text that was too long for memory, except in a reference image."""
    stack = list(request.items()) if body.long_strings else []
    while stack:
        name, item = stack.pop()
        if body.index_of(item) is not None:
            raise InvalidRequest(f"{name} is too long.", code="string_above_max_length", param=name)
        if isinstance(item, dict):
            # Keys may be too long as well.
            stack += [(name, inner) for pair in item.items() for inner in pair]
        elif isinstance(item, list):
            stack += [(name, inner) for inner in item]


def _field(label: str) -> str:
    """The field's name: 'image' for 'image[2]'."""
    return label.partition("[")[0]


def _invalid_image(label: str, what: str, *, name: str = "") -> InvalidRequest:
    return InvalidRequest(f"{name or label} {what}.", code="invalid_image", param=_field(label))
