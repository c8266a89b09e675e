"""`manage.py generation show|redeliver ID`."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from generation import inspection, notify
from generation.models import Generation
from generation.notify import Ring
from generation.selectors import generation_for_operator


class Command(BaseCommand):
    """Look at one generation, or ring its doorbell again."""

    help = "Show a generation with all its parts, or send its message again."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        show = actions.add_parser("show", help="all that is known of it")
        show.add_argument("id", help="gen_… or a UUID")
        show.add_argument("--json", action="store_true")
        again = actions.add_parser("redeliver", help="send its message again, whatever its state")
        again.add_argument("id", help="gen_… or a UUID")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        generation = generation_for_operator(options["id"])
        if generation is None:
            raise CommandError(f"no generation {options['id']!r}")
        if options["action"] == "show":
            self._show(generation, as_json=options["json"])
        else:
            self._redeliver(generation)

    def _show(self, generation: Generation, *, as_json: bool) -> None:
        described = inspection.describe(generation)
        if as_json:
            self.stdout.write(json.dumps(described))
            return
        for line in inspection.lines(described):
            self.stdout.write(line)

    def _redeliver(self, generation: Generation) -> None:
        if not notify.ring(Ring.of(generation)):
            raise CommandError("the broker did not take the message")
        self.stdout.write(f"{generation.public_id} ({generation.state}): message sent")
