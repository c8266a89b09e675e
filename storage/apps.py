"""The app's registration; it plugs the data that it keeps of tenants into accounts."""

from django.apps import AppConfig
from typing_extensions import override

from accounts import holdings


class StorageConfig(AppConfig):
    """Stored images, exports, their object keys and their expiry."""

    name = "storage"
    label = "storage"
    verbose_name = "Storage"

    @override
    def ready(self) -> None:
        holdings.plug_in(_holdings)


def _holdings() -> holdings.Holdings:
    from storage import holdings as ours  # noqa: PLC0415 - only where it is asked for

    return ours
