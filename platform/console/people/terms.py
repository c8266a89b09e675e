"""The current terms, their acceptance, and the privacy notice."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.services.office.welcome import accept_terms
from console.people.legal import document, fill_in


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """Show the terms; a signed-in person who has not accepted this version can."""
    user = request.user
    context = {
        "html": fill_in(document("terms")),
        "title": "Terms",
        "version": settings.TERMS_VERSION,
        "can_accept": isinstance(user, User) and user.terms_version != settings.TERMS_VERSION,
        "next": request.GET.get("next", ""),
    }
    return render(request, "people/terms.html", context)


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    context = {
        "html": fill_in(document("privacy")),
        "title": "Privacy",
        "version": settings.TERMS_VERSION,
    }
    return render(request, "people/terms.html", context)


@require_POST
@login_required
def accept(request: HttpRequest) -> HttpResponse:
    if isinstance(request.user, User) and request.POST.get("version") == settings.TERMS_VERSION:
        accept_terms(
            user=request.user, version=settings.TERMS_VERSION, ip=request.META.get("REMOTE_ADDR")
        )
    following = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(following, {request.get_host()}):
        following = "/console/"
    return HttpResponseRedirect(following)  # `redirect` would look for a view with that name
