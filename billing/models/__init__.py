"""The ledger, budgets, prices and usage. Amounts are whole micro-USD."""

from billing.models.alerts import BalanceAlert, BudgetWarning, WorkspaceBudgetWarning
from billing.models.ledger import Account, KeyBudget, TenantBalance, Transfer
from billing.models.moves import (
    CHECKOUT_LASTS,
    MoneyMove,
    Payment,
    PaymentCustomer,
    PaymentDispute,
    PaymentMovement,
    ProviderEvent,
)
from billing.models.prices import (
    Price,
    PriceBook,
    PriceBookWithdrawal,
    PriceList,
    PriceListAssignment,
)
from billing.models.proofs import LedgerCheckpoint, LedgerHead, LedgerProof
from billing.models.sold import FIGURES, SoldDay, SoldRow, SoldUntil
from billing.models.usage import FailureRollup, UnchargedCost, UsageRollup
