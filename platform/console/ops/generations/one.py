"""One generation: why it came out so, whom it cost what, and what can be done about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.audit_log import audit_events_about
from accounts.selectors import notes_about
from billing.models import Transfer
from billing.selectors import books_of, transfers_of
from console.ops.access import May, Operator, by, done, staff
from console.ops.audit_events import told
from console.parts.call_bodies import answered, as_json, asked
from console.parts.entries import Entry
from console.parts.generation_words import BADGES, steps_of
from console.parts.pictures import is_otherwise, picture_of, released_of
from generation.conditions.work import LONGEST_WAIT, TIME_TO_END
from generation.models import Attempt, Generation, State
from generation.oversight import support_looks
from generation.oversight.inspection import Called, called_for
from generation.selectors import generation_for_operator, with_images
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros

HISTORY = 20
"""Of what staff did to it, the newest."""


@dataclass(frozen=True, slots=True)
class Money:
    """What a generation moved. Amounts are micros."""

    transfers: Sequence[Transfer]
    called: Called

    @property
    def refunded(self) -> int:
        """What was given back."""
        return self._sum("refund")

    @property
    def refundable(self) -> int:
        """What was charged and is not refunded."""
        return self._sum("capture") - self.refunded

    @property
    def credited(self) -> int:
        """What was given for it that it never cost, and was not taken back."""
        return self._sum("credit") - self._sum("reversal")

    @property
    def margin(self) -> int:
        """What was charged and not refunded, less what its calls cost and what was credited for it.

        As far as the cost is known.
        """
        return self.refundable - self.called.known_cost - self.credited

    def _sum(self, kind: str) -> int:
        return sum(one.amount for one in self.transfers if one.kind == kind)


@dataclass(frozen=True, slots=True)
class Move:
    """A transfer of the tenant's for it, with what staff noted for themselves."""

    entry: Entry
    note: str


@dataclass(frozen=True, slots=True)
class Call:
    """An attempt, and what it cost; None where nobody knows."""

    attempt: Attempt
    cost: Micros | None

    @property
    def is_corrected(self) -> bool:
        """Whether a vendor's bill changed what was booked."""
        return self.cost is not None and self.cost != self.attempt.cost_micros

    @property
    def milliseconds(self) -> int | None:
        """From its beginning to its end; None while it goes on."""
        ended = self.attempt.finished_at
        return (
            None
            if ended is None
            else round(1000 * (ended - self.attempt.started_at).total_seconds())
        )


def found(public_id: str) -> Generation:
    """That of any tenant, with its tenant, key and channel. Raises Http404."""
    generation = (
        generation_for_operator(public_id) if ids.parse(ids.GENERATION, public_id) else None
    )
    if generation is None:
        raise Http404
    return generation


@staff(May.SEE)
@require_safe
def one(request: HttpRequest, operator: Operator, generation: str) -> HttpResponse:
    """Its attempts, money, times and facts; its words and images for those who say they look."""
    made = found(generation)
    called = called_for([made.id])[made.id]
    attempt_ids = [attempt.id for attempt in called.attempts]
    moved = transfers_of(made.id, tenant_id=made.tenant_id, attempt_ids=attempt_ids)
    events = audit_events_about(made.tenant_id, "generation", made.public_id, limit=HISTORY)
    delivered = (made.answer or {}).get("metadata", {}).get("delivered_sizes", [])
    context = {
        "operator": operator,
        "made": made,
        "badge": BADGES[State(made.state)],
        "delivered": delivered,
        "differs": is_otherwise(made, delivered),
        "released": released_of(made),
        "calls": [Call(attempt, called.costs[attempt.id]) for attempt in called.attempts],
        "money": Money(moved, called),
        "moves": _moves(moved),
        "steps": steps_of(made, called.attempts, moved),
        "books": books_of(made.priced["books"]),
        "history": told(events),
        "trouble": _trouble(made, clock.now()),
        "retry": ids.parse(ids.REQUEST, request.GET.get("retry", "")) and request.GET["retry"],
        **_words(made, operator),
    }
    return render(request, "ops/generation.html", context)


@staff(May.SUPPORT_VIEW, fresh=True)
@require_POST
def look(request: HttpRequest, operator: Operator, generation: str) -> HttpResponse:
    """Show its words and images to the person who asks, and write that down."""
    made = found(generation)
    try:
        support_looks.look(generation=made, **by(request, operator))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("ops:generation", made.public_id)
    return done(request, "Shown to you for 15 minutes, and logged", "generation", made.public_id)


def _trouble(made: Generation, now: datetime) -> str:
    """Why one that has not ended stands still, in a sentence; empty for what goes on."""
    if made.is_final:
        return ""
    if made.deadline_at < now - TIME_TO_END:
        return f"Its deadline was at {made.deadline_at:%H:%M:%S} UTC, and nothing has ended it."
    waited = now - made.created_at
    if made.state == State.QUEUED and waited > LONGEST_WAIT:
        return f"No image worker has taken it for {waited.total_seconds():.0f} s."
    return ""


def _moves(moved: Sequence[Transfer]) -> list[Move]:
    """What moved on the tenant's accounts."""
    of_tenant = [one for one in moved if one.tenant_id is not None]
    notes = notes_about("transfer", [str(one.id) for one in of_tenant])
    return [Move(Entry(one), notes.get(str(one.id), "")) for one in of_tenant]


def _words(made: Generation, operator: Operator) -> dict[str, Any]:
    """Its prompt, its images and what the vendors said, for whoever looks."""
    may_look = May.SUPPORT_VIEW in operator.may
    now = clock.now()
    if not may_look or not support_looks.is_looking(generation=made, person=operator.user, now=now):
        return {"is_shown": False, "is_let": support_looks.is_let(made), "may_look": may_look}
    (whole,) = with_images([made])
    return {
        "is_shown": True,
        "pictures": [picture_of(image) for image in whole.images],
        "asked": as_json(asked(made)),
        "answered": as_json(answered(whole)),
    }
