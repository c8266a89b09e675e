"""Pages whose saves are a service's: forms show what it refuses, and nothing is written here."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from typing_extensions import override
from unfold.admin import ModelAdmin


class ServiceAdmin(ModelAdmin):
    """What is configured is never deleted: it is disabled, because work and prices know it."""

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @override
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The forms asked the service before; it may still refuse what another changed since."""
        try:
            response: HttpResponse = super().changeform_view(
                request, object_id, form_url, extra_context
            )
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return HttpResponseRedirect(request.get_full_path())
        return response


def ip_of(request: HttpRequest) -> str | None:
    """Where the signed-in person is, for the audit log."""
    ip: str | None = request.META.get("REMOTE_ADDR")
    return ip
