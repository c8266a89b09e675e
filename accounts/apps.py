"""The app's registration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, tenants, memberships, API keys and the audit log."""

    name = "accounts"
    label = "accounts"
    verbose_name = "Accounts"
