"""The console app."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Pages over the other apps' services and selectors."""

    name = "console"
