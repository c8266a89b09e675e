"""Pages of staff, who are let in by the same door as into the admin."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def _styleguide(request: HttpRequest) -> HttpResponse:
    return render(request, "ops/styleguide.html")


styleguide = admin.site.admin_view(_styleguide)
"""Every component in every state."""
