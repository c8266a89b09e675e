"""The app's registration, and the ledger plugged into accounts."""

from django.apps import AppConfig
from typing_extensions import override

from accounts import holdings
from accounts.ledger import Ledger, ledger


class BillingConfig(AppConfig):
    """Prices, the ledger, budgets and usage."""

    name = "billing"
    label = "billing"
    verbose_name = "Billing"

    @override
    def ready(self) -> None:
        ledger.plug_in(_books)
        holdings.plug_in(_holdings)


def _books() -> Ledger:
    from billing import books  # noqa: PLC0415 - a start that needs no ledger loads none

    return books


def _holdings() -> holdings.Holdings:
    from billing import holdings as ours  # noqa: PLC0415 - as above

    return ours
