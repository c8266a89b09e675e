"""People who sign in. Every change is a service's, with the service's audit event."""

import copy
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from typing_extensions import override
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.admin.base import ServiceAdmin, by, said_where_refused
from accounts.models import User
from accounts.services import By, Person, change_user, create_user, delete_user, set_password

if TYPE_CHECKING:
    _UserAdmin = DjangoUserAdmin[User]
else:
    _UserAdmin = DjangoUserAdmin  # generic for the type checker alone

ABOUT = ("email", "name", "email_verified_at", "is_active", "is_staff", "is_superuser")


RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


class _NewUserForm(UserCreationForm):
    class Meta:
        model = User
        fields = ("email",)


class _UserForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"


class _PasswordForm(AdminPasswordChangeForm):
    """Django's form, saved by the service."""

    def __init__(self, *args: Any, who: By, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._who = who

    @override
    def save(self, commit: bool = True) -> User:
        set_password(user=self.user, password=_password_of(self), **self._who)
        return self.user  # type: ignore[no-any-return]  # unfold's form is untyped


@admin.register(User)
class UserAdmin(ServiceAdmin, _UserAdmin):
    """People who sign in."""

    form = _UserForm
    add_form = _NewUserForm
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

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Only superusers say who may use the admin, and for what."""
        fields = super().get_readonly_fields(request, obj)
        return fields if getattr(request.user, "is_superuser", False) else (*fields, *RIGHTS)

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff are changed by superusers alone."""
        is_lower = obj is None or not obj.is_staff or getattr(request.user, "is_superuser", False)
        return bool(is_lower and super().has_change_permission(request, obj))

    @override
    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:  # type: ignore[override]  # its pages are of users
        """People can be forgotten, unlike what work and prices know; but not by themselves."""
        is_lower = obj is None or self.has_change_permission(request, obj)
        may = _UserAdmin.has_delete_permission(self, request, obj)
        return obj != request.user and is_lower and may

    @override
    def save_form(self, request: HttpRequest, form: Any, change: bool) -> User:
        return form.instance  # type: ignore[no-any-return]  # any model's form

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            user = create_user(email=obj.email, password=_password_of(form), **by(request))
            obj.pk = user.pk
            return
        change_user(
            user=self.get_queryset(request).get(pk=obj.pk),
            person=Person(**{name: getattr(obj, name) for name in ABOUT}),
            groups=form.cleaned_data.get("groups", ()),
            permissions=form.cleaned_data.get("user_permissions", ()),
            **by(request),
        )

    @override
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Groups and permissions are saved with the person."""

    @override
    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        if isinstance(obj, User):
            delete_user(user=obj, **by(request))

    @override
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            delete_user(user=user, **by(request))

    @override
    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Django's page, by a copy of this one whose form knows who asks."""
        page = copy.copy(self)
        page.change_password_form = partial(_PasswordForm, who=by(request))
        view = super(UserAdmin, page).user_change_password
        return said_where_refused(request, view, id, form_url)


def _password_of(form: Any) -> str | None:
    """What was typed; None where the person is to have no password."""
    if not form.cleaned_data.get("set_usable_password", True):
        return None
    return str(form.cleaned_data["password1"])
