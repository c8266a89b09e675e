"""Mails those who manage keys, once per window, when a key exceeds a warn-only budget."""

from datetime import UTC, datetime, time, timedelta

from django.db import transaction

from accounts.models import ADMIN_ROLES
from accounts.quotas import resets_at
from accounts.selectors.office.members import emails_of_members
from accounts.services.office.mail import post_rendered
from accounts.titles import for_mail
from billing.models import BudgetWarning
from billing.selectors.office.balances import PassedBudget, passed_budgets
from pictor.kit.words.money import Micros, to_decimal

"""The roles that get the mail: those that see and change every key."""
MAIL = "billing/email/budget_passed"
WARNINGS_KEPT = timedelta(days=70)
"""Warnings are kept for longer than a month and the check after it."""


def look_at_budgets(*, now: datetime) -> int:
    """Mail about each exceeded warn-only budget, and return the number of new ones.

    Mails once for a key's UTC day, and once for its month; again if the budget was changed and is
    exceeded again. Each has its own transaction, with its mails. Safe to run in parallel.
    """
    BudgetWarning.objects.filter(window__lt=(now - WARNINGS_KEPT).date()).delete()
    return sum(_look(passed) for passed in passed_budgets(now))


@transaction.atomic
def _look(passed: PassedBudget) -> bool:
    _, is_first = BudgetWarning.objects.get_or_create(
        key=passed.key, period=passed.period, window=passed.window, most_micros=passed.most
    )
    if is_first:
        _tell(passed)
    return is_first


def _tell(passed: PassedBudget) -> None:
    begun = datetime.combine(passed.window, time(), UTC)
    words = {
        "workspace": passed.key.tenant.shown_name,
        "key": for_mail(passed.key.name) or f"{passed.key.visible_prefix}…",
        "used": _dollars(passed.used),
        "most": _dollars(passed.most),
        "period": passed.period,
        "when": f"on {begun:%-d %B %Y}" if passed.period == "day" else f"in {begun:%B %Y}",
        "following": f"{resets_at(passed.period, begun):%-d %B %Y}",
    }
    to = emails_of_members(passed.key.tenant_id, ADMIN_ROLES)
    post_rendered(to=to, template=MAIL, words=words)


def _dollars(amount: Micros) -> str:
    """The amount to its last digit, so that the excess over a budget always shows."""
    whole, _, places = to_decimal(amount).partition(".")
    return f"${whole}.{places.rstrip('0').ljust(2, '0')}"
