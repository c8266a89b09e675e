"""The console app."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Placeholder: no pages yet."""

    name = "console"
