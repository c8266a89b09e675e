"""Whose picture a file is: a look-up across tenants, as an act by the file or its digest."""

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
from pictor.kit.bytes.spool import SpoolError, SpoolTooLarge
from pictor.kit.bytes.spools import process_spools
from storage.selectors import DIGEST
from storage.stripping import manifest_label

MOST = settings.MAX_IMAGE_BYTES // 1024**2
NOT_FOUND = (
    "Not found: no delivered image has these bytes or this manifest, or its generation was deleted"
    " or its prompt has expired"
)


class FileForm(ActForm):
    file = forms.FileField(required=False, label="File", help_text=f"At most {MOST} MiB.")
    sha256 = forms.CharField(
        required=False, label="Or its SHA-256", help_text="64 hexadecimal digits."
    )

    def clean_sha256(self) -> str:
        """Return it in small letters."""
        text: str = self.cleaned_data["sha256"]
        if text and not DIGEST.fullmatch(text):
            raise ValidationError("A SHA-256 has 64 hexadecimal digits.")
        return text.lower()

    @override
    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        if not self.errors and bool(data["sha256"]) == bool(data["file"]):
            raise ValidationError("Send a file or its SHA-256, one of the two.")


def _look_up(asked: Asked[None]) -> ActResult:
    digest, label = asked.data["sha256"], ""
    if file := asked.data["file"]:
        digest, label = _read(file, owner=f"staff {asked.by['actor']}")
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


def _read(file: Any, *, owner: str) -> tuple[str, str]:
    """Return the file's digest and its manifest's label. Raises ValidationError."""
    with process_spools().scope(owner) as spools:
        spool = spools.new(max_bytes=settings.MAX_IMAGE_BYTES)
        try:
            for chunk in file.chunks():
                spool.write(chunk)
        except SpoolTooLarge:
            raise ValidationError({"file": f"The file is larger than {MOST} MiB."}) from None
        except SpoolError:
            raise ValidationError("There is no room for files just now. Try again.") from None
        return spool.sha256, manifest_label(spool)


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
