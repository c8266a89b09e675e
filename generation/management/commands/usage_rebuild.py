"""`manage.py usage_rebuild`: usage by the hour, counted again from the generations."""

from typing import Any

from django.core.management.base import BaseCommand
from typing_extensions import override

from billing.services import rebuild_usage
from generation.selectors import ENDED


class Command(BaseCommand):
    """Write the usage rows again. Comes out as they are, unless they were wrong."""

    help = "Count usage by the hour again from the generations that ended."
    requires_system_checks = ()

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"counted {rebuild_usage(ENDED)} rows")
