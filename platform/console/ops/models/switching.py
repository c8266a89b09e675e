"""Create a model as a copy, switch it on or off."""

from http import HTTPStatus

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from console.ops.access import Mode, Operator, Permission, by, done, staff
from console.ops.models.one import facts_of, model_or_404
from console.parts.form_fields import dressed, line, take_errors
from generation.catalogue import services
from generation.selectors import contracts
from pictor.kit.words import clock


class CopyForm(forms.Form):
    model = forms.CharField(label="Name", max_length=60, widget=line())
    source = forms.ModelChoiceField(contracts(), label="Promises what this one does")


@staff(Permission.CHANNELS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def copy(request: HttpRequest, operator: Operator, model: str) -> HttpResponse:
    """Create a model with the contract of another one, switched off."""
    found = model_or_404(model)
    data = request.POST if request.method == "POST" else None
    form = dressed(CopyForm(data, initial={"source": found}))
    if form.is_valid():
        name, source = form.cleaned_data["model"], form.cleaned_data["source"].model
        try:
            services.copy_contract(model=name, source=source, **by(request, operator))
        except ValidationError as error:
            take_errors(form, error)
        else:
            return done(request, f"{name} is created, switched off", "model", name)
    context = {"operator": operator, "model": found, "form": form}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "ops/model_copy.html", context, status=status)


@staff(Permission.CHANNELS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def switch_off(request: HttpRequest, operator: Operator, model: str) -> HttpResponse:
    """Refuse the model from the next request on; its users are shown first."""
    return _switch(request, operator, model, is_offered=False)


@staff(Permission.CHANNELS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def switch_on(request: HttpRequest, operator: Operator, model: str) -> HttpResponse:
    return _switch(request, operator, model, is_offered=True)


def _switch(
    request: HttpRequest, operator: Operator, model: str, *, is_offered: bool
) -> HttpResponse:
    found = model_or_404(model)
    words = f"{found.model} is switched {'on' if is_offered else 'off'}"
    if found.is_enabled == is_offered:
        return done(request, words, "model", found.model)
    complaint = ""
    if request.method == "POST":
        try:
            services.set_offered(model=found.model, is_offered=is_offered, **by(request, operator))
        except ValidationError as error:
            complaint = " ".join(error.messages)
        else:
            return done(request, words, "model", found.model)
    facts = facts_of(found.model, Mode.LIVE)
    context = {
        "operator": operator,
        "model": found,
        "facts": facts,
        "used": facts.used(clock.now()),
        "is_offered": is_offered,
        "complaint": complaint,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if complaint else HTTPStatus.OK
    return render(request, "ops/model_switch.html", context, status=status)
