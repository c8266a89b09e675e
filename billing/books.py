"""The ledger that accounts uses: `accounts.ledger.Ledger`, plugged in by `apps.py`."""

from billing.selectors import available_to, in_flight_of, latest_transfers
from billing.services import (
    credit,
    give_price_list,
    move_money,
    open_account,
    reversible,
    top_up,
)

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
