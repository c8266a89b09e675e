"""API keys, read-only and without a digest. Tenants, and staff at /ops/, change them."""

from django.contrib import admin

from accounts.admin.base import ReadOnlyAdmin
from accounts.models import ApiKey


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """API keys, searched by their visible values; never deleted."""

    list_display = ("visible_prefix", "name", "tenant", "expires_at", "revoked_at", "created_at")
    list_filter = ("is_test", ("revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("visible_prefix", "name", "id", "tenant__name")
    list_select_related = ("tenant",)
    readonly_fields = ("public_id", "visible_prefix", "revoked_at", "created_by", "created_at")
