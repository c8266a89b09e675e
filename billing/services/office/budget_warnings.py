"""Mails those who manage keys, and sends a webhook, when a budget is used to 50, 80 or 100%."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import TypeAlias

from django.db import transaction

from accounts.models import ADMIN_ROLES
from accounts.quotas import resets_at
from accounts.selectors.office.members import emails_of_members
from accounts.services.office.mail import post_rendered
from accounts.titles import for_mail
from billing.models import BudgetWarning, WorkspaceBudgetWarning
from billing.selectors.office.reached_budgets import (
    BudgetOf,
    ReachedBudget,
    reached_budgets,
    refusing_budgets,
)
from pictor.kit.words.money import Micros, to_decimal
from pictor.kit.words.untyped import Json, Row
from webhooks.announcing import announce
from webhooks.models import BUDGET_THRESHOLD

MAIL = "billing/email/budget_passed"
WARNINGS_KEPT = timedelta(days=70)
"""Warnings are kept for longer than a month and the check after it."""
_Warning: TypeAlias = type[BudgetWarning] | type[WorkspaceBudgetWarning]


def look_at_budgets(
    *, now: datetime, refused: Mapping[BudgetOf, Micros] = MappingProxyType({})
) -> int:
    """Announce the budgets that reached a threshold, and return the number of new ones.

    `refused` is the most that a request needed which was refused in the last minutes.

    Each threshold is announced once in a window, and again if the budget was changed and it is
    reached again. Of several reached since the last look only the highest is: it says all that the
    lower ones would. Each has its own transaction, with its mails and event. Safe to run in
    parallel.
    """
    told: set[Row] = set()
    for model, owner in ((BudgetWarning, "key_id"), (WorkspaceBudgetWarning, "tenant_id")):
        model.objects.filter(window__lt=(now - WARNINGS_KEPT).date()).delete()
        columns = (owner, "period", "window", "most_micros", "percent")
        told.update(model.objects.values_list(*columns))
    reached = refusing_budgets(reached_budgets(now), refused)
    return sum(_look(one, now) for one in reached if (*one.of, one.most, one.percent) not in told)


@transaction.atomic
def _look(reached: ReachedBudget, now: datetime) -> bool:
    is_new = _keep(reached)
    if is_new:
        _tell(reached)
        _announce(reached, now)
    return is_new


def _keep(reached: ReachedBudget) -> bool:
    """Keep that the threshold is announced. False if that one or a higher one was before."""
    model: _Warning = BudgetWarning if reached.key else WorkspaceBudgetWarning
    values: Json = {
        "key" if reached.key else "tenant": reached.key or reached.tenant,
        "period": reached.period,
        "window": reached.window,
        "most_micros": reached.most,
    }
    percent = reached.percent
    _, is_first = model.objects.get_or_create(**values, defaults={"percent": percent})
    lower = model.objects.filter(**values, percent__lt=percent)
    return is_first or lower.update(percent=percent) > 0


def _tell(reached: ReachedBudget) -> None:
    begun, key = _begun(reached), reached.key
    words = {
        "workspace": reached.tenant.shown_name,
        "key": key and (for_mail(key.name) or f"{key.visible_prefix}…"),
        "percent": reached.percent,
        "is_over": reached.used > reached.most,
        "has_refused": reached.has_refused,
        "warns_only": reached.warns_only,
        "used": _dollars(reached.used),
        "most": _dollars(reached.most),
        "period": reached.period,
        "when": f"on {begun:%-d %B %Y}" if reached.period == "day" else f"in {begun:%B %Y}",
        "following": f"{resets_at(reached.period, begun):%-d %B %Y}",
    }
    to = emails_of_members(reached.tenant.id, ADMIN_ROLES)
    post_rendered(to=to, template=MAIL, words=words)


def _announce(reached: ReachedBudget, now: datetime) -> None:
    from billing.budget_threshold import BudgetReached  # noqa: PLC0415 - has serializers

    announce(
        tenant_id=reached.tenant.id,
        livemode=True,  # tests use no budget
        event_type=BUDGET_THRESHOLD,
        subject_id=reached.of[0],
        at=now,
        data=BudgetReached.render(
            {
                "key": reached.key and reached.key.public_id,
                "period": reached.period,
                "percent": reached.percent,
                "used": reached.used,
                "budget": reached.most,
                "warns_only": reached.warns_only,
                "resets_at": resets_at(reached.period, _begun(reached)),
            }
        ),
    )


def _begun(reached: ReachedBudget) -> datetime:
    return datetime.combine(reached.window, time(), UTC)


def _dollars(amount: Micros) -> str:
    """The amount to its last digit, so that the excess over a budget always shows."""
    whole, _, places = to_decimal(amount).partition(".")
    return f"${whole}.{places.rstrip('0').ljust(2, '0')}"
