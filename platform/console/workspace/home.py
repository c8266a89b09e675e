"""The choice of a workspace, and its overview: its state and the next steps."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import ApiKey, User
from accounts.selectors.office.members import has_colleagues, memberships_of
from accounts.services.office.api_keys import SIGN_UP_KEY
from accounts.services.office.members import hide_start
from accounts.services.office.sign_up_credit import REASON
from accounts.services.office.welcome import MAX_OWNED
from billing.periods import bucket_start, day_of
from billing.selectors.office.balances import balance_alert_of
from billing.selectors.office.budgets import budgets_of
from billing.selectors.office.reports import (
    PACE,
    captured_since,
    days_lasting,
    first_money,
    has_made_images,
)
from console.parts.rows import SHOWN_CHARS, row_of
from console.workspace.access import (
    OWNER,
    POST,
    Permission,
    Workspace,
    keys_of,
    may_use,
    member,
    rendered,
)
from console.workspace.shared.content import without_content
from console.workspace.shared.first_call import first_call
from console.workspace.shared.recent_use import recent_use_of
from console.workspace.shared.sunsets import sunsets_of
from console.workspace.shared.trouble import trouble_of
from generation.models import Source, State
from generation.selectors import Finished
from generation.tenants.searching import Criteria, has_called, newest_matching
from pictor.kit.words import clock
from pictor.kit.words.ids import TenantId

STRIP = 12
MAX_SCANNED_ROWS = 40
MAX_KNOWN = 10_000
KNOWN: set[tuple[str, UUID]] = set()
"""Facts of tenants that this process has seen, and that stay true: they are not read again."""


@require_safe
@never_cache
def choose(request: HttpRequest) -> HttpResponseBase:
    """Show the person's workspaces; redirect to the only one, unless all are requested.

    After deleting a workspace the person comes here, and reads that it was deleted.
    """
    if not isinstance(request.user, User):
        return redirect_to_login(request.get_full_path(), "account_login")
    memberships = memberships_of(request.user.id)
    is_deleted = "deleted" in request.GET
    if len(memberships) == 1 and "all" not in request.GET and not is_deleted:
        return redirect("workspace:overview", memberships[0].tenant.public_id)
    owned = sum(membership.role == OWNER for membership in memberships)
    context = {
        "memberships": memberships,
        "is_deleted": is_deleted,
        "owned": owned,
        "may_open": owned < MAX_OWNED,
    }
    return render(request, "workspace/choose.html", context)


@member()
def overview(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Show a checklist until it is done, money, failures and the latest images."""
    now, has_followed = clock.now(), "HX-Request" in request.headers
    latest, is_begun = _latest(workspace, has_followed=has_followed)
    pictured = [row_of(finished, {}) for finished in latest if finished.images]
    keys = keys_of(workspace)
    usable = [key for key in keys if may_use(workspace, key, now)]
    own = [key for key in usable if key.name != SIGN_UP_KEY]
    budgets = budgets_of(workspace.tenant, keys, used=workspace.balance.used, now=now)
    lately = recent_use_of(workspace, now)
    steps = _steps(workspace, is_begun=is_begun, has_own_key=bool(own))
    context = {
        "steps": steps,
        "has_demo_data": any(finished.generation.source == Source.DEMO for finished in latest),
        "is_begun": is_begun,
        "has_own_key": bool(own),
        "is_paid": ("paid", workspace.id) in KNOWN,
        "can_generate": Permission.GENERATE in workspace.may and bool(usable),
        "call": _first_call(request, workspace, own) if steps else "",
        "latest": pictured[:STRIP],
        **_charges(workspace, now),
        "alert": balance_alert_of(workspace.tenant.id)
        if Permission.SEE_MONEY in workspace.may
        else None,
        "failed": _recent_failures(latest, now),
        "trouble": trouble_of(workspace, now),
        "endings": sunsets_of(workspace, now, used=lately.models),
        "budgets": budgets,
        "near": [budget for budget in budgets if budget.is_near],
        "lately": lately,
        "chart": lately.chart,
        "period": lately.period,
        "is_money": True,
        "newest": row_of(latest[0], {}) if latest else None,
        "first": pictured[-1] if pictured else None,
        "has_followed": has_followed,
    }
    return rendered(request, workspace, "workspace/overview.html", context)


@member(methods=POST)
def dismiss_start(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Hide the first steps from this member."""
    hide_start(by=workspace.member)
    return redirect("workspace:overview", workspace.tenant.public_id)


def _steps(workspace: Workspace, *, is_begun: bool, has_own_key: bool) -> dict[str, bool]:
    """The first steps and whether each is done; empty once all are, or if they were dismissed."""
    if Permission.GENERATE not in workspace.may or workspace.member.hides_start:
        return {}
    steps = {
        "key": has_own_key,
        "image": is_begun,
        "call": is_begun and _once("called", workspace.id, has_called),
    }
    if Permission.MANAGE in workspace.may:
        steps["more"] = _once("paid", workspace.id, _has_paid) or has_colleagues(workspace.id)
    return {} if all(steps.values()) else steps


def _has_paid(tenant_id: UUID) -> bool:
    return first_money(tenant_id, reason=REASON).is_paid


def _once(fact: str, tenant_id: TenantId, ask: Callable[[TenantId], bool]) -> bool:
    """Whether a fact that stays true is so; asked for until it is."""
    if (fact, tenant_id) in KNOWN:
        return True
    if not ask(tenant_id):
        return False
    if len(KNOWN) >= MAX_KNOWN:
        KNOWN.clear()
    KNOWN.add((fact, tenant_id))
    return True


def _latest(workspace: Workspace, *, has_followed: bool) -> tuple[list[Finished], bool]:
    """The latest visible generations, and whether the first image has arrived."""
    if Permission.SEE_GENERATIONS not in workspace.may:
        return [], True
    # Ask before reading the images: one that is made in between is then still awaited.
    had_made = has_followed and has_made_images(workspace.id)
    whole = newest_matching(
        workspace.tenant.id, Criteria(), limit=MAX_SCANNED_ROWS, prompt_chars=SHOWN_CHARS
    )
    latest = [without_content(workspace, finished) for finished in whole]
    has_succeeded = any(finished.generation.state == State.SUCCEEDED for finished in latest)
    if has_succeeded or has_followed:
        return latest, has_succeeded or had_made
    return latest, _once("made", workspace.id, has_made_images)


def _charges(workspace: Workspace, now: datetime) -> dict[str, Any]:
    """The charges of today and this month, and how many days the balance lasts at this pace."""
    zone = workspace.tenant.zone
    day_start = bucket_start(now, "day", zone=zone)
    month_start = bucket_start(now, "month", zone=zone)
    today, month, week = captured_since(workspace.id, [day_start, month_start, now - PACE])
    return {
        "today": today,
        "today_since": day_start,
        "today_day": day_of(now, zone),
        "month": month,
        "month_since": month_start,
        "days": days_lasting(workspace.balance.available, week),
    }


def _recent_failures(latest: Iterable[Finished], now: datetime) -> list[Finished]:
    return [
        finished
        for finished in latest
        if finished.generation.state == State.FAILED
        and finished.generation.finished_at
        and now - finished.generation.finished_at < timedelta(hours=1)
    ]


def _first_call(request: HttpRequest, workspace: Workspace, keys: Sequence[ApiKey]) -> str:
    """The shell command with the newest live key among these, or else with a test key."""
    key = min(keys, key=lambda candidate: candidate.is_test, default=None)
    return first_call(f"{request.scheme}://{request.get_host()}", workspace, key)
