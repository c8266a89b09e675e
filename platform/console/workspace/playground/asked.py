"""What the playground's form asks for: its draft, and the images that it begins with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict

from accounts.models import ApiKey
from console.parts.pictures import Picture, picture_of
from console.workspace.access import Workspace
from console.workspace.shared.choices import OWN, RequestDraft, draft_of, typed_as
from generation.admission.inputs import NamedFile
from generation.api import requests
from generation.api.playground import PageRequest, file_of, for_task
from generation.catalogue.contracts import Catalogue, ContractTerms
from generation.channels.declaration import MAX_IMAGES, Task
from generation.models import Generation
from pictor.kit.words.errors import InvalidRequest
from pictor.kit.words.money import Micros
from pictor.kit.words.untyped import Json
from storage.models import StoredImage
from storage.selectors import images_named

MAX_OF_A_NAME = 100
_AS_KEPT = ("model", "task", "prompt", "size", "output_format")


@dataclass(frozen=True, slots=True)
class FilledForm:
    """A form as understood.

    Attributes:
        uses: the workspace's own images among those that it begins with; they come first.
        names: of the files that follow.
        missing: the names of own images that are not there, or no longer.
        takes_images: True if the task begins with images, or may.
    """

    draft: RequestDraft
    uses: Sequence[StoredImage]
    names: Sequence[str]
    missing: Sequence[str]
    takes_images: bool

    @property
    def images(self) -> list[str]:
        """The names of all images; none if the model would take none."""
        own = [f"{image.public_id}.{image.format}" for image in self.uses]
        return [*own, *self.names][:MAX_IMAGES] if self.takes_images else []

    @property
    def pictures(self) -> list[Picture]:
        return [picture_of(image) for image in self.uses]

    @property
    def takes_mask(self) -> bool:
        return self.draft.task == Task.EDIT and "mask" in self.draft.honoured

    @property
    def fields(self) -> Json:
        """The fields for a price: a prompt may still be missing. Raises InvalidRequest."""
        if self.missing:
            named = f"“{_short(self.missing[0])}” is no image here, or was deleted: choose another."
            raise InvalidRequest(named, param="image")
        body = {**self.draft.body, "prompt": self.draft.prompt.strip() or "…"}
        return for_task(requests.parse(body, default_model=None), self.draft.task, self.images)

    def request(
        self, request: HttpRequest, key: ApiKey, *, number: str, shown: int | None
    ) -> PageRequest:
        """The request to admit. Raises InvalidRequest."""
        fields = {**self.fields, **requests.parse(self.draft.body, default_model=None)}
        fields.pop("image", None)  # they are files
        mask = request.FILES.get("mask") if self.takes_mask else None
        return PageRequest(
            key=key,
            number=number,
            fields=fields,
            shown=Micros(shown or 0),  # beside the button
            files=[*map(file_of, self.uses), *map(_sent, request.FILES.getlist("image"))],
            mask=_sent(mask) if mask else None,
            ip=request.META.get("REMOTE_ADDR"),
        )


def asked_by(
    request: HttpRequest,
    workspace: Workspace,
    query: Mapping[str, Any],
    models: Sequence[ContractTerms],
) -> FilledForm:
    """Read a form's or a link's values; `add` is one more image."""
    catalogue, sent = workspace.catalogue, request.POST or request.GET
    honoured = {contract.model: _honoured(catalogue, contract) for contract in models}
    draft = draft_of({name: str(query[name]) for name in query}, models, honoured)
    uses, missing = own_images(workspace, sent)
    return FilledForm(
        draft=draft,
        uses=uses,
        names=names_of(request),
        missing=missing,
        takes_images=draft.task != Task.GENERATE
        or catalogue.takes_references(draft.contract.model),
    )


def names_of(request: HttpRequest) -> list[str]:
    """The names of the form's files; one that asks for a price sends only them."""
    files = [file.name for file in request.FILES.getlist("image")]
    return [_short(name) for name in files or request.POST.getlist("reference")]


def own_images(
    workspace: Workspace, sent: QueryDict
) -> tuple[Sequence[StoredImage], Sequence[str]]:
    """The workspace's images that a form names, and the names of those that are not there."""
    wanted = list(dict.fromkeys([*sent.getlist("use"), *sent.getlist("add")]))[:MAX_IMAGES]
    uses = images_named(workspace.tenant.id, wanted) if wanted else []
    found = {image.public_id for image in uses}
    return uses, [name for name in wanted if name not in found]


def as_asked(generation: Generation) -> dict[str, str]:
    """The values of the form that a generation was made of, but for its key and images."""
    return {
        **{name: getattr(generation, name) for name in _AS_KEPT},
        "quality": generation.quality_requested,
        "n": str(generation.n),
        "output_compression": "" if (kept := generation.output_compression) is None else str(kept),
        "partial_images": typed_as(generation.partial_images or ""),
        "strict_size": "true" if generation.strict_size else "",
        **{name: typed_as(value) for name, value in generation.fields.items()},
        **{OWN + name: typed_as(value) for name, value in generation.fields.items()},
    }


def _honoured(catalogue: Catalogue, contract: ContractTerms) -> frozenset[str]:
    """The fields that some channel of the model takes, or that are honoured here."""
    routes = catalogue.routes_for(contract.model, livemode=True)
    compressed = {"jpeg", "webp"}.intersection(contract.formats)
    return frozenset({
        *("strict_size" for _ in contract.options),
        *("output_compression" for _ in compressed),
        *("partial_images" for route in routes if route.abilities.streams),
        *(name for route in routes for name in route.abilities.fields),
    })  # fmt: skip


def _sent(file: "UploadedFile[Any]") -> NamedFile:
    return _short(file.name), file.chunks()


def _short(name: str | None) -> str:
    return (name or "").rpartition("/")[2][:MAX_OF_A_NAME]
