"""The app's registration, and what it keeps of tenants plugged into accounts."""

from django.apps import AppConfig
from typing_extensions import override

from accounts import holdings


class WebhooksConfig(AppConfig):
    """Endpoints of tenants, the events they are told of, and each delivery."""

    name = "webhooks"
    label = "webhooks"
    verbose_name = "Webhooks"

    @override
    def ready(self) -> None:
        holdings.plug_in(_holdings)


def _holdings() -> holdings.Holdings:
    from webhooks import holdings as ours  # noqa: PLC0415 - only to export or erase

    return ours
