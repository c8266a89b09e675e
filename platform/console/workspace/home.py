"""Which workspace, and how it stands there: is all well, and what is to be done next?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import ApiKey, Tenant, User
from accounts.selectors import memberships_of
from billing.periods import bucket_start, day_of
from billing.selectors import (
    BudgetUse,
    balance_alert_of,
    captured_since,
    days_left,
    key_uses,
)
from console.workspace.access import May, Workspace, keys_of, member
from console.workspace.keys import may_bill
from console.workspace.rows import SHOWN_CHARS, row_of
from console.workspace.snippets import curl
from generation import watch
from generation.models import Source, State
from generation.searching import Wanted, found
from pictor.kit import clock

STRIP = 12
LOOKED_AT = 40
NEAR = 0.8
FIRST_CALL = {
    "model": "gpt-image-2",
    "prompt": "A brass astrolabe on linen",
    "size": "1024x1024",
    "quality": "low",
}


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget of a key, or of the workspace, most of which is used."""

    key: ApiKey | None
    used: int
    budget: int
    window: str


@require_safe
@never_cache
def choose(request: HttpRequest) -> HttpResponseBase:
    """The workspaces one is a member of; straight into the only one, unless all are asked for.

    Who has deleted one comes here, and is told so.
    """
    if not isinstance(request.user, User):
        return redirect_to_login(request.get_full_path(), "account_login")
    memberships = memberships_of(request.user.id)
    is_deleted = "deleted" in request.GET
    if len(memberships) == 1 and "all" not in request.GET and not is_deleted:
        return redirect("workspace:overview", memberships[0].tenant.public_id)
    context = {"memberships": memberships, "is_deleted": is_deleted}
    return render(request, "workspace/choose.html", context)


@require_safe
@member()
def overview(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """A checklist until the first image; then money, failures and the latest images."""
    now = clock.now()
    may_look = May.SEE_GENERATIONS in workspace.may
    latest = (
        found(workspace.tenant.id, Wanted(), limit=LOOKED_AT, prompt_chars=SHOWN_CHARS)
        if may_look
        else []
    )
    pictured = [row_of(one, {}) for one in latest if one.images][:STRIP]
    keys = keys_of(workspace)
    zone = workspace.tenant.zone
    day_start, month_start = bucket_start(now, "day", zone), bucket_start(now, "month", zone)
    today, month = captured_since(workspace.id, [day_start, month_start])
    context = {
        "workspace": workspace,
        "has_demo_data": any(one.generation.source == Source.DEMO for one in latest),
        "is_begun": bool(pictured) or not may_look,
        "keys": keys,
        "can_generate": May.GENERATE in workspace.may
        and any(may_bill(workspace, key, now) for key in keys),
        "call": curl(f"{request.scheme}://{request.get_host()}", FIRST_CALL),
        "latest": pictured,
        "today": today,
        "today_since": day_start,
        "today_day": day_of(now, zone),
        "month": month,
        "month_since": month_start,
        "days": days_left(workspace.tenant.id, workspace.balance.available, now=now),
        "alert": balance_alert_of(workspace.tenant.id) if May.SEE_MONEY in workspace.may else None,
        "failed": [
            one
            for one in latest
            if one.generation.state == State.FAILED
            and one.generation.finished_at
            and now - one.generation.finished_at < timedelta(hours=1)
        ],
        "troubled": watch.troubled(now=now),
        "near": _near(workspace, keys, now),
    }
    return render(request, "workspace/overview.html", context)


def _near(workspace: Workspace, keys: Sequence[ApiKey], now: datetime) -> list[Budget]:
    """Budgets that are nearly, or wholly, used: the workspace's, then those of keys that work."""
    uses = key_uses(workspace.tenant.id, now)
    working = [key for key in keys if key.status(now) == "active" and key.id in uses]
    counted: list[tuple[ApiKey | None, Tenant | ApiKey, BudgetUse]] = [
        (None, workspace.tenant, workspace.balance.used),
        *((key, key, uses[key.id]) for key in working),
    ]
    return [
        Budget(key, used, budget, window)
        for key, owner, use in counted
        for used, budget, window in (
            (use.month, owner.budget_month_micros, "month"),
            (use.day, owner.budget_day_micros, "day"),
        )
        if budget is not None and used >= NEAR * budget
    ]
