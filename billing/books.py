"""The ledger as accounts asks for it: `accounts.ledger.Ledger`, plugged in by `apps.py`."""

from billing.selectors import available_to, in_flight_of, latest_transfers
from billing.services import adjust, book_payment, credit, open_account, refund, reverse, top_up

__all__ = [
    "adjust",
    "available_to",
    "book_payment",
    "credit",
    "in_flight_of",
    "latest_transfers",
    "open_account",
    "refund",
    "reverse",
    "top_up",
]
