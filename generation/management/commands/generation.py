"""`manage.py generation show|redeliver|refund|credit|cancel|fail ID`, and `outage`."""

import json
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import (
    ACTOR,
    UNASKED,
    OperatorCommand,
    ask,
    ask_for,
    check_reason,
    print_table,
    read_amount,
    read_time,
    read_why,
    say_invalid,
)
from billing.models import MoneyMove
from billing.selectors import available_after, charge_sums_of
from billing.services import needs_another
from generation.channels.errors import AttemptClass
from generation.models import Generation
from generation.oversight import compensation, id_lookup, inspection, interventions
from generation.oversight.compensation import Gift, Giver
from generation.oversight.outages import Credited, Outage, bulk_of, credit_all, hit_by
from generation.selectors import generation_for_operator
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros, to_decimal

ANY_ID = (
    "req_, gen_, img_, key_ or ten_…, a UUID, a transfer's number, an e-mail address, or an"
    " upstream's request id"
)
AMOUNTS = {
    "refund": "a part; default: all",
    "credit": "default: its quote",
}
RETENTION_WORDS = "refused requests are kept for 7 days, and lost if the database crashes"


class Command(OperatorCommand):
    """Show one generation, ring its doorbell again, refund or credit it, or end it."""

    help = "Show a generation, send its message again, refund, credit or end it."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        show = actions.add_parser("show", help="trace an id, with its tenant")
        show.add_argument("id", help=ANY_ID)
        show.add_argument("--json", action="store_true")
        again = actions.add_parser("redeliver", help="send its message again, in any state")
        again.add_argument("id", help="gen_… or a UUID")
        _add_outage(actions)
        for action, words in (
            ("refund", "refund it, in full or in part"),
            ("credit", "credit one that failed, uncharged"),
            ("cancel", "cancel it before a worker takes it"),
            ("fail", "end it as failed, uncharged, even during a call"),
        ):
            change = actions.add_parser(action, help=words)
            change.add_argument("id", help="gen_… or a UUID, or its request's req_…")
            if action in AMOUNTS:
                change.add_argument("--amount", metavar="USD", help=AMOUNTS[action])
                change.add_argument(
                    "--yes", action="store_true", help="do not ask about large amounts"
                )
            change.add_argument("--reason", required=True, metavar="TEXT")
            if action in AMOUNTS:
                change.add_argument("--words", default="", metavar="TEXT", help="the tenant's")
            change.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "show":
            self._show(options["id"], as_json=options["json"])
            return
        if options["action"] == "outage":
            try:
                self._outage(options)
            except ValidationError as error:
                raise say_invalid(error) from None
            return
        generation = generation_for_operator(options["id"])
        if generation is None:
            raise CommandError(f"no generation {options['id']!r}")
        try:
            self._handle(generation, options)
        except ValidationError as error:
            raise say_invalid(error) from None

    def _handle(self, generation: Generation, options: dict[str, Any]) -> None:
        match options["action"]:
            case "redeliver":
                self._redeliver(generation)
            case action:
                check_reason(options["reason"])
                change = {
                    "refund": self._refund,
                    "credit": self._credit,
                    "cancel": self._cancel,
                    "fail": self._fail,
                }
                change[action](generation, options)

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

    def _refund(self, generation: Generation, options: dict[str, Any]) -> None:
        sums = charge_sums_of([generation.id], tenants=[generation.tenant_id])
        gift = self._gift(generation, options, usual=sums[generation.id].left)
        self._give(compensation.refund, generation, gift, "refunded", options)

    def _credit(self, generation: Generation, options: dict[str, Any]) -> None:
        gift = self._gift(generation, options, usual=Micros(generation.held_micros))
        self._give(compensation.credit, generation, gift, "credited", options)

    def _gift(self, generation: Generation, options: dict[str, Any], *, usual: Micros) -> Gift:
        """The named amount, or the usual one; a large one is confirmed."""
        amount = usual if options["amount"] is None else read_amount(options["amount"])
        if amount > UNASKED and not options["yes"]:
            verb = options["action"].capitalize()
            question = f"{verb} {to_decimal(amount)} USD of {generation.public_id}?"
            ask(self.aside(options), question)
        words, note = read_why(options)
        return Gift(amount, words, note)

    def _give(
        self,
        give: Callable[..., MoneyMove],
        generation: Generation,
        gift: Gift,
        verb: str,
        options: dict[str, Any],
    ) -> None:
        giver, now = Giver(ACTOR), clock.now()
        move = give(once=ids.new_uuid(), generation=generation, gift=gift, giver=giver, now=now)
        amount, facts = to_decimal(gift.amount), {"generation": generation.public_id}
        if move.transfer_id is None:
            until = f"{move.expires_at:%Y-%m-%d %H:%M} UTC"
            self.tell(
                options,
                {**facts, "waits": str(move.id), "until": until},
                f"{generation.public_id}: {amount} USD wait until {until} for another person: money"
                f" approve {move.id}",
            )
            return
        after = available_after(move.transfer_id)
        self.tell(
            options,
            {**facts, verb: amount, "available": to_decimal(after)},
            f"{generation.public_id}: {amount} USD {verb}; {generation.tenant.name} has"
            f" {to_decimal(after)} available, where it had"
            f" {to_decimal(Micros(after - gift.amount))}",
        )

    def _outage(self, options: dict[str, Any]) -> None:
        outage = Outage(
            since=read_time(options["since"]),
            until=read_time(options["until"]),
            model=options["model"],
            channel=options["channel"],
            attempt_class=options["attempt_class"],
        )
        each = None if options["each"] is None else read_amount(options["each"])
        words, note = read_why(options)
        giver, now = Giver(ACTOR), clock.now()
        hits = hit_by(outage, now=now)
        due = [hit for hit in hits if hit.due(each)]
        total = Micros(sum(hit.due(each) for hit in due))
        rows = [["tenant", "failed", "quoted", "credit"]]
        rows += [
            [hit.tenant.name, str(hit.failed), to_decimal(hit.quoted), to_decimal(hit.due(each))]
            for hit in hits
        ]
        aside = self.aside(options)
        print_table(aside, rows)
        if due and not options["yes"]:
            is_large = needs_another(bulk_of(hits, each))
            waits = ", each once another person approves it" if is_large else ""
            question = (
                f"Credit {to_decimal(total)} USD to {len(due)} tenants{waits}? Type their number:"
            )
            if ask_for(aside, question) != str(len(due)):
                raise CommandError("Nothing was changed.")
        done = credit_all(
            once=ids.new_uuid(), outage=outage, hits=hits, each=each, words=words, note=note,
            giver=giver, now=now,
        )  # fmt: skip
        self.tell(
            options, [_credit_facts(credit) for credit in done], *(_line(credit) for credit in done)
        )

    def _cancel(self, generation: Generation, options: dict[str, Any]) -> None:
        released = interventions.cancel(
            generation=generation, reason=options["reason"], actor=ACTOR, now=clock.now()
        )
        self._tell_end(generation, "canceled", released, [], as_json=options["json"])

    def _fail(self, generation: Generation, options: dict[str, Any]) -> None:
        ended = interventions.end_as_failed(
            generation=generation, reason=options["reason"], actor=ACTOR, now=clock.now()
        )
        may_bill = [
            (call.channel, None if call.cost is None else to_decimal(call.cost))
            for call in ended.may_bill
        ]
        self._tell_end(generation, "failed", ended.released, may_bill, as_json=options["json"])

    def _tell_end(
        self,
        generation: Generation,
        state: str,
        released: Micros,
        may_bill: list[tuple[str, str | None]],
        *,
        as_json: bool,
    ) -> None:
        facts = {"generation": generation.public_id, "state": state}
        if as_json:
            channels = [{"channel": channel, "cost": cost} for channel, cost in may_bill]
            row = {**facts, "released": to_decimal(released), "may_bill": channels}
            self.stdout.write(json.dumps(row))
            return
        calls = "".join(
            f"; {channel} may still bill {f'{cost} USD' if cost else 'nobody knows how much'}"
            for channel, cost in may_bill
        )
        self.stdout.write(
            f"{generation.public_id}: {state}, {to_decimal(released)} USD released{calls}"
        )


def _add_outage(actions: Any) -> None:
    outage = actions.add_parser(
        "outage", help="credit every tenant whose requests failed through a fault of the service"
    )
    outage.add_argument("--from", dest="since", required=True, metavar="TIME")
    outage.add_argument("--to", dest="until", required=True, metavar="TIME", help="24 h at most")
    outage.add_argument("--model", default="", metavar="NAME")
    outage.add_argument("--channel", default="", metavar="NAME", help="a channel that was called")
    outage.add_argument("--class", dest="attempt_class", default="", choices=("", *AttemptClass))
    outage.add_argument("--each", metavar="USD", help="default: the quotes of its requests")
    outage.add_argument("--reason", required=True, metavar="TEXT", help="a note for staff only")
    outage.add_argument("--words", default="", metavar="TEXT", help="the tenants'")
    outage.add_argument("--yes", action="store_true", help="do not ask")
    outage.add_argument("--json", action="store_true")


def _credit_facts(credited: Credited) -> dict[str, Any]:
    return {
        "tenant": credited.hit.tenant.public_id,
        "name": credited.hit.tenant.name,
        "failed": credited.hit.failed,
        "credited": to_decimal(credited.amount),
        "waits": credited.waits,
        "refusal": credited.refusal,
    }


def _line(credited: Credited) -> str:
    amount = to_decimal(credited.amount)
    if credited.refusal:
        return f"{credited.hit.tenant.name}: {credited.refusal}"
    what = "wait for another person" if credited.waits else "credited"
    return f"{credited.hit.tenant.name}: {amount} USD {what}"
