"""The app's registration; its office plugs the mail to owners into the audit log."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.apps import AppConfig
from typing_extensions import override

if TYPE_CHECKING:
    from accounts.models import AuditEvent


class AccountsConfig(AppConfig):
    """Users, tenants, memberships, API keys and the audit log."""

    name = "accounts"
    label = "accounts"
    verbose_name = "Accounts"

    @override
    def ready(self) -> None:
        from accounts.services import audit  # noqa: PLC0415 - needs the models
        from accounts.sign_in import signals  # noqa: PLC0415 - as above

        signals.connect()
        audit.mail_owners.plug_in(_mail_owners)


def _mail_owners() -> "Callable[[AuditEvent], None]":
    from accounts.services.office import owner_mail  # noqa: PLC0415 - only where staff acted

    return owner_mail.mail_owners
