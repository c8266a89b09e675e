"""Stored images in Django's admin: to look at, never to change."""

from django.contrib import admin
from django.http import HttpRequest
from typing_extensions import override
from unfold.admin import ModelAdmin

from storage.models import StoredImage


@admin.register(StoredImage)
class StoredImageAdmin(ModelAdmin):  # type: ignore[misc] - unfold is untyped
    """Facts of stored images."""

    list_display = ("object_key", "tenant", "size", "format", "size_bytes", "created_at")
    list_filter = ("format", "created_at")
    list_select_related = ("tenant",)
    search_fields = ("=generation_id", "=object_key")
    ordering = ("-created_at",)
    show_full_result_count = False

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: StoredImage | None = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: StoredImage | None = None) -> bool:
        return False
