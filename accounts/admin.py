"""Users, tenants, members, keys and the audit log in Django's admin.

Every change is audited. A key is shown once, when it is made; nothing here shows or takes a digest.
"""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Model, QuerySet
from django.forms.models import model_to_dict
from django.http import HttpRequest
from typing_extensions import override
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import ApiKey, AuditEvent, Membership, Tenant, User
from accounts.services import KeyRules, issue_api_key, record, revoke_api_key
from pictor.kit import clock
from pictor.kit.money import Micros

if TYPE_CHECKING:
    _UserAdmin = DjangoUserAdmin[User]
else:
    _UserAdmin = DjangoUserAdmin  # generic for the type checker alone

SECRET_FIELDS = frozenset({"password", "digest"})
"""Never in an audit event, whatever the model."""


class AuditedAdmin(ModelAdmin):
    """A model admin whose saves and deletions leave an audit event with before and after."""

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
        tenant_id = obj.pk if isinstance(obj, Tenant) else getattr(obj, "tenant_id", None)
        record(
            actor=actor_of(request),
            action=f"{kind}.{verb}",
            object_type=kind,
            object_id=str(obj.pk),
            tenant_id=tenant_id,
            before=before,
            after=after,
            ip=request.META.get("REMOTE_ADDR"),
        )


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


def actor_of(request: HttpRequest) -> User | str:
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


class _NewUserForm(UserCreationForm):
    class Meta:
        model = User
        fields = ("email",)


class _UserForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"


@admin.register(User)
class UserAdmin(AuditedAdmin, _UserAdmin):
    """People who sign in."""

    form = _UserForm
    add_form = _NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "is_staff", "is_active", "email_verified_at")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "email_verified_at")}),
        (
            "Permissions",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)


class _MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Tenant)
class TenantAdmin(AuditedAdmin):
    """Tenants and their limits. Money is moved by `manage.py tenant credit`."""

    list_display = ("name", "status", "requests_per_minute", "max_in_flight", "created_at")
    list_filter = ("status",)
    search_fields = ("name", "id")
    readonly_fields = ("public_id", "created_at")
    inlines = (_MembershipInline,)

    @override
    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        for member in formset.new_objects:
            self.audit(request, "add", member, None, facts_of(member))
        for member, changed in formset.changed_objects:
            before = {name: _initial(formset, member, name) for name in changed}
            self.audit(request, "change", member, before, facts_of(member))
        for member in formset.deleted_objects:
            self.audit(request, "delete", member, facts_of(member), None)

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def _initial(formset: Any, obj: Model, name: str) -> Any:
    """What a changed field of a formset's row was before."""
    form = next(form for form in formset.initial_forms if form.instance.pk == obj.pk)
    return _as_json(form.initial.get(name))


@admin.register(ApiKey)
class ApiKeyAdmin(AuditedAdmin):
    """API keys: made here, shown once, then narrowed or revoked; never deleted."""

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
    def save_model(
        self, request: HttpRequest, obj: Any, form: "forms.ModelForm[Any]", change: bool
    ) -> None:
        # A form's empty list means "every"; stored, it would mean "none".
        obj.allowed_models = obj.allowed_models or None
        obj.ip_ranges = obj.ip_ranges or None
        if change:
            super().save_model(request, obj, form, change)
            return
        key, plaintext = issue_api_key(
            tenant=obj.tenant,
            name=obj.name,
            actor=actor_of(request),
            rules=_rules_of(obj),
            is_test=obj.is_test,
            ip=request.META.get("REMOTE_ADDR"),
        )
        obj.pk = key.pk
        obj.refresh_from_db()
        messages.warning(request, f"The new key, shown only now: {plaintext}")

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """End the selected keys at once."""
        for key in queryset:
            revoke_api_key(
                key=key,
                actor=actor_of(request),
                now=clock.now(),
                ip=request.META.get("REMOTE_ADDR"),
            )
        messages.success(request, "Revoked. Work in flight still ends and is charged.")


def _rules_of(key: ApiKey) -> KeyRules:
    return KeyRules(
        scopes=key.scopes,
        models=key.allowed_models,
        ip_ranges=key.ip_ranges,
        expires_at=key.expires_at,
        requests_per_minute=key.requests_per_minute,
        images_per_minute=key.images_per_minute,
        max_in_flight=key.max_in_flight,
        budget_day=None if key.budget_day_micros is None else Micros(key.budget_day_micros),
        budget_month=None if key.budget_month_micros is None else Micros(key.budget_month_micros),
        default_response_format=key.default_response_format,
    )


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """The audit log, newest first."""

    list_display = ("at", "actor_name", "action", "object_type", "object_id", "tenant", "ip")
    list_filter = ("action", "at")
    search_fields = ("actor_name", "object_id", "tenant__name")
    list_select_related = ("tenant",)
    ordering = ("-id",)
