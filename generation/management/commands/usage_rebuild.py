"""`manage.py usage_rebuild`: usage by the hour, counted again from the generations."""

from typing import Any

from django.core.management.base import BaseCommand
from typing_extensions import override

from generation.recounting import recount
from pictor.kit import clock


class Command(BaseCommand):
    """Put usage rows right that are wrong, while generations are settled."""

    help = "Count usage by the hour again from the generations that ended."
    requires_system_checks = ()

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        wrong = recount(now=clock.now())
        self.stdout.write(f"put right: {wrong}" if wrong else "every row was right")
