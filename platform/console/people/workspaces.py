"""Opening a workspace, a first or a further one."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.services.office.welcome import MAX_OWNED, open_workspace

OWNED = [str(number) for number in range(MAX_OWNED)]
"""How many workspaces a person may own already."""


@require_POST
@login_required
def open_one(request: HttpRequest) -> HttpResponse:
    """Open a workspace if allowed, and redirect to the person's workspaces."""
    if isinstance(request.user, User):
        ip, owned = request.META.get("REMOTE_ADDR"), request.POST.get("owned", "")
        number = int(owned) if owned in OWNED else 0
        tenant = open_workspace(user=request.user, owned=number, ip=ip)
        if tenant is not None and number:
            return redirect("workspace:overview", tenant.public_id)
    return redirect("workspace:choose")
