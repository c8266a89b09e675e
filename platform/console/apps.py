"""The console app: pages over the data of the other apps."""

from django.apps import AppConfig
from typing_extensions import override

from storage import lists as listing


class ConsoleConfig(AppConfig):
    """Templates, static files and views; no models."""

    name = "console"

    @override
    def ready(self) -> None:
        listing.lists.plug_in(_lists)


def _lists() -> listing.Lists:
    from console.workspace.exports import lists  # noqa: PLC0415 - only where one is written

    return lists
