"""`manage.py start all|MODEL|TENANT`: end a stop."""

from typing import Any

from django.core.management.base import CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand
from generation.catalogue.services.stop_switch import start, stoppable
from pictor.kit.words import clock


class Command(OperatorCommand):
    help = "Resume what was stopped."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", help="all, a model, or a tenant's name or id")
        parser.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        ended = start(what=stoppable(options["what"]), now=clock.now(), actor=ACTOR)
        since = ended.began_at.isoformat(timespec="seconds")
        facts = {"what": ended.name, "was_stopped_since": since}
        self.tell(options, facts, f"{facts['what']} has resumed; it was stopped since {since}")
