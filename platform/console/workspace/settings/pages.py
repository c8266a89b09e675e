"""Settings: the workspace's name, retention, limits, support access and deletion."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django import forms
from django.conf import settings as config
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from typing_extensions import override

from accounts.models import Tenant
from accounts.services.office.erasure import check_deletion, delete_workspace
from accounts.services.office.own_limits import OwnLimits, set_own_limits
from accounts.services.office.storage import is_nearly_full
from accounts.services.office.support import set_support
from accounts.services.office.tenant_settings import change_settings
from billing.selectors.office.payments import card_money_left, cards_on
from console.parts.compared_forms import ComparedForm
from console.parts.form_fields import (
    DollarsField,
    LimitField,
    dressed,
    models_field,
    require_tick_to_erase,
    take_errors,
)
from console.workspace.access import FORM, POST, Permission, Workspace, by, done, member, rendered
from console.workspace.settings.zones import zone_choices
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from storage.selectors import exports_of

FOREVER_DAYS = 36_500


class SettingsForm(ComparedForm):
    """The settings that owners and admins decide."""

    title = forms.CharField(max_length=100, label="Name")
    time_zone = forms.ChoiceField(required=False, label="Time zone of reports")
    prompt_retention_days = LimitField(label="Days that prompts are kept", least=0)
    image_retention_days = LimitField(label="Days that images are kept", least=0)
    omits_marks = forms.BooleanField(required=False, label="Images without marks")
    erases = forms.BooleanField(required=False, label="Erase older data now")

    @override
    def clean(self) -> dict[str, Any]:
        """Require a confirmation for a shorter time, because it erases existing data."""
        data: dict[str, Any] = super().clean() or {}
        most = {"prompts": FOREVER_DAYS, "images": config.IMAGE_RETENTION_DAYS}
        names = {what: f"{what[:-1]}_retention_days" for what in most}
        shorter = {
            what: data[name]
            for what, name in names.items()
            if data.get(name) is not None and data[name] < _days(self.initial[name], most[what])
        }
        require_tick_to_erase(self, shorter)
        return data

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self.fields["time_zone"]
        zone.choices = zone_choices(self.initial["time_zone"])  # type: ignore[attr-defined]  # a choice field


class OwnLimitsForm(ComparedForm):
    """Budgets over all keys, and limits below the operator's. An empty field is no limit."""

    budget_month_micros = DollarsField(label="Budget per month, USD")
    budget_day_micros = DollarsField(label="Budget per day, USD")
    own_requests_per_minute = LimitField(label="Requests per minute")
    own_images_per_minute = LimitField(label="Images per minute")
    own_max_in_flight = LimitField(label="Requests at once")

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["own_models"] = models_field(self.initial["own_models"])

    def limits(self) -> OwnLimits:
        """The chosen limits. With no model ticked, every model is allowed."""
        data = self.cleaned_data
        return OwnLimits(**{**data, "own_models": data["own_models"] or None})


class SupportForm(ComparedForm):
    allows_support = forms.BooleanField(required=False, label="Support may look in")
    shows_support_content = forms.BooleanField(
        required=False, label="It also sees prompts, tags and images"
    )


@member(Permission.MANAGE, FORM)
def settings(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Show the settings, or change the workspace's name and retention."""
    if request.method != "POST":
        return page(request, workspace)
    form = SettingsForm(request.POST, initial=_initial_values(workspace.tenant))
    if form.is_valid() and _is_saved(request, workspace, form):
        return done(request, workspace, "Settings saved", "settings")
    return page(request, workspace, form=form)


@member(Permission.MANAGE, POST)
def limits(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    form = OwnLimitsForm(request.POST, initial=_own_limits(workspace.tenant))
    if form.is_valid():
        set_own_limits(tenant=workspace.tenant, limits=form.limits(), **by(request, workspace))
        return done(request, workspace, "Limits saved", "settings")
    return page(request, workspace, limits_form=form)


@member(Permission.ALLOW_SUPPORT, POST)
def support(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Allow or forbid support views; open ones end if they are forbidden."""
    form = SupportForm(request.POST, initial=_support(workspace.tenant))
    if not form.is_valid():
        return page(request, workspace, support_form=form)
    set_support(
        tenant=workspace.tenant,
        is_allowed=form.cleaned_data["allows_support"],
        shows_content=form.cleaned_data["shows_support_content"],
        now=clock.now(),
        **by(request, workspace),
    )
    return done(request, workspace, "Support access saved", "settings")


def _days(kept: int | None, most: int) -> int:
    return most if kept is None else kept


def _initial_values(tenant: Tenant) -> dict[str, Any]:
    columns = {name: getattr(tenant, name) for name in SettingsForm.base_fields if name != "erases"}
    return {**columns, "title": tenant.shown_name}


def _own_limits(tenant: Tenant) -> dict[str, Any]:
    columns = {name: getattr(tenant, name) for name in OwnLimitsForm.base_fields}
    return {**columns, "own_models": tenant.own_models or []}


def _support(tenant: Tenant) -> dict[str, bool]:
    return {name: getattr(tenant, name) for name in SupportForm.base_fields}


def page(
    request: HttpRequest,
    workspace: Workspace,
    *,
    form: SettingsForm | None = None,
    limits_form: OwnLimitsForm | None = None,
    support_form: SupportForm | None = None,
    **refusals: str,
) -> HttpResponse:
    """Render the page, with a refused form in place of the current values, or with refusals."""
    tenant = workspace.tenant
    is_refused = form or limits_form or support_form or refusals
    exports = exports_of(tenant.id)
    context = {
        "tenant": tenant,
        "form": dressed(form or SettingsForm(initial=_initial_values(tenant))),
        "limits_form": dressed(limits_form or OwnLimitsForm(initial=_own_limits(tenant))),
        "support_form": support_form or SupportForm(initial=_support(tenant)),
        "used": workspace.balance.used,
        "most_image_days": config.IMAGE_RETENTION_DAYS,
        "most_stored": config.STORED_BYTES_PER_TENANT,
        "is_nearly_full": is_nearly_full(tenant),
        "exports": exports,
        "takes_cards": cards_on(),
        "card_money": _card_money(workspace),
        "contact": config.OPERATOR_CONTACT,
        "is_being_made": any(export.is_being_made for export in exports),
        **refusals,
    }
    return rendered(request, workspace, "workspace/settings.html", context, refused=is_refused)


def _is_saved(request: HttpRequest, workspace: Workspace, form: forms.Form) -> bool:
    tenant, data = workspace.tenant, form.cleaned_data
    try:
        change_settings(
            tenant=tenant,
            title=data["title"],
            time_zone=data["time_zone"] or tenant.time_zone,
            prompt_retention_days=data["prompt_retention_days"],
            image_retention_days=data["image_retention_days"],
            omits_marks=data["omits_marks"],
            **by(request, workspace),
        )
    except ValidationError as error:
        take_errors(form, error)
        return False
    return True


@member(Permission.DELETE, POST)
def delete(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Delete the workspace, after its name and a fresh sign-in confirm it.

    Money that was paid by card is paid back first, or its owner confirms the loss.
    """
    name = request.POST.get("name", "").strip()
    try:
        check_deletion(by=workspace.member, confirmation=name)
        _check_loss(request, workspace)
        answer: HttpResponse = _delete(request, workspace, name)
    except ValidationError as error:
        return page(request, workspace, deletion_refusal=" ".join(error.messages))
    return answer


def _check_loss(request: HttpRequest, workspace: Workspace) -> None:
    if _card_money(workspace) and "loses" not in request.POST:
        raise ValidationError("Money paid by card is left: ask for it, or confirm the loss.")


def _card_money(workspace: Workspace) -> Micros:
    """What is left of payments by card; 0 where none are taken, and for those who cannot delete."""
    is_asked = cards_on() and Permission.DELETE in workspace.may
    return card_money_left(workspace.tenant.id) if is_asked else Micros(0)


@reauthentication_required  # type: ignore[untyped-decorator]  # it ships no types
def _delete(request: HttpRequest, workspace: Workspace, name: str) -> HttpResponse:
    delete_workspace(
        by=workspace.member,
        confirmation=name,
        now=clock.now(),
        ip=request.META.get("REMOTE_ADDR"),
    )
    return redirect(f"{reverse('workspace:choose')}?deleted=1")
