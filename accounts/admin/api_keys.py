"""API keys: each is shown once, when it is made; nothing here shows or takes a digest."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from typing_extensions import override

from accounts.admin.asking import asked
from accounts.admin.base import ServiceAdmin, by
from accounts.admin.key_forms import ApiKeyForm
from accounts.admin.money import DollarForms
from accounts.models import ApiKey
from accounts.services import change_api_key, issue_api_key, revoke_api_key, rules_of
from pictor.kit import clock


@admin.register(ApiKey)
class ApiKeyAdmin(DollarForms, ServiceAdmin):
    """API keys: made here, shown once, then changed or revoked; never deleted."""

    form = ApiKeyForm
    list_display = ("visible_prefix", "name", "tenant", "expires_at", "revoked_at", "created_at")
    list_filter = ("is_test", ("revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("visible_prefix", "name", "id", "tenant__name")
    list_select_related = ("tenant",)
    autocomplete_fields = ("tenant",)
    actions = ("revoke",)
    readonly_fields = ("public_id", "visible_prefix", "revoked_at", "created_by", "created_at")

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A key never moves to another tenant, nor from test to live."""
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else (*fields, "tenant", "is_test")

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        # A form's empty list means "every"; stored, it would mean "none".
        obj.allowed_models = obj.allowed_models or None
        obj.ip_ranges = obj.ip_ranges or None
        if change:
            key = self.get_queryset(request).get(pk=obj.pk)
            change_api_key(key=key, name=obj.name, rules=rules_of(obj), **by(request))
        else:
            key, plaintext = issue_api_key(
                tenant=obj.tenant,
                name=obj.name,
                rules=rules_of(obj),
                is_test=obj.is_test,
                **by(request),
            )
            obj.plaintext = plaintext  # for the answer to this request alone, see response_add
        obj.pk = key.pk
        obj.refresh_from_db()

    @override
    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The page that shows the new key: in no cookie, address or cache, and never again."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"The new key of {obj.tenant.name}",
            "plaintext": obj.plaintext,
            "key": obj,
            "opts": self.opts,
        }
        page = TemplateResponse(request, "accounts/new_api_key.html", context)
        page["Cache-Control"] = "no-store"
        return page

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        """End the selected keys at once, once they have been looked at."""
        named = [
            f"{key.tenant}: {key.name or 'unnamed'}, {key.visible_prefix}…" for key in queryset
        ]
        if page := asked(
            self,
            request,
            title=f"Revoke {len(named)} keys?" if len(named) > 1 else "Revoke this key?",
            groups=[("Programs with these keys stop at once:", named)],
            note="There is no way back.",
        ):
            return page
        for key in queryset:
            revoke_api_key(key=key, now=clock.now(), **by(request))
        messages.success(request, "Revoked. Work in flight still ends and is charged.")
        return None
