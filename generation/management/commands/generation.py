"""`manage.py generation show|redeliver ID`."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import OperatorCommand, found
from generation.oversight import id_lookup, inspection, interventions
from generation.selectors import generation_for_operator
from pictor.kit.words import ids

ANY_ID = (
    "req_, gen_, img_, key_ or ten_…, a UUID, a transfer's number, an e-mail address, or an"
    " upstream's request id"
)
RETENTION_WORDS = "refused requests are kept for 7 days, and lost if the database crashes"


class Command(OperatorCommand):
    help = "Show a generation, or send its message again."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        show = actions.add_parser("show", help="trace an id, with its tenant")
        show.add_argument("id", help=ANY_ID)
        show.add_argument("--json", action="store_true")
        again = actions.add_parser("redeliver", help="send its message again, in any state")
        again.add_argument("id", help="gen_… or a UUID")

    def _show(self, options: dict[str, Any]) -> None:
        text = options["id"]
        facts = id_lookup.trace(text)
        if facts is None:
            kept = f"; {RETENTION_WORDS}" if ids.parse(ids.REQUEST, text) else ""
            raise CommandError(f"nothing is known about {text!r}{kept}")
        self.tell(options, facts, *inspection.lines(facts))

    def _redeliver(self, options: dict[str, Any]) -> None:
        text = options["id"]
        generation = found(generation_for_operator(text), f"no generation {text!r}")
        interventions.ring_again(generation)
        self.stdout.write(f"{generation.public_id} ({generation.state}): message sent")
