"""Stored images in Django's admin: to look at, never to change."""

from django.contrib import admin

from accounts.admin import ReadOnlyAdmin
from storage.models import StoredImage


@admin.register(StoredImage)
class StoredImageAdmin(ReadOnlyAdmin):
    """Facts of stored images."""

    list_display = ("object_key", "tenant", "size", "format", "size_bytes", "created_at")
    list_filter = ("format", "created_at")
    list_select_related = ("tenant",)
    search_fields = ("=generation_id", "=object_key")
    ordering = ("-created_at",)
    show_full_result_count = False
