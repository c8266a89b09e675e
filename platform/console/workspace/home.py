"""Which workspace, and how it stands there: is all well, and what is to be done next?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import ApiKey, User
from accounts.selectors import memberships_of
from billing.selectors import KeyUse, key_uses, usage_between
from console.workspace.access import May, Workspace, keys_of, member
from console.workspace.generations import SHOWN_CHARS, row_of
from console.workspace.playground import billable
from console.workspace.snippets import curl
from generation.models import Source, State
from generation.searching import Wanted, found
from pictor.kit import clock
from pictor.kit.money import Micros

STRIP = 12
LOOKED_AT = 40
NEAR = 0.8
PACE_DAYS = 7
FIRST_CALL = {
    "model": "gpt-image-2",
    "prompt": "A brass astrolabe on linen",
    "size": "1024x1024",
    "quality": "low",
}


@dataclass(frozen=True, slots=True)
class Budget:
    """A key that has used most of a budget."""

    key: ApiKey
    used: int
    budget: int
    window: str


@require_safe
@never_cache
def choose(request: HttpRequest) -> HttpResponseBase:
    """The workspaces one is a member of; straight into the only one, unless all are asked for."""
    if not isinstance(request.user, User):
        return redirect_to_login(request.get_full_path(), "account_login")
    memberships = memberships_of(request.user.id)
    if len(memberships) == 1 and "all" not in request.GET:
        return redirect("workspace:overview", memberships[0].tenant.public_id)
    return render(request, "workspace/choose.html", {"memberships": memberships})


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
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    week = _spent(workspace, now - timedelta(days=PACE_DAYS), now)
    context = {
        "workspace": workspace,
        "has_demo_data": any(one.generation.source == Source.DEMO for one in latest),
        "is_begun": bool(pictured) or not may_look,
        "keys": keys,
        "can_generate": May.GENERATE in workspace.may and bool(billable(workspace)),
        "call": curl(f"{request.scheme}://{request.get_host()}", FIRST_CALL),
        "latest": pictured,
        "today": _spent(workspace, midnight, now),
        "month": _spent(workspace, midnight.replace(day=1), now),
        "days": workspace.available * PACE_DAYS / week if week else None,
        "failed": [
            one
            for one in latest
            if one.generation.state == State.FAILED
            and one.generation.finished_at
            and now - one.generation.finished_at < timedelta(hours=1)
        ],
        "near": _near(keys, key_uses(workspace.tenant.id, now), now),
    }
    return render(request, "workspace/overview.html", context)


def _spent(workspace: Workspace, start: datetime, end: datetime) -> Micros:
    rows = usage_between(
        workspace.tenant.id,
        start=start,
        end=end + timedelta(hours=1),
        bucket=None,
        groups=[],
    )
    return Micros(sum(row.captured for row in rows))


def _near(keys: Sequence[ApiKey], uses: Mapping[UUID, KeyUse], now: datetime) -> list[Budget]:
    """Budgets that are nearly, or wholly, used."""
    found_near = []
    for key in keys:
        use = uses.get(key.id)
        if use is None or key.status(now) != "active":
            continue
        for used, budget, window in (
            (use.month, key.budget_month_micros, "month"),
            (use.day, key.budget_day_micros, "day"),
        ):
            if budget is not None and used >= NEAR * budget:
                found_near.append(Budget(key, used, budget, window))
    return found_near
