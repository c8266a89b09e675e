"""The console app: the pages over what the other apps know."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Templates, static files and views; no models."""

    name = "console"
