"""The project package as an app: its management commands and system checks."""

from django.apps import AppConfig
from typing_extensions import override


class PictorConfig(AppConfig):
    """Registers the checks of settings that must agree with one another."""

    name = "pictor"

    @override
    def ready(self) -> None:
        # Both register themselves: the checks of settings, and the app that tasks are sent with.
        from pictor import celery  # noqa: F401, PLC0415 - only once the apps are ready
        from pictor.kit import checks  # noqa: F401, PLC0415 - as above
