"""Refunds in bulk: of ticked generations, or of all in a filtered list, at most 500."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID, uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from billing.selectors import charge_sums_of
from billing.services import why_it_waits
from console.ops.access import Operator, Permission, staff
from console.ops.generations.giving import MAX_CHARACTERS, giver_of
from console.ops.generations.seeking import filters_of
from console.parts.form_fields import ConfirmationInput, dressed
from generation.models import Generation, State
from generation.oversight.compensation import refund_each
from generation.oversight.searching import page_across
from generation.selectors import generations_among
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros

MAX_AT_ONCE = 500


class BulkForm(forms.Form):
    """The reason, and the number of generations, typed; `once` is set when the form is shown."""

    once = forms.UUIDField(widget=forms.HiddenInput)
    note = forms.CharField(label="Note for staff", max_length=MAX_CHARACTERS)
    words = forms.CharField(
        label="Words for the customers", max_length=MAX_CHARACTERS, required=False
    )
    number = forms.IntegerField(
        label="Type the number of generations",
        min_value=0,
        widget=ConfirmationInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, data: object = None, *, expected: int, **kwargs: object) -> None:
        super().__init__(data, **kwargs)  # type: ignore[arg-type]  # a form's own
        self.expected = expected

    def clean_number(self) -> int:
        """Raise ValidationError unless the number is the one shown."""
        number: int = self.cleaned_data["number"]
        if number != self.expected:
            raise ValidationError(f"There are {self.expected}.")
        return number


@dataclass(frozen=True, slots=True)
class Chosen:
    """A generation to refund, and the refundable amount in micros."""

    generation: Generation
    left: Micros


@staff(Permission.MONEY, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def refunds(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Show the refunds of the chosen generations; a sent form makes them and shows each result."""
    is_sent = request.method == "POST"
    chosen = _chosen_generations(request, operator)
    wanted = chosen if is_sent else [choice for choice in chosen if choice.left]
    form = BulkForm(
        request.POST if is_sent else None, expected=len(wanted), initial={"once": uuid4()}
    )
    total, waits, results = sum(choice.left for choice in wanted), _why(wanted, operator), None
    if is_sent and form.is_valid():
        data = form.cleaned_data
        results = refund_each(
            once=data["once"],
            generations=[choice.generation for choice in chosen],
            words=data["words"],
            note=data["note"],
            giver=giver_of(request, operator),
            now=clock.now(),
        )
    context = {
        "operator": operator,
        "wanted": wanted,
        "left_out": len(chosen) - len(wanted),
        "tenants": len({choice.generation.tenant_id for choice in wanted}),
        "total": total,
        "waits": waits,
        "form": dressed(form),
        "results": results,
        "given": sum(refund.amount for refund in results or () if not refund.waits),
        "waiting": sum(refund.amount for refund in results or () if refund.waits),
        "most": MAX_AT_ONCE,
    }
    is_refused = is_sent and results is None
    status = HTTPStatus.UNPROCESSABLE_ENTITY if is_refused else HTTPStatus.OK
    return render(request, "ops/generation_refunds.html", context, status=status)


def _why(wanted: Sequence[Chosen], operator: Operator) -> str:
    """Return why these refunds wait for a second person; empty if they do not."""
    amounts = Counter[UUID]()
    for choice in wanted:
        amounts[choice.generation.tenant_id] += choice.left
    return why_it_waits(amounts, actor=operator.user, now=clock.now(), total=amounts.total())


def _chosen_generations(request: HttpRequest, operator: Operator) -> list[Chosen]:
    """Return the named generations, or all that match the filters, with refundable amounts."""
    if request.method == "POST" or "all" not in request.GET:
        named = (request.POST or request.GET).getlist("generation")[:MAX_AT_ONCE]
        generation_ids = [
            generation_id for text in named if (generation_id := ids.parse(ids.GENERATION, text))
        ]
        generations: Sequence[Generation] = generations_among(generation_ids)
    else:
        generations = _matching(request, operator)
    tenants = {generation.tenant_id for generation in generations}
    given = charge_sums_of([generation.id for generation in generations], tenants=tenants)
    return [Chosen(generation, given[generation.id].left) for generation in generations]


def _matching(request: HttpRequest, operator: Operator) -> Sequence[Generation]:
    filters = filters_of(request.GET, operator.mode, clock.now())
    if filters.trouble or filters.sought.state not in {"", State.SUCCEEDED}:
        return []
    return page_across(filters.delivered, limit=MAX_AT_ONCE).rows
