"""Changing a channel: what serves goes on, while what it is to be is tested and put in place."""

import json
from functools import partial
from hashlib import sha256
from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from console.ops.access import May, Operator, by, done, staff
from console.ops.channels.changes import Change, asked, channel_or_404
from console.ops.channels.forms import ChannelForm, RouteForm, initial_of, route_forms, served
from console.ops.channels.trials import Tried, to_tests, tried
from generation.catalogue import services
from generation.models import Channel, Contract

ELSEWHERE = "Somebody changed it since this page was opened. Look at what is here now, and again."


@require_http_methods(["GET", "HEAD", "POST"])
@staff(May.CHANNELS)
def edit(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """A channel as it is, or as its pending revision has it; its tests, and what is next."""
    found = channel_or_404(channel)
    page = tried(found)
    data = request.POST if request.method == "POST" else None
    form = ChannelForm(data, has_key=True, initial=initial_of(page.candidate))
    rows = route_forms(data, Contract.objects.all(), page.routes)
    if data is not None and data.get("seen") != _digest(page):
        messages.error(request, ELSEWHERE)
        return redirect("ops:channel_edit", found.pk)
    if data is not None and _is_saved(request, operator, found, form, rows):
        is_pending = services.pending_of(found) is not None
        messages.success(request, "Saved as a pending revision" if is_pending else "Saved")
        return to_tests(found)
    context = {
        "operator": operator,
        "channel": found,
        "form": form,
        "rows": rows,
        "tried": page,
        "seen": _digest(page),
    }
    status = HTTPStatus.OK if data is None else HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "ops/channel_edit.html", context, status=status)


def _is_saved(
    request: HttpRequest,
    operator: Operator,
    channel: Channel,
    form: ChannelForm,
    rows: list[RouteForm],
) -> bool:
    """Whether it was; else the form says why not."""
    if not form.is_valid() or not (routes := served(rows, form)):
        return False
    try:
        if not channel.is_enabled:
            services.refuse_pending(channel)
        services.set_channel(
            name=form.cleaned_data["name"],
            channel_id=channel.pk,
            options={**form.options(), "routes": routes},
            **by(request, operator),
        )
    except ValidationError as error:
        form.refuse(error)
        return False
    return True


def _digest(page: Tried) -> str:
    """Another one where the form would begin with something else."""
    facts = [services.describe(page.candidate, page.routes), page.candidate.credentials]
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


@require_http_methods(["GET", "HEAD", "POST"])
@staff(May.CHANNELS)
def enable(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Let it serve, with every route that it has."""
    found = channel_or_404(channel)
    words = f"{found.name} serves"
    if found.is_enabled and not services.untested_models(found):
        return done(request, words, "channel", str(found.pk))
    change = Change(
        title=f"Enable {found.name}?",
        verb="Enable channel",
        words=words,
        note="From the next request on it is asked.",
        make=partial(services.set_enabled, channel=found, is_enabled=True, **by(request, operator)),
    )
    return asked(request, operator, found, change)


@require_http_methods(["GET", "HEAD", "POST"])
@staff(May.CHANNELS)
def swap(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Put the pending revision in place."""
    found = channel_or_404(channel)
    if services.pending_of(found) is None:
        messages.error(request, f"{found.name} has no pending revision")
        return to_tests(found)
    change = Change(
        title=f"Swap {found.name}?",
        verb="Swap",
        words=f"{found.name} is swapped",
        note="Calls that have begun end by the address and key that they began with.",
        make=partial(services.swap, channel=found, **by(request, operator)),
    )
    return asked(request, operator, found, change)


@require_POST
@staff(May.CHANNELS)
def discard(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Forget the pending revision; what serves goes on."""
    found = channel_or_404(channel)
    try:
        services.discard(channel=found, **by(request, operator))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, "Pending revision discarded")
    return to_tests(found)
