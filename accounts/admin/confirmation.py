"""A confirmation page for actions that cannot be undone; it shows their effect first."""

from collections.abc import Sequence
from hashlib import sha256

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin

Groups = Sequence[tuple[str, Sequence[str]]]
"""Headings, each with its lines."""


def confirmation_page(
    page: ModelAdmin,
    request: HttpRequest,
    *,
    title: str,
    groups: Groups,
    note: str,
    form: Form | None = None,
) -> HttpResponse | None:
    """Return the confirmation page; None once the person has confirmed exactly these groups.

    `form` holds input that is typed to confirm.
    """
    seen = sha256(repr(groups).encode()).hexdigest()
    if request.POST.get("seen") == seen and (form is None or form.is_valid()):
        return None
    context = {
        **page.admin_site.each_context(request),
        "title": title,
        "opts": page.opts,
        "media": page.media,
        "groups": groups,
        "note": note,
        "form": form,
        "selected": request.POST.getlist("_selected_action"),
        "select_across": request.POST.get("select_across", "0"),
        "action": request.POST["action"],
        "seen": seen,
    }
    return TemplateResponse(request, "accounts/confirm_action.html", context)
