"""The app's registration."""

from django.apps import AppConfig
from typing_extensions import override


class AccountsConfig(AppConfig):
    """Users, tenants, memberships, API keys and the audit log."""

    name = "accounts"
    label = "accounts"
    verbose_name = "Accounts"

    @override
    def ready(self) -> None:
        from accounts.sign_in import signals  # noqa: PLC0415 - needs the models

        signals.connect()
