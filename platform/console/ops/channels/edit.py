"""Create or edit a channel: it serves on while a pending revision is tested and swapped in."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from console.ops.access import FORM, Operator, Permission, by, rendered, staff
from console.ops.channels.changes import ChangeOutlook, channel_or_404, confirmed_arguments
from console.ops.channels.forms import (
    ChannelForm,
    RouteForm,
    WeighedForm,
    initial_of,
    retirements,
    route_forms,
    served_routes,
)
from console.ops.channels.shown import sentence_about
from console.ops.channels.trials import to_tests, trial_subject
from console.parts.acts import NOT_AS_SHOWN, typed_name
from console.parts.compared_forms import refuse_stale, stored_instead
from console.parts.page_query import meant_by
from generation.catalogue import services
from generation.models import Channel
from generation.oversight.splits import foreseen
from generation.selectors import contracts


@staff(Permission.CHANNELS, FORM, fresh=True)
def edit(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Show or save a channel or its pending revision, with its tests and the next step."""
    found = channel_or_404(channel)
    page = trial_subject(found)
    data = request.POST if request.method == "POST" else None
    form = ChannelForm(data, has_key=True, initial=initial_of(page.candidate))
    rows = route_forms(data, page.contracts, page.routes, retires=services.retirements_of(found))
    if data is not None and data.get("shown") != page.digest:
        _refuse_replacing(form, rows)
    saving = Saving() if data is None else _save(request, operator, found, form, rows)
    if saving.is_done:
        messages.success(request, saving.words)
        return to_tests(found)
    context = {
        "channel": found,
        "form": form,
        "rows": rows,
        "tried": page,
        "saving": saving,
    }
    return rendered(request, operator, "ops/channel_edit.html", context, refused=data is not None)


@dataclass(frozen=True, slots=True)
class Saving:
    """The result of saving a form; without `is_done` and outlook, the form holds its own errors.

    Attributes:
        is_done: True if it was saved.
        outlook: the immediate effect, which has not been confirmed.
        complaint: the reason why it was not saved then.
        words: shown after saving.
    """

    is_done: bool = False
    outlook: ChangeOutlook | None = None
    complaint: str = ""
    words: str = ""


def _refuse_replacing(form: ChannelForm, rows: list[RouteForm]) -> None:
    """Refuse the form if it would replace a value or a key that its page did not show."""
    form.full_clean()
    stored = stored_instead(form)
    for row in rows:
        stored += [f"{row.model}, {words}" for words in stored_instead(row)]
    if stored or form.cleaned_data.get("api_key"):
        refuse_stale(form, stored)


def _save(
    request: HttpRequest,
    operator: Operator,
    channel: Channel,
    form: ChannelForm,
    rows: list[RouteForm],
) -> Saving:
    """Save the form; if traffic would move at once, show the effect and wait for confirmation."""
    if not form.is_valid() or not (routes := served_routes(rows, form)):
        return Saving()
    make: Callable[..., object] = partial(
        services.set_channel,
        name=form.cleaned_data["name"],
        channel_id=channel.pk,
        options={**form.options(), "routes": routes, "retires": retirements(rows)},
        **by(request, operator),
    )
    try:
        if not channel.is_enabled:
            services.refuse_pending(channel)
        moved, stops = foreseen(make)
        about_stops = {services.STOPS: sentence_about(stops, channel)} if stops else {}
        if complaint := _asks(request, channel, outlook := ChangeOutlook(moved, about_stops)):
            return Saving(outlook=outlook, complaint=complaint)
        make(**confirmed_arguments(outlook))
    except ValidationError as error:
        form.refuse(error)
        return Saving()
    is_pending = services.pending_of(channel) is not None
    return Saving(is_done=True, words="Saved as a pending revision" if is_pending else "Saved")


def _asks(request: HttpRequest, channel: Channel, outlook: ChangeOutlook) -> str:
    """Return the next step before the form can be saved; empty if there is none."""
    if not (outlook.splits or outlook.doubts):
        return ""
    if "seen" not in request.POST:
        return "Nothing is saved yet: check the immediate effect below."
    if request.POST["seen"] != outlook.digest:
        return NOT_AS_SHOWN
    named = typed_name(channel.name)
    is_named = named.is_right(request.POST.get("confirm", ""))
    return named.wrong if outlook.doubts and not is_named else ""


@staff(Permission.CHANNELS, FORM, fresh=True)
def create(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Create a channel that serves nothing yet, perhaps by a preset; sent twice, it makes one."""
    data = request.POST if request.method == "POST" else None
    preset = meant_by(request.GET, "preset", services.shipped_presets().get)
    routes, lacking = services.preset_routes(preset) if preset else ({}, [])
    form = WeighedForm(data, initial={"name": preset.name, **preset.options} if preset else {})
    rows = route_forms(data, contracts(), routes)
    if data is not None and form.is_valid() and (served := served_routes(rows, form)):
        try:
            channel, _ = services.set_channel(
                name=form.cleaned_data["name"],
                options={**form.options(), "routes": served, "retires": retirements(rows)},
                is_new=True,
                **by(request, operator),
            )
        except ValidationError as error:
            form.refuse(error)
        else:
            messages.success(request, "Saved, and off until it is tested")
            return to_tests(channel)
    context = {"form": form, "rows": rows, "preset": preset, "lacking": lacking}
    context["kinds"] = services.kinds_and_presets()
    return rendered(request, operator, "ops/channel_new.html", context, refused=data is not None)
