"""Stored images in Django's admin, read-only."""

from django.contrib import admin
from django.db.models import Q
from typing_extensions import override

from accounts.admin import NEWEST, LargeAdmin, MadeFilter, words_filter
from pictor.kit.words import ids
from storage.models import StoredImage


@admin.register(StoredImage)
class StoredImageAdmin(LargeAdmin):
    """Facts of stored images, newest first."""

    list_display = ("object_key", "tenant", "size", "format", "size_bytes", "created_at")
    list_filter = (words_filter("format", "png", "jpeg", "webp"), MadeFilter)
    list_select_related = ("tenant",)
    search_help_text = f"the id of a generation or an image, or an object's key; {NEWEST}"

    @override
    def search_condition(self, text: str) -> Q:
        image_id = ids.parse(ids.IMAGE, text)
        if image_id is not None:
            return Q(pk=image_id)
        generation_id = ids.parse_either(ids.GENERATION, text)
        if generation_id is not None:
            return Q(generation_id=generation_id)
        return Q(object_key=text)
