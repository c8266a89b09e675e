"""The project package as an app, and the admin as one: what every process does once it has started.

An operator command starts in a moment because nothing here imports what only servers need: the
admin's pages come with the URL map (urls.py), Celery with whoever serves (asgi.py, celery.py) or
rings for short work (kit/redis/bell.py).
"""

from typing import Any

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin import apps as admin_apps
from django.contrib.admin import checks as admin_checks
from django.core import checks
from typing_extensions import override


class PictorConfig(AppConfig):
    """Registers the checks of settings that must agree with one another."""

    name = "pictor"

    @override
    def ready(self) -> None:
        from pictor.kit.watching import system_checks  # noqa: F401, PLC0415 - registers itself, once apps are ready


class AdminConfig(admin_apps.SimpleAdminConfig):
    """Django's admin in Unfold's clothes, behind a second factor; pages come with the URL map."""

    default = False  # settings.py names it; "pictor" alone means the one above
    default_site = "accounts.sign_in.staff.StaffSite"

    @override
    def ready(self) -> None:
        checks.register(admin_checks.check_dependencies, checks.Tags.admin)
        checks.register(check_pages, checks.Tags.admin)


def check_pages(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Django's own check of the admin, of every page: also where the URL map is not loaded yet."""
    admin.autodiscover()
    return admin_checks.check_admin_app(app_configs, **kwargs)
