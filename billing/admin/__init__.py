"""Prices, balances, the ledger and usage in Django's admin."""

from billing.admin.ledger import TransferAdmin, UsageRollupAdmin
from billing.admin.prices import PriceBookAdmin
