"""`manage.py money list|approve|decline`: large sums that await a second person's approval."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, found
from billing.models import MoneyMove
from billing.selectors.office.moves import decided_moves, waiting_moves
from billing.services.office.moves import approve_move, decline_move
from pictor.kit.words import clock, ids
from pictor.kit.words.money import to_decimal

DECIDED = 50


class Command(OperatorCommand):
    help = "Show, approve or decline moves of money that need a second person."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        every = actions.add_parser("list", help="list the moves that await approval")
        every.add_argument(
            "--decided", action="store_true", help="show the last 50 decided moves instead"
        )
        every.add_argument("--json", action="store_true")
        for action, words in (
            ("approve", "book it; somebody other than the requester must do this"),
            ("decline", "decline it"),
        ):
            subparser = actions.add_parser(action, help=words)
            subparser.add_argument("id", help="from `money list`")
            subparser.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "list":
            self._list(options)
            return
        decide = {"approve": approve_move, "decline": decline_move}[options["action"]]
        move_id = found(ids.parse_uuid(options["id"]), f"{options['id']!r} is not the id of a move")
        move = decide(move_id=move_id, actor=ACTOR, now=clock.now())
        state = move.state(clock.now())
        self.tell(options, {**_facts(move), "state": state}, f"{move.tenant.name}: {move} {state}")

    def _list(self, options: dict[str, Any]) -> None:
        now = clock.now()
        if options["decided"]:
            moves = [_ended_facts(move, at, now) for move, at in decided_moves(now, limit=DECIDED)]
        else:
            moves = [_facts(move) for move in waiting_moves(now)]
        empty = "None yet." if options["decided"] else "Nothing waits."
        self.tell_rows(options, moves, [*moves[0]] if moves else (), empty=empty)


def _facts(move: MoneyMove) -> dict[str, str]:
    return {
        "id": str(move.id),
        "tenant": move.tenant.name,
        "kind": move.kind,
        "amount": to_decimal(move.change),
        "asked_by": move.asked_by_name,
        "until": f"{move.expires_at:%Y-%m-%d %H:%M} UTC",
        "words": move.reason,
        "note": move.note,
    }


def _ended_facts(move: MoneyMove, at: datetime, now: datetime) -> dict[str, str]:
    facts = _facts(move)
    del facts["until"]
    return {
        **facts,
        "state": move.state(now),
        "decided_by": move.decided_by_name or "nobody in time",
        "at": f"{at:%Y-%m-%d %H:%M:%S} UTC",
    }
