"""One rule: what it matches now, what it told, and what can be done with it."""

from collections.abc import Callable
from http import HTTPStatus
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from console.ops.access import May, Operator, by, done, staff
from console.ops.alerts.listed import PAGE, shown, uuid_of
from console.ops.alerts.words import badge_of, sentence
from generation.alerts import listing, rules, trying
from generation.alerts.deciding import is_of_age
from generation.conditions.titles import title_of
from generation.models import AlertRule
from pictor.kit import clock


@staff(May.SEE)
@require_safe
def detail(request: HttpRequest, operator: Operator, rule: UUID) -> HttpResponse:
    """What it tells of now, and what it told."""
    return page(request, operator, rule_or_404(rule))


@staff(May.INCIDENTS)
@require_POST
def test(request: HttpRequest, operator: Operator, rule: UUID) -> HttpResponse:
    """Send a test to every destination."""
    found = rule_or_404(rule)
    return _tried(
        request,
        operator,
        found,
        lambda: trying.send_test(rule=found, now=clock.now(), **by(request, operator)),
        "Test sent. Reload to see what came of it",
    )


@staff(May.INCIDENTS)
@require_POST
def enable(request: HttpRequest, operator: Operator, rule: UUID) -> HttpResponse:
    """Tell by it, if a test got through."""
    found = rule_or_404(rule)
    return _tried(
        request,
        operator,
        found,
        lambda: rules.enable(rule=found, now=clock.now(), **by(request, operator)),
        f"{found.name} is on",
    )


@staff(May.INCIDENTS)
@require_POST
def disable(request: HttpRequest, operator: Operator, rule: UUID) -> HttpResponse:
    """Tell nothing by it."""
    found = rule_or_404(rule)
    return _tried(
        request,
        operator,
        found,
        lambda: rules.disable(rule=found, **by(request, operator)),
        f"{found.name} is off",
    )


@staff(May.INCIDENTS)
@require_POST
def remove(request: HttpRequest, operator: Operator, rule: UUID) -> HttpResponse:
    """Put it away."""
    found = rule_or_404(rule)
    return _tried(
        request,
        operator,
        found,
        lambda: rules.archive(rule=found, now=clock.now(), **by(request, operator)),
        f"{found.name} removed",
    )


@staff(May.INCIDENTS)
@require_POST
def restore(request: HttpRequest, operator: Operator, rule: UUID) -> HttpResponse:
    """Take it back, switched off."""
    found = rule_or_404(rule)
    return _tried(
        request,
        operator,
        found,
        lambda: rules.restore(rule=found, **by(request, operator)),
        f"{found.name} restored",
    )


@staff(May.INCIDENTS)
@require_POST
def confirm(request: HttpRequest, operator: Operator, rule: UUID) -> HttpResponse:
    """Let an address be told that is nobody's of staff, by the code that its test had."""
    found = rule_or_404(rule)
    address, code = request.POST.get("address", ""), request.POST.get("code", "")
    return _tried(
        request,
        operator,
        found,
        lambda: trying.confirm(
            rule=found, address=address, code=code, now=clock.now(), **by(request, operator)
        ),
        f"{address} confirmed",
    )


@staff(May.INCIDENTS)
@require_POST
def rotate(request: HttpRequest, operator: Operator, rule: UUID) -> HttpResponse:
    """A new secret, shown this once."""
    found = rule_or_404(rule)
    try:
        secret = rules.rotate_secret(rule=found, now=clock.now(), **by(request, operator))
    except ValidationError as error:
        return page(request, operator, found, refusal=" ".join(error.messages))
    return revealed(request, operator, found, secret)


def revealed(
    request: HttpRequest, operator: Operator, rule: AlertRule, secret: str
) -> HttpResponse:
    """The secret, this once."""
    context = {"operator": operator, "rule": rule, "secret": secret}
    return render(request, "ops/alert_secret.html", context)


def rule_or_404(rule: UUID) -> AlertRule:
    """The one, removed or not."""
    found = listing.rule_by_id(rule)
    if found is None:
        raise Http404
    return found


def page(
    request: HttpRequest, operator: Operator, rule: AlertRule, *, refusal: str = ""
) -> HttpResponse:
    """A rule's page, with what was refused on it."""
    now = clock.now()
    after = uuid_of(request.GET.get("after", ""))
    one = listing.detail(rule, after=after, limit=PAGE + 1, now=now)
    context = {
        "operator": operator,
        "one": one,
        "rule": one.rule,
        "sentence": sentence(one.rule),
        "badge": badge_of(one),
        "refusal": refusal,
        "addresses": [(address, address in one.hearers) for address in one.rule.mails],
        "matching": [
            (condition, title_of(condition.kind), is_of_age(one.rule, condition, now))
            for condition in one.matching
        ],
        "told": shown(list(one.told[:PAGE])),
        "newest": "?" if after is not None else "",
        "older": f"?after={one.told[PAGE - 1].sending.id}" if one.told[PAGE:] else "",
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    return render(request, "ops/alert.html", context, status=status)


def _tried(
    request: HttpRequest,
    operator: Operator,
    rule: AlertRule,
    act: Callable[[], object],
    words: str,
) -> HttpResponse:
    """Do it and say so on the rule's page, or say there why not."""
    try:
        act()
    except ValidationError as error:
        return page(request, operator, rule, refusal=" ".join(error.messages))
    return done(request, words, "alert", str(rule.id))
