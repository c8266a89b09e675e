"""Create and edit alert rules."""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from console.ops.access import FORM, Operator, Permission, by, done, rendered, staff
from console.ops.alerts.forms import NAMES, RuleForm, initial_of
from console.ops.alerts.one import rule_or_404, secret_page
from console.parts.form_fields import dressed, take_errors
from generation.models import AlertRule
from generation.oversight.alerts import listing
from generation.oversight.alerts.rules import CHANGED, save_rule
from generation.oversight.conditions import open_conditions
from generation.oversight.conditions.kinds import title_of
from pictor.kit.words import clock
from pictor.kit.words.errors import Unavailable


@staff(Permission.INCIDENTS, FORM, fresh=True)
def new(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Create a rule, which starts switched off, and show its secret once."""
    sent = request.POST if request.method == "POST" else None
    form = dressed(RuleForm(sent, initial={"mails": [operator.user.email]}))
    return _form_page(request, operator, form, None)


@staff(Permission.INCIDENTS, FORM, fresh=True)
def edit(request: HttpRequest, operator: Operator, rule: UUID) -> HttpResponse:
    """Edit a rule; a new destination switches it off."""
    found = rule_or_404(rule)
    sent = request.POST if request.method == "POST" else None
    form = dressed(RuleForm(sent, initial=initial_of(found)))
    return _form_page(request, operator, form, found)


def _form_page(
    request: HttpRequest, operator: Operator, form: RuleForm, rule: AlertRule | None
) -> HttpResponse:
    """Save a valid form; otherwise render it again with its errors."""
    is_sent = request.method == "POST"
    if is_sent and form.is_valid() and (answer := _save(request, operator, form, rule)):
        return answer
    like = _like(request, form, rule)
    matched = listing.matching(like, open_conditions(), now=clock.now())
    context = {
        "form": form,
        "rule": rule,
        "matching": [(title_of(condition.kind), condition.object) for condition in matched],
    }
    return rendered(request, operator, "ops/alert_edit.html", context, refused=is_sent)


def _like(request: HttpRequest, form: RuleForm, rule: AlertRule | None) -> AlertRule:
    """Return an unsaved rule with the kinds and the amount typed so far."""
    is_part = "HX-Request" in request.headers  # the form, as it is being typed
    typed = form if request.method == "POST" else RuleForm(request.GET if is_part else None)
    if not typed.is_bound:
        return rule or AlertRule()
    typed.is_valid()
    data = typed.cleaned_data
    return AlertRule(
        kinds=None if data.get("is_all") else data.get("kinds", []), least_micros=data.get("least")
    )


def _save(
    request: HttpRequest, operator: Operator, form: RuleForm, rule: AlertRule | None
) -> HttpResponse | None:
    """Return the page to go to; None if the service refused, and then the form holds the reason."""
    page = request.build_absolute_uri(reverse("ops:overview"))
    try:
        saved = save_rule(
            values=form.values(page=page),
            rule=rule,
            seen=form.cleaned_data["seen"],
            new_id=None if rule else form.cleaned_data["once"],
            now=clock.now(),
            **by(request, operator),
        )
    except ValidationError as error:
        if rule and getattr(error, "code", None) == CHANGED:
            form.refuse_stale()
        else:
            take_errors(form, error, NAMES)
        return None
    except Unavailable as error:
        form.add_error("url", error.message)
        return None
    if saved.secret:
        return secret_page(request, operator, saved.rule, saved.secret)
    off = "" if saved.rule.is_enabled else ". It is off: send a test"
    return done(request, f"{saved.rule.name} saved{off}", "alert", str(saved.rule.id))
