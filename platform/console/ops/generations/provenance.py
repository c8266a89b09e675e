"""Whose picture a file is: a look-up across tenants, as an act by the file or its digest."""

from dataclasses import dataclass
from hashlib import file_digest
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import reverse
from typing_extensions import override

from console.ops.access import Permission
from console.parts.acts import Act, ActForm, ActResult, Asked, ItemResult
from console.parts.sentences import counted
from generation.oversight import support_looks
from generation.selectors import MadeHere
from storage.selectors import DIGEST
from storage.stripping import manifest_label

MOST = settings.MAX_IMAGE_BYTES // 1024**2
NOT_FOUND = (
    "Not found: no delivered image has these bytes or this manifest, or its generation or prompt is"
    " deleted"
)


@dataclass(slots=True)
class _Sent:
    file: Any
    size: int

    def read_at(self, offset: int, size: int, /) -> bytes:
        self.file.seek(offset)
        return bytes(self.file.read(size))


class FileForm(ActForm):
    file = forms.FileField(required=False, label="File", help_text=f"At most {MOST} MiB.")
    sha256 = forms.CharField(
        required=False, label="Or its SHA-256", help_text="64 hexadecimal digits."
    )

    @override
    def clean(self) -> None:
        super().clean()
        text, file = self.cleaned_data.get("sha256"), self.cleaned_data.get("file")
        if bool(text) == bool(file):
            raise ValidationError("Send a file or its SHA-256, one of the two.")
        if text and not DIGEST.fullmatch(text):
            raise ValidationError("A SHA-256 has 64 hexadecimal digits.")
        if file and file.size > settings.MAX_IMAGE_BYTES:
            raise ValidationError(f"The file is larger than {MOST} MiB.")


def _look_up(asked: Asked[None]) -> ActResult:
    digest, label = asked.data["sha256"].lower(), ""
    if file := asked.data["file"]:
        digest = file_digest(file, "sha256").hexdigest()
        label = manifest_label(_Sent(file, file.size))
    found = support_looks.look_up(sha256=digest, label=label, **asked.by)
    if not found:
        return ActResult(words=NOT_FOUND, page=reverse("ops:generation.look_up"))
    words = f"{counted(len(found), 'image')} made here"
    return ActResult(words=words, results=[_result(one) for one in found])


def _result(one: MadeHere) -> ItemResult:
    made = one.generation
    return ItemResult(
        f"{made.public_id}, image {one.image.index + 1}{'' if made.livemode else ', a test'}",
        "ok",
        "As delivered" if one.is_as_delivered else "The same manifest, other bytes",
        f"{made.tenant.name}, {made.model}, {made.created_at:%-d %b %Y, %H:%M} UTC",
        reverse("ops:generation", args=[made.public_id]),
    )


ACTS: tuple[Act[Any], ...] = (
    Act(
        name="generation.look_up",
        verb="Whose picture?",
        lead="Finds the generations that made a file, which is not kept. Each tenant whose image it"
        " is reads in its audit log that you found it.",
        home="ops:generations",
        needs=Permission.SEE,
        audit=support_looks.LOOKED_UP,
        form=FileForm,
        do=_look_up,
    ),
)
