"""Opening a workspace, for a person who is in none."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.services.office.welcome import open_workspace


@require_POST
@login_required
def open_one(request: HttpRequest) -> HttpResponse:
    """Open a workspace if allowed, and redirect to the person's workspaces."""
    if isinstance(request.user, User):
        open_workspace(user=request.user, ip=request.META.get("REMOTE_ADDR"))
    return redirect("workspace:choose")
