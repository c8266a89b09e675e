"""The sunset of a model: announced with a date and a successor after a preview, or withdrawn."""

from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.services import By
from console.ops.access import FORM, POST, Mode, Operator, Permission, by, done, rendered, staff
from console.ops.models.one import facts_of, model_or_404
from console.ops.reasons import LACKS_REASON, reason_form
from console.parts.form_fields import dressed, take_errors
from generation.catalogue.services.sunsets import (
    SOON,
    announce_sunset,
    rehearse_sunset,
    withdraw_sunset,
)
from generation.models import Contract
from generation.selectors import successors_of
from pictor.kit.words import clock


class EndForm(forms.Form):
    """The sunset and the successor. Days begin at 00:00 UTC."""

    sunset_at = forms.DateField(
        label="First day without it, UTC", widget=forms.DateInput(attrs={"type": "date"})
    )
    successor = forms.ChoiceField(label="Successor")
    deprecated_at = forms.DateField(
        required=False,
        label="Deprecated since, UTC",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    is_meant = forms.BooleanField(
        required=False, label="An end within 60 days is meant: once it has come, it is for good"
    )

    def __init__(self, data: Any, *, contract: Contract) -> None:
        super().__init__(data, initial=_initial(contract))
        cast(forms.ChoiceField, self.fields["successor"]).choices = [
            ("", "Choose a model"),
            *((name, name) for name in successors_of(contract)),
        ]
        dressed(self)

    def arguments(self, contract: Contract) -> dict[str, Any]:
        """Return the service's arguments; an unchanged day keeps its stored time."""
        days = {name: self.cleaned_data[name] for name in ("sunset_at", "deprecated_at")}
        known = _initial(contract)
        return {
            "model": contract.model,
            "now": clock.now(),
            "successor": self.cleaned_data["successor"],
            "is_meant": self.cleaned_data["is_meant"],
            **{
                name: getattr(contract, name) if day and day == known[name] else _begins(day)
                for name, day in days.items()
            },
        }


@staff(Permission.CHANNELS, FORM, fresh=True)
def end(request: HttpRequest, operator: Operator, model: str) -> HttpResponse:
    """Announce a sunset or change it; the effect and the customers' notice are shown first."""
    found = model_or_404(model)
    form = EndForm(request.POST if request.method == "POST" else None, contract=found)
    planned = _rehearse(found, form, by(request, operator)) if form.is_valid() else None
    if planned is not None and _is_agreed(request, form, found, planned):
        announced = announce_sunset(**form.arguments(found), **by(request, operator))
        words = f"{found.model} ends on {announced.sunset_at:%-d %B %Y}"
        return done(request, words, "model", found.model)
    facts = facts_of(found.model, Mode.LIVE)
    context = {
        "model": found,
        "form": form,
        "facts": facts,
        "used": facts.used(clock.now()),
        "planned": planned,
        "seen": _digest(form, found) if planned else "",
        "may_be_soon": "is_meant" in form.errors or "is_meant" in request.POST,
    }
    return rendered(request, operator, "ops/model_end.html", context, refused=form.errors)


@staff(Permission.CHANNELS, POST)
def keep(request: HttpRequest, operator: Operator, model: str) -> HttpResponse:
    found, form = model_or_404(model), reason_form(request)
    if not form.is_valid():
        messages.error(request, LACKS_REASON)
        return redirect("ops:model", found.model)
    try:
        withdraw_sunset(
            model=found.model, now=clock.now(), **form.cleaned_data, **by(request, operator)
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("ops:model", found.model)
    return done(request, f"{found.model} stays", "model", found.model)


def _rehearse(contract: Contract, form: EndForm, who: By) -> Contract | None:
    """Return the model as it would be; None if the change is refused."""
    try:
        return rehearse_sunset(**form.arguments(contract), **who)
    except ValidationError as error:
        is_soon = getattr(error, "code", None) == SOON
        take_errors(form, ValidationError({"is_meant": error.messages}) if is_soon else error)
        return None


def _is_agreed(request: HttpRequest, form: EndForm, contract: Contract, planned: Contract) -> bool:
    """True if the shown change was confirmed, or was already made by a first click."""
    columns = ("sunset_at", "successor", "deprecated_at")
    is_so = all(getattr(planned, name) == getattr(contract, name) for name in columns)
    return is_so or request.POST.get("seen") == _digest(form, contract)


def _digest(form: EndForm, contract: Contract) -> str:
    """Return a digest of the typed values and of the values that they replace."""
    values = [sorted(form.cleaned_data.items()), contract.sunset_at, contract.successor]
    return sha256(repr(values).encode()).hexdigest()[:16]


def _initial(contract: Contract) -> dict[str, Any]:
    return {
        "sunset_at": _day(contract.sunset_at),
        "deprecated_at": _day(contract.deprecated_at),
        "successor": contract.successor,
    }


def _day(at: datetime | None) -> date | None:
    return None if at is None else at.astimezone(UTC).date()


def _begins(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time.min, tzinfo=UTC)
