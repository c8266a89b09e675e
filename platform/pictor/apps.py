"""App configurations of the project package and of the admin, which every process loads.

They import nothing that only servers need, so operator commands start quickly. The admin's pages
come with the URL map (urls.py), and Celery with the workers (celery.py) or the first bell
(kit/redis/bell.py).
"""

from typing import Any

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin import apps as admin_apps
from django.contrib.admin import checks as admin_checks
from django.core import checks
from typing_extensions import override


class PictorConfig(AppConfig):
    """Registers the checks of settings that must agree with each other."""

    name = "pictor"

    @override
    def ready(self) -> None:
        from pictor.kit.watching import system_checks  # noqa: F401, PLC0415 - registers itself, once apps are ready


class AdminConfig(admin_apps.SimpleAdminConfig):
    """Django's admin with Unfold's theme and a second factor; its pages load with the URL map."""

    default = False  # settings.py names it; plain "pictor" means the class above
    default_site = "accounts.sign_in.staff.StaffSite"

    @override
    def ready(self) -> None:
        checks.register(admin_checks.check_dependencies, checks.Tags.admin)
        checks.register(check_pages, checks.Tags.admin)


def check_pages(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Run Django's check on all pages of the admin, even before the URL map is loaded."""
    admin.autodiscover()
    return admin_checks.check_admin_app(app_configs, **kwargs)
