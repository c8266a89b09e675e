"""One alert rule: the conditions it matches now, the alerts it sent, and its actions."""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from console.ops.access import POST, Operator, Permission, by, done, or_404, rendered, staff
from console.ops.alerts.listed import shown
from console.ops.alerts.wording import badge_of, sentence
from console.parts.filters import PAGE_ROWS
from generation.models import AlertRule
from generation.oversight.alerts import alert_tests, listing, rules
from generation.oversight.alerts.occasions import is_of_age
from generation.oversight.conditions.kinds import title_of
from pictor.kit.words import clock, ids


@staff(Permission.SEE)
def detail(request: HttpRequest, operator: Operator, rule: UUID) -> HttpResponse:
    """Show the conditions that a rule matches now and the alerts it sent."""
    return page(request, operator, rule_or_404(rule))


@staff(Permission.INCIDENTS, POST)
def confirm(request: HttpRequest, operator: Operator, rule: UUID) -> HttpResponse:
    """Confirm an address outside the staff with the code from its test mail."""
    found = rule_or_404(rule)
    address, code = request.POST.get("address", ""), request.POST.get("code", "")
    try:
        alert_tests.confirm(
            rule=found, address=address, code=code, now=clock.now(), **by(request, operator)
        )
    except ValidationError as error:
        return page(request, operator, found, refusal=" ".join(error.messages))
    return done(request, f"{address} confirmed", "alert", str(found.id))


@staff(Permission.INCIDENTS, POST)
def rotate(request: HttpRequest, operator: Operator, rule: UUID) -> HttpResponse:
    found = rule_or_404(rule)
    try:
        secret = rules.rotate_secret(rule=found, now=clock.now(), **by(request, operator))
    except ValidationError as error:
        return page(request, operator, found, refusal=" ".join(error.messages))
    return secret_page(request, operator, found, secret)


def secret_page(
    request: HttpRequest, operator: Operator, rule: AlertRule, secret: str
) -> HttpResponse:
    context = {"rule": rule, "secret": secret}
    return rendered(request, operator, "ops/alert_secret.html", context)


def rule_or_404(rule: UUID) -> AlertRule:
    return or_404(listing.rule_by_id(rule))


def page(
    request: HttpRequest, operator: Operator, rule: AlertRule, *, refusal: str = ""
) -> HttpResponse:
    now = clock.now()
    after = ids.parse_uuid(request.GET.get("after", ""))
    one = listing.detail(rule, after=after, limit=PAGE_ROWS + 1, now=now)
    context = {
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
        "alerts": shown(list(one.alerts[:PAGE_ROWS])),
        "newest": "?" if after is not None else "",
        "older": f"?after={one.alerts[PAGE_ROWS - 1].sending.id}" if one.alerts[PAGE_ROWS:] else "",
    }
    return rendered(request, operator, "ops/alert.html", context, refused=refusal)
