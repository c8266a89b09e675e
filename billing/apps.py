"""The app's registration."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Prices, the ledger, budgets and usage."""

    name = "billing"
    label = "billing"
    verbose_name = "Billing"
