"""People who sign in, read-only; their roles as staff are at /ops/staff/."""

from django.contrib import admin

from accounts.admin.base import ReadOnlyAdmin
from accounts.models import User


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People who sign in."""

    list_display = ("email", "name", "staff_role", "is_active", "email_verified_at")
    list_filter = ("staff_role", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)
    fields = (
        *("email", "name", "staff_role", "is_active", "email_verified_at", "terms_version"),
        *("last_login", "staff_seen_at", "date_joined"),
    )
