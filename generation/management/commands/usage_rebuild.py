"""`manage.py usage_rebuild`: usage by the hour and what was sold by the day, counted again."""

from typing import Any

from django.core.management.base import BaseCommand
from typing_extensions import override

from generation.oversight.ledger import selling
from generation.oversight.recounting import recount
from pictor.kit.words import clock


class Command(BaseCommand):
    """Put usage rows right that are wrong, while generations are settled, and what was sold."""

    help = "Count again what was used by the hour and sold by the day."
    requires_system_checks = ()

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        wrong = recount(now=clock.now()) + selling.rebuild()
        self.stdout.write(f"put right: {wrong}" if wrong else "every row was right")
