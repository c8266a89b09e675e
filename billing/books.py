"""The ledger that accounts uses: `accounts.ledger.Ledger`, plugged in by `apps.py`."""

from billing.selectors.office.balances import available_to, in_flight_of, latest_transfers
from billing.services.office.accounts import credit, open_account, reversible, top_up
from billing.services.office.moves import move_money
from billing.services.office.price_lists import give_price_list

__all__ = [
    "available_to",
    "credit",
    "give_price_list",
    "in_flight_of",
    "latest_transfers",
    "move_money",
    "open_account",
    "reversible",
    "top_up",
]
