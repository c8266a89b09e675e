"""`manage.py usage_rebuild`: count hourly usage and daily sales again."""

from typing import Any

from django.core.management.base import BaseCommand
from typing_extensions import override

from generation.oversight import daily_sales
from generation.oversight.usage_recount import recount
from pictor.kit.words import clock


class Command(BaseCommand):
    """Correct wrong rows of usage and sales, while generations are being settled."""

    help = "Recount hourly usage and daily sales."
    requires_system_checks = ()

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        wrong = recount(now=clock.now()) + daily_sales.rebuild()
        self.stdout.write(f"corrected: {wrong}" if wrong else "every row was correct")
