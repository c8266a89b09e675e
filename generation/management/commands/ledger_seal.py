"""`manage.py ledger_seal`: seal a ledger from before the chain of seals, once."""

from typing import Any

from django.core.management.base import CommandError
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand
from billing.services.office.sealing import SealBroken, seal_ledger


class Command(OperatorCommand):
    """Seal every tenant's transfers that are in no chain yet. Safe to run again."""

    help = "Seal entries from before the ledger had a chain of seals."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sealed = seal_ledger(actor=ACTOR)
        except SealBroken as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"sealed {sealed} tenants" if sealed else "everything is sealed")
