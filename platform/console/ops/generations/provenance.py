"""Whose picture a file is: a look-up across tenants, by the file or its digest."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from console.ops.access import FORM, Operator, Permission, by, rendered, staff
from generation.oversight import support_looks
from pictor.kit.bytes.spool import SpoolError, SpoolTooLarge
from pictor.kit.bytes.spools import process_spools
from storage.selectors import DIGEST
from storage.stripping import manifest_label

MOST = settings.MAX_IMAGE_BYTES // 1024**2


@staff(Permission.SEE, FORM, fresh=True)
def provenance(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Show which tenants' images a file is; each of them reads in its log that it was found."""
    context: dict[str, Any] = {"most": MOST}
    if request.method == "POST":
        try:
            digest, label = _read(request, operator)
        except ValidationError as error:
            context["complaint"] = " ".join(error.messages)
        else:
            found = support_looks.look_up(sha256=digest, label=label, **by(request, operator))
            context |= {"sha256": digest, "found": found}
    return rendered(
        request, operator, "ops/provenance.html", context, refused="complaint" in context
    )


def _read(request: HttpRequest, operator: Operator) -> tuple[str, str]:
    """Return the digest and the manifest's label of what was sent. Raises ValidationError."""
    text, file = request.POST.get("sha256", "").strip(), request.FILES.get("file")
    if bool(text) == bool(file):
        raise ValidationError("Send a file or its SHA-256, one of the two.")
    if not file:
        if not DIGEST.fullmatch(text):
            raise ValidationError("A SHA-256 has 64 hexadecimal digits.")
        return text.lower(), ""
    with process_spools().scope(f"person {operator.user.id}") as spools:
        spool = spools.new(max_bytes=settings.MAX_IMAGE_BYTES)
        try:
            for chunk in file.chunks():
                spool.write(chunk)
        except SpoolTooLarge:
            raise ValidationError(f"The file is larger than {MOST} MiB.") from None
        except SpoolError:
            raise ValidationError("There is no room for files just now. Try again.") from None
        return spool.sha256, manifest_label(spool)
