"""What a member types to pay by card, and the way to the provider's page."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from threading import BoundedSemaphore
from typing import Any, TypeVar
from uuid import UUID, uuid5

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from typing_extensions import override

from billing.selectors.office.payments import TopUpRoom, cards_on, top_up_room
from billing.services.office.payments import (
    PAGE_SECONDS,
    NotCharged,
    PagesAfter,
    asked_provider,
    begin_top_up,
)
from console.amounts import cents
from console.parts.form_fields import CentsField, dressed, take_errors
from console.parts.page_guards import View
from console.workspace.access import READ, Permission, Workspace, by, member
from pictor.kit.words import clock, ids

_turns = BoundedSemaphore(2)
"""Of the eight turns of the site: pages that ask a slow provider leave the others theirs."""
Answer = TypeVar("Answer", bound=HttpResponseBase)


def card_page(needs: Permission, methods: Sequence[str] = READ) -> Callable[[View], View]:
    """Guard a page as `member` does; it is there only while cards are taken."""

    def guarded(view: View) -> View:
        @member(needs, methods)
        @wraps(view)
        def shown(request: HttpRequest, workspace: Workspace, **ids: Any) -> HttpResponseBase:
            if not cards_on():
                raise Http404
            return view(request, workspace, **ids)

        return shown

    return guarded


def leading_to_cards(answer: Answer) -> Answer:
    """Allow the forms of a page to lead to the provider's pages, while cards are taken."""
    if cards_on():
        origins = {"form-action": settings.CARD_PAGES}
        answer._csp_update = origins  # type: ignore[attr-defined]  # noqa: SLF001 - as csp_update does, which reads settings at import
    return answer


@contextmanager
def asking() -> Iterator[None]:
    """Ask the provider, for 5 s in all. Raises NotCharged while two other pages ask it."""
    if not _turns.acquire(blocking=False):
        raise NotCharged("You were not charged: too many pages ask at once. Try again in a minute.")
    try:
        with asked_provider().within(PAGE_SECONDS):
            yield
    finally:
        _turns.release()


class TopUpForm(forms.Form):
    """One of the offered amounts, or a typed one, which then counts; within the workspace's `room`.

    `once` is set when the form is shown, so that the same form sent twice is one payment.
    """

    once = forms.UUIDField(widget=forms.HiddenInput, initial=ids.new_uuid)
    offered = forms.TypedChoiceField(
        coerce=int, required=False, empty_value=None, label="Amount", widget=forms.RadioSelect
    )
    typed = CentsField(label="Another amount, USD")

    room: TopUpRoom

    @classmethod
    def of(cls, tenant_id: UUID, data: Any = None) -> "TopUpForm":
        form = dressed(cls(data))
        form.room = top_up_room(tenant_id, clock.now())
        choices = [(100 * whole, f"${whole}") for whole in form.room.offered]
        form.fields["offered"].choices = choices  # type: ignore[attr-defined]  # a choice field
        form.fields["offered"].initial = choices[0][0] if choices else None
        return form

    @override
    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        data["cents"] = data.get("typed") or data.get("offered")
        if not data["cents"] and not self.errors:
            self.add_error("typed", "Choose an amount, or type one.")
        elif data["cents"] and not self.room.least <= data["cents"] <= self.room.most:
            least, most = cents(self.room.least), cents(self.room.most)
            self.add_error("typed", f"Choose an amount from {least} to {most}.")
        return data


def paying_at(
    request: HttpRequest,
    workspace: Workspace,
    form: forms.Form,
    *,
    cents: int,
    keeps_card: bool = False,
) -> str | None:
    """Begin a payment, and return the provider's page for it; None with why in the form.

    The payment's id is made of the form's and the amount: a form that somebody goes back to, for
    another amount, is another payment.
    """
    tenant = workspace.tenant
    once = uuid5(form.cleaned_data["once"], f"{tenant.id} {cents} {keeps_card}")
    after = request.build_absolute_uri(reverse("workspace:payment", args=[tenant.public_id, once]))
    try:
        with asking():
            return begin_top_up(
                once=once,
                tenant_id=tenant.id,
                cents=cents,
                keeps_card=keeps_card,
                pages=PagesAfter(success=after, cancel=f"{after}?left=1"),
                now=clock.now(),
                **by(request, workspace),
            )
    except ValidationError as error:
        take_errors(form, error)
        if not isinstance(error, NotCharged):
            # What was refused is over: the corrected form is another.
            form.data = {name: form.data[name] for name in form.data} | {"once": ids.new_uuid()}
    return None
