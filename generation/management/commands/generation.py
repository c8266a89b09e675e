"""`manage.py generation show|redeliver ID`."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import (
    OperatorCommand,
    say_invalid,
)
from generation.models import Generation
from generation.oversight import id_lookup, inspection, interventions
from generation.selectors import generation_for_operator
from pictor.kit.words import ids

ANY_ID = (
    "req_, gen_, img_, key_ or ten_…, a UUID, a transfer's number, an e-mail address, or an"
    " upstream's request id"
)
RETENTION_WORDS = "refused requests are kept for 7 days, and lost if the database crashes"


class Command(OperatorCommand):
    """Show one generation, or ring its doorbell again."""

    help = "Show a generation, or send its message again."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        show = actions.add_parser("show", help="trace an id, with its tenant")
        show.add_argument("id", help=ANY_ID)
        show.add_argument("--json", action="store_true")
        again = actions.add_parser("redeliver", help="send its message again, in any state")
        again.add_argument("id", help="gen_… or a UUID")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "show":
            self._show(options["id"], as_json=options["json"])
            return
        generation = generation_for_operator(options["id"])
        if generation is None:
            raise CommandError(f"no generation {options['id']!r}")
        try:
            self._redeliver(generation)
        except ValidationError as error:
            raise say_invalid(error) from None

    def _show(self, text: str, *, as_json: bool) -> None:
        facts = id_lookup.trace(text)
        if facts is None:
            kept = f"; {RETENTION_WORDS}" if ids.parse(ids.REQUEST, text) else ""
            raise CommandError(f"nothing is known about {text!r}{kept}")
        if as_json:
            self.stdout.write(json.dumps(facts))
            return
        for line in inspection.lines(facts):
            self.stdout.write(line)

    def _redeliver(self, generation: Generation) -> None:
        interventions.ring_again(generation)
        self.stdout.write(f"{generation.public_id} ({generation.state}): message sent")
