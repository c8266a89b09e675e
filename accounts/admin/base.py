"""What pages of the admin share: who asks, changes that are audited, rows that nobody changes."""

from typing import Any, TypedDict

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from typing_extensions import override
from unfold.admin import ModelAdmin

from accounts.models import Actor, User
from accounts.services import record

SECRET_FIELDS = frozenset({"password", "digest"})
"""Never in an audit event, whatever the model."""


class By(TypedDict):
    """Who changes something and from where, as services take it."""

    actor: Actor
    ip: str | None


class AuditedAdmin(ModelAdmin):
    """A model admin whose saves and deletions leave an audit event with before and after.

    For models whose changes have no service of their own; the others' pages call the service.
    """

    @override
    def save_model(
        self, request: HttpRequest, obj: Model, form: "forms.ModelForm[Any]", change: bool
    ) -> None:
        before = facts_of(self.get_queryset(request).get(pk=obj.pk)) if change else None
        super().save_model(request, obj, form, change)
        self.audit(request, "change" if change else "add", obj, before, facts_of(obj))

    @override
    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self.audit(request, "delete", obj, facts_of(obj), None)
        super().delete_model(request, obj)

    @override
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    def audit(
        self,
        request: HttpRequest,
        verb: str,
        obj: Model,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
    ) -> None:
        """Record one change made on these pages."""
        kind = type(obj).__name__.lower()
        record(
            action=f"{kind}.{verb}",
            object_type=kind,
            object_id=str(obj.pk),
            tenant_id=getattr(obj, "tenant_id", None),
            before=before,
            after=after,
            **by(request),
        )


class ServiceAdmin(ModelAdmin):
    """Pages whose saves are a service's: forms show what it refuses, and write nothing themselves.

    What has such a page is never deleted: it is disabled, because work and prices know it.
    """

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


class ReadOnlyAdmin(ModelAdmin):
    """For what nobody may change by hand."""

    actions = None

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def by(request: HttpRequest) -> By:
    """The signed-in person and their address: `create_tenant(name=…, **by(request))`."""
    return {"actor": actor_of(request), "ip": request.META.get("REMOTE_ADDR")}


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person, for the audit log."""
    return request.user if isinstance(request.user, User) else "admin"


def facts_of(obj: Model) -> dict[str, Any]:
    """A row's editable columns as JSON values, without secrets."""
    facts = model_to_dict(obj, exclude=SECRET_FIELDS)
    return {name: _as_json(value) for name, value in facts.items()}


def _as_json(value: Any) -> Any:
    if isinstance(value, list):
        return [str(item) for item in value]
    return value if isinstance(value, bool | int | str | None) else str(value)
