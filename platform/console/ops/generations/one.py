"""One generation: the reasons for its result, its money, and the actions on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.selectors.office.audit import notes_about
from billing.models import Transfer
from billing.selectors.office.balances import transfers_of
from console.amounts import amount, price
from console.ops.access import POST, Operator, Permission, by, done, rendered, staff
from console.ops.audit_events import history_of
from console.parts.call_bodies import answer_body, as_json, request_body
from console.parts.cells import Fact, fact
from console.parts.entries import LedgerEntry
from console.parts.generation_facts import books_cells, money_facts, origin_facts, request_facts
from console.parts.generation_words import BADGES, steps_of
from console.parts.page_query import meant_by
from console.parts.pictures import checked_pictures, released_of
from generation.catalogue.traffic.errors import readable_words
from generation.models import Attempt, Generation, State
from generation.oversight import support_looks
from generation.oversight.conditions.stalled_work import STALLED_AFTER, TIME_TO_END
from generation.oversight.inspection import Called, called_for
from generation.selectors import generation_for_operator, with_images
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros

LOOKS = "looks"
"""The session's key for when it opened generations' prompts and images."""


@dataclass(frozen=True, slots=True)
class Money:
    """The transfers and costs of a generation; amounts are micros."""

    transfers: Sequence[Transfer]
    called: Called

    @property
    def refunded(self) -> int:
        return self._sum("refund")

    @property
    def refundable(self) -> int:
        return self._sum("capture") - self.refunded

    @property
    def credited(self) -> int:
        """The amount credited for it and not reversed."""
        return self._sum("credit") - self._sum("reversal")

    @property
    def margin(self) -> int:
        """The charge less refunds, costs of its calls and credits, as far as the cost is known."""
        return self.refundable - self.called.known_cost - self.credited

    @property
    def margin_percent(self) -> float | None:
        """The margin in percent of the charge less refunds; None if nothing is left of it."""
        return self.margin * 100 / self.refundable if self.refundable else None

    @property
    def facts(self) -> list[Fact]:
        known, is_unknown = cost_words(self.called), bool(self.called.unknown)
        least = f"{known} and more" if self.called.known_cost else "unknown"
        percent = "" if self.margin_percent is None else f" {self.margin_percent:.0f}%"
        tone = "bad" if self.margin < 0 else ""
        return [
            *([fact("Refunded", amount(self.refunded))] if self.refunded else []),
            *([fact("Credited for it", amount(self.credited))] if self.credited else []),
            fact("Cost", least, tone="warn") if is_unknown else fact("Cost", known),
            fact("Margin", "unknown")
            if is_unknown
            else fact("Margin", amount(self.margin) + percent, tone=tone),
            fact("Refundable", amount(self.refundable)),
        ]

    def _sum(self, kind: str) -> int:
        return sum(transfer.amount for transfer in self.transfers if transfer.kind == kind)


def cost_words(called: Called) -> str:
    """'$0.20 + $0.52 maybe billed': a call without an image may cost nothing."""
    maybe = called.maybe_billed
    sure = Micros(called.known_cost - maybe)
    parts = [price(sure)] if sure or not maybe else []
    return " + ".join([*parts, *([f"{price(maybe)} maybe billed"] if maybe else [])])


@dataclass(frozen=True, slots=True)
class Call:
    """An attempt, its cost (None if unknown), and the vendor's words that staff may read."""

    attempt: Attempt
    cost: Micros | None
    words: str

    @property
    def is_corrected(self) -> bool:
        """True if a vendor's bill changed the booked cost."""
        return self.cost is not None and self.cost != self.attempt.cost_micros

    @property
    def milliseconds(self) -> int | None:
        """The duration of the attempt; None while it goes on."""
        ended = self.attempt.finished_at
        return (
            None
            if ended is None
            else round(1000 * (ended - self.attempt.started_at).total_seconds())
        )


def generation_or_404(public_id: str) -> Generation:
    """Return a generation of any tenant, with its tenant, key and channel. Raises Http404."""
    generation = (
        generation_for_operator(public_id) if ids.parse(ids.GENERATION, public_id) else None
    )
    if generation is None:
        raise Http404
    return generation


@staff(Permission.SEE)
def one(request: HttpRequest, operator: Operator, generation: str) -> HttpResponse:
    """Show attempts, money, times and facts; prompt and images only after an operator's `look`."""
    made = generation_or_404(generation)
    called = called_for([made.id])[made.id]
    attempt_ids = [attempt.id for attempt in called.attempts]
    moved = transfers_of(made.id, tenant_id=made.tenant_id, attempt_ids=attempt_ids)
    money = Money(moved, called)
    context = {
        "made": made,
        "badge": BADGES[State(made.state)],
        "released": released_of(made),
        "calls": [
            Call(attempt, called.costs[attempt.id], readable_words(attempt.detail, made))
            for attempt in called.attempts
        ],
        "money": money,
        "moves": _moves(moved),
        "steps": steps_of(made, called.attempts, moved),
        "paid": [*money_facts(made), *(money.facts if made.livemode else [])],
        "facts": _facts(made),
        "work": _work(made),
        "history": history_of(made.tenant_id, "generation", made.public_id),
        "trouble": _trouble(made, clock.now()),
        "retry": meant_by(request.GET, "retry", lambda word: ids.parse(ids.REQUEST, word) and word),
        **_words(request, made, operator),
    }
    return rendered(request, operator, "ops/generation.html", context)


@staff(Permission.SUPPORT_VIEW, POST)
def look(request: HttpRequest, operator: Operator, generation: str) -> HttpResponse:
    """Show prompt and images to the operator, and record that in the audit log."""
    made = generation_or_404(generation)
    try:
        support_looks.look(generation=made, **by(request, operator))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("ops:generation", made.public_id)
    request.session[LOOKS] = {**_looks(request), made.public_id: clock.now().timestamp()}
    return done(request, "Shown to you for 15 minutes, and logged", "generation", made.public_id)


def _looks(request: HttpRequest) -> dict[str, float]:
    return support_looks.open_looks(request.session.get(LOOKS, {}), now=clock.now())


def _trouble(generation: Generation, now: datetime) -> str:
    """Return the reason why an unfinished generation stands still; empty if it moves."""
    if generation.is_final:
        return ""
    if generation.deadline_at < now - TIME_TO_END:
        return (
            f"Its deadline passed at {generation.deadline_at:%H:%M:%S} UTC, but it has not ended."
        )
    waited = now - generation.created_at
    if generation.state == State.QUEUED and waited > STALLED_AFTER:
        return f"No image worker has taken it for {waited.total_seconds():.0f} s."
    return ""


def _moves(moved: Sequence[Transfer]) -> list[dict[str, object]]:
    """Return the transfers on the tenant's accounts with their notes."""
    of_tenant = [transfer for transfer in moved if transfer.tenant_id is not None]
    notes = notes_about("transfer", [str(transfer.id) for transfer in of_tenant])
    return [
        {"entry": LedgerEntry(transfer), "note": notes.get(str(transfer.id), "")}
        for transfer in of_tenant
    ]


def _facts(made: Generation) -> list[Fact]:
    key = made.api_key
    books = books_cells(made, lambda book: reverse("ops:price_book", args=[book.pk]))
    return [
        fact("Tenant", made.tenant.name, reverse("ops:tenant", args=[made.tenant.public_id])),
        fact("Key", key.name or "Unnamed", f"{reverse('ops:requests')}?q={key.public_id}"),
        fact("Key id", key.public_id, is_code=True),
        *request_facts(made),
        *origin_facts(made, books),
    ]


def _work(made: Generation) -> list[Fact]:
    """What a worker's log needs, to find it there."""
    times = {
        "Started": made.started_at,
        "Deadline": made.deadline_at,
        "Its caller left": made.orphaned_at,
    }
    return [
        fact("UUID", str(made.id), is_code=True),
        fact("Worker", str(made.worker_id or "none")),
        fact("Dispatches", str(made.dispatch)),
        fact("Workers lost with it", str(made.deaths)),
        *([fact("In quarantine with", str(made.quarantine))] if made.quarantine else []),
        *(fact(label, f"{at:%H:%M:%S} UTC") for label, at in times.items() if at),
    ]


def _words(request: HttpRequest, generation: Generation, operator: Operator) -> dict[str, Any]:
    """Return prompt, images and vendors' answers, if the operator has opened them here."""
    may_look = Permission.SUPPORT_VIEW in operator.may
    is_let = support_looks.is_allowed(generation)
    if not (may_look and is_let and generation.public_id in _looks(request)):
        return {"is_shown": False, "is_let": is_let, "may_look": may_look}
    (whole,) = with_images([generation])
    return {
        "is_shown": True,
        "pictures": checked_pictures(whole.images, generation.tenant.image_retention_days),
        "asked": as_json(request_body(generation)),
        "answered": as_json(answer_body(whole)),
    }
