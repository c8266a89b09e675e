"""The app's registration."""

from django.apps import AppConfig


class StorageConfig(AppConfig):
    """Stored images, their object keys and their expiry."""

    name = "storage"
    label = "storage"
    verbose_name = "Storage"
