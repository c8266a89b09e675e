"""The app's registration; it plugs its answers into accounts, billing and webhooks."""

from django.apps import AppConfig
from typing_extensions import override

from accounts import holdings
from accounts.duties import Duties, duties
from accounts.offer import Offer, offer
from billing.supply import Supply, supply
from webhooks.contents import Contents, contents


class GenerationConfig(AppConfig):
    """One request's journey: admission, dispatch, storage, settlement."""

    name = "generation"

    @override
    def ready(self) -> None:
        offer.plug_in(_offer)
        supply.plug_in(_supply)
        holdings.plug_in(_holdings)
        duties.plug_in(_duties)
        contents.plug_in(_event_contents)


def _offer() -> Offer:
    from generation.catalogue import offer as offered  # noqa: PLC0415 - only where it is asked for

    return offered


def _supply() -> Supply:
    from generation.catalogue import offer as offered  # noqa: PLC0415 - only where prices change

    return offered


def _holdings() -> holdings.Holdings:
    from generation.tenants import holdings as ours  # noqa: PLC0415 - only to export or erase

    return ours


def _duties() -> Duties:
    from generation.oversight.alerts import former_staff  # noqa: PLC0415 - only where staff leave

    return former_staff


def _event_contents() -> Contents:
    from generation.api import event_data  # noqa: PLC0415 - needed where webhooks are sent

    return event_data
