"""An action that cannot be undone shows what it is about to do, before it does it."""

from collections.abc import Sequence
from hashlib import sha256

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin

Groups = Sequence[tuple[str, Sequence[str]]]
"""Headings, and lines under each."""


def asked(
    page: ModelAdmin,
    request: HttpRequest,
    *,
    title: str,
    groups: Groups,
    note: str,
    form: Form | None = None,
) -> HttpResponse | None:
    """The page that shows it; None once exactly that was looked at and agreed to.

    A form is what must be typed to agree.
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
