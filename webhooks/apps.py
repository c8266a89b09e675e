"""The app's registration; it plugs the data that it keeps of tenants into accounts."""

from django.apps import AppConfig
from typing_extensions import override

from accounts import holdings


class WebhooksConfig(AppConfig):
    """Tenants' endpoints, events, and each delivery."""

    name = "webhooks"
    label = "webhooks"
    verbose_name = "Webhooks"

    @override
    def ready(self) -> None:
        holdings.plug_in(_holdings)


def _holdings() -> holdings.Holdings:
    from webhooks import holdings as ours  # noqa: PLC0415 - only to export or erase

    return ours
