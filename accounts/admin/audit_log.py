"""The audit log in Django's admin."""

from django.contrib import admin

from accounts.admin.base import ReadOnlyAdmin
from accounts.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """The audit log, newest first."""

    list_display = ("at", "actor_name", "action", "object_type", "object_id", "tenant", "ip")
    list_filter = ("action", "at")
    search_fields = ("actor_name", "object_id", "tenant__name")
    list_select_related = ("tenant",)
    readonly_fields = ("at",)
    ordering = ("-id",)
