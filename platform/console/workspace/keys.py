"""API keys, their limits and usage. The API changes them through the same services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse

from accounts.audit_log import audit_events_about
from accounts.models import SCOPES, ApiKey
from accounts.services.office.api_keys import (
    OVERLAPS,
    change_api_key,
    issue_api_key,
    revoke_api_key,
    rotate_api_key,
)
from accounts.services.office.delegation import change_own_key, issue_own_key, scopes_of
from billing.selectors.office.balances import NOTHING_USED, BudgetUse, key_uses
from billing.selectors.office.budgets import UNUSED_DAYS, KeyInUse, KeyState
from billing.selectors.office.reports import last_used
from console.parts.charts import Spark
from console.parts.filters import MAX_TEXT, Chip, link_of
from console.parts.form_fields import dressed
from console.parts.key_form import ENDED, OVERLAP_WORDS, SCOPE_WORDS, KeyForm, NewKeyForm, values_of
from console.parts.page_query import word_of
from console.workspace.access import (
    FORM,
    POST,
    Permission,
    Workspace,
    by,
    done,
    is_called,
    keys_of,
    member,
    rendered,
)
from console.workspace.shared.audit_events import SHOWN_EVENTS, entries_for_tenant
from console.workspace.shared.first_call import first_call
from console.workspace.shared.recent_use import latest_of, recent_use_of, sparks_of
from pictor.kit.words import clock

MAX_SHOWN_KEYS = 200
"""The most rows of the list; other keys are found by searching."""
LISTS = {
    "": "All",
    "active": "Active",
    "test": "Test",
    "near": "Near budget",
    "unused": f"Unused {UNUSED_DAYS} days",
    "ended": "Ended",
}
TABS = {"": "Use", "rules": "Rules", "history": "History"}
_NEAR = {KeyState.NEAR, KeyState.PASSED, KeyState.USED_UP}
_COLOURS = {
    KeyState.UNOPENED: "info",
    KeyState.ROTATING: "info",
    KeyState.USED_UP: "bad",
    KeyState.PASSED: "warn",
    KeyState.NEAR: "warn",
    KeyState.ACTIVE: "ok",
}
USUAL_SCOPES = ("images:write", "images:read", "billing:read")


@dataclass(frozen=True, slots=True)
class KeyRow(KeyInUse):
    """A key in the list and on its page, with the changes the member may make now."""

    may_change: bool
    may_end: bool
    spark: Spark | None = None

    @property
    def badge(self) -> tuple[str, str]:
        return (_COLOURS.get(self.state, "idle"), self.state.capitalize())


@member(Permission.SEE_KEYS)
def listing(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """List the keys that the member may see and that match the filters, newest first."""
    sparks = sparks_of(workspace, clock.now())
    keys = keys_of(workspace)
    text = request.GET.get("q", "").strip()[:MAX_TEXT]
    called = [key for key in keys if is_called(key, text)]
    shown = [replace(row, spark=sparks.get(row.key.id)) for row in _key_rows(workspace, called)]
    lists = {
        "": shown,
        "active": [row for row in shown if row.is_active],
        "test": [row for row in shown if row.key.is_test],
        "near": [row for row in shown if row.state in _NEAR],
        "unused": [row for row in shown if row.is_unused],
        "ended": [row for row in shown if row.key.has_ended(row.now)],
    }
    chosen = word_of(request.GET, "status", lists)
    context = {
        "keys": lists[chosen][:MAX_SHOWN_KEYS],
        "others": len(lists[chosen][MAX_SHOWN_KEYS:]),
        "chips": [
            Chip(link_of({"status": name, "q": text}), LISTS[name], name == chosen, len(rows))
            for name, rows in lists.items()
        ],
        "chosen": chosen,
        "text": text,
        "has_any": bool(keys),
        "overlaps": OVERLAP_WORDS.items(),
    }
    return rendered(request, workspace, "workspace/keys.html", context)


@member(Permission.MAKE_KEYS, FORM)
def create(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Create a key, and show its text only this once."""
    most = scopes_of(workspace.role)
    if request.method != "POST":
        form = NewKeyForm(initial={"scopes": USUAL_SCOPES}, most=most)
    else:
        form = NewKeyForm(request.POST, most=most)
    if form.is_valid():
        issue = issue_api_key if Permission.MANAGE_KEYS in workspace.may else issue_own_key
        try:
            key, text = issue(
                tenant=workspace.tenant,
                name=form.cleaned_data["name"],
                rules=form.rules(),
                is_test=form.is_test,
                once=form.cleaned_data["once"],
                actor=workspace.user,
                ip=request.META.get("REMOTE_ADDR"),
            )
        except ValidationError as error:
            form.take_errors(error)
        else:
            return _reveal(request, workspace, key, text)
    context = {"form": dressed(form)}
    return rendered(request, workspace, "workspace/key_new.html", context, refused=form.is_bound)


@member(Permission.SEE_KEYS, FORM)
def detail(request: HttpRequest, workspace: Workspace, key: str) -> HttpResponse:
    """Show a key: its latest usage, its rules and the changes to them; POST changes it."""
    found, keys = _key_among(workspace, key)
    if request.method != "POST":
        return _detail(request, workspace, found, keys)
    _require_change(workspace, found)
    if found.has_ended(clock.now()):
        return _detail(request, workspace, found, keys, refusal=ENDED)
    form = dressed(KeyForm(request.POST, initial=values_of(found), most=scopes_of(workspace.role)))
    if form.is_valid() and _is_changed(request, workspace, found, form):
        return done(request, workspace, "Changes saved", "key", found.public_id)
    return _detail(request, workspace, found, keys, form)


def _is_changed(request: HttpRequest, workspace: Workspace, key: ApiKey, form: KeyForm) -> bool:
    change = change_api_key if Permission.MANAGE_KEYS in workspace.may else change_own_key
    name, who = form.cleaned_data["name"], by(request, workspace)
    try:
        change(key=key, name=name, rules=form.rules_for(key), **who)
    except ValidationError as error:
        form.take_errors(error)
        return False
    return True


@member(Permission.MAKE_KEYS, POST)
def rotate(request: HttpRequest, workspace: Workspace, key: str) -> HttpResponse:
    """Give a key a new text, shown only this once; the former one works for the chosen time."""
    found = _key(workspace, key)
    _require_change(workspace, found)
    overlap = OVERLAPS.get(request.POST.get("overlap", ""))
    if overlap is None:
        return _refuse(request, workspace, found, "Choose when the old secret ends.")
    return _with_new_text(request, workspace, found, overlap=overlap)


@member(Permission.ALLOW_SUPPORT, POST)
def open_one(request: HttpRequest, workspace: Workspace, key: str) -> HttpResponse:
    """Make the text of a key that support made, as an owner, and show it only this once."""
    found = _key(workspace, key)
    return _with_new_text(request, workspace, found, overlap=timedelta(), opens=True)


def _with_new_text(
    request: HttpRequest, workspace: Workspace, key: ApiKey, **how: Any
) -> HttpResponse:
    try:
        text = rotate_api_key(key=key, now=clock.now(), **how, **by(request, workspace))
    except ValidationError as error:
        return _refuse(request, workspace, key, " ".join(error.messages))
    return _reveal(request, workspace, key, text)


@member(Permission.MAKE_KEYS, POST)
def revoke(request: HttpRequest, workspace: Workspace, key: str) -> HttpResponse:
    """Revoke a key. For a key that may be in use, its name must be typed."""
    found = _key(workspace, key)
    if not _may_end(workspace, found):
        raise Http404
    (shown,) = _key_rows(workspace, [found])
    typed, name = request.POST.get("confirm", ""), found.name
    if shown.asks_for_name and typed.split() != name.split():  # a field cannot hold every space
        return _refuse(
            request, workspace, found, "It was used recently: type its name to revoke it."
        )
    revoke_api_key(key=found, now=clock.now(), **by(request, workspace))
    return done(request, workspace, "Key revoked", "key", found.public_id)


def _key(workspace: Workspace, public_id: str) -> ApiKey:
    return _key_among(workspace, public_id)[0]


def _key_among(workspace: Workspace, public_id: str) -> tuple[ApiKey, Sequence[ApiKey]]:
    """A key, and all keys that the member may see. Raises Http404."""
    keys = keys_of(workspace)
    for key in keys:
        if key.public_id == public_id:
            return key, keys
    raise Http404


def _may_change(workspace: Workspace, key: ApiKey) -> bool:
    """True if the member may change the key: not if it may do more, as they would see its text."""
    return _may_end(workspace, key) and set(key.scopes) <= scopes_of(workspace.role)


def _may_end(workspace: Workspace, key: ApiKey) -> bool:
    """True if the member may revoke the key: managers any, makers their own."""
    return Permission.MANAGE_KEYS in workspace.may or (
        Permission.MAKE_KEYS in workspace.may and key.created_by_id == workspace.user.id
    )


def _require_change(workspace: Workspace, key: ApiKey) -> None:
    if not _may_change(workspace, key):
        raise Http404


def _key_rows(workspace: Workspace, keys: Sequence[ApiKey]) -> list[KeyRow]:
    now = clock.now()
    uses: Mapping[UUID, BudgetUse] = key_uses(workspace.tenant.id, now)
    used = last_used(workspace.tenant.id, since=now - timedelta(days=UNUSED_DAYS))
    return [
        KeyRow(
            key,
            uses.get(key.id, NOTHING_USED),
            used.get(key.id),
            now,
            may_change=not key.has_ended(now) and _may_change(workspace, key),
            may_end=not key.has_ended(now) and _may_end(workspace, key),
        )
        for key in keys
    ]


def _reveal(request: HttpRequest, workspace: Workspace, key: ApiKey, text: str) -> HttpResponse:
    origin = f"{request.scheme}://{request.get_host()}"
    call = first_call(origin, workspace, key, text)
    context = {"key": key, "text": text, "call": call}
    return rendered(request, workspace, "workspace/key_revealed.html", context)


def _refuse(request: HttpRequest, workspace: Workspace, key: ApiKey, why: str) -> HttpResponse:
    return _detail(request, workspace, key, keys_of(workspace), refusal=why)


def _detail(
    request: HttpRequest,
    workspace: Workspace,
    key: ApiKey,
    keys: Sequence[ApiKey],
    form: KeyForm | None = None,
    *,
    refusal: str = "",
) -> HttpResponse:
    """Render the key's page, with a refused form or the reason of a refusal."""
    usual = KeyForm(initial=values_of(key), most=scopes_of(workspace.role))
    (shown,) = _key_rows(workspace, [key])
    lately = recent_use_of(workspace, shown.now, key)
    events = audit_events_about(workspace.tenant.id, "api_key", key.public_id, limit=SHOWN_EVENTS)
    tabs = {name: TABS[name] for name in TABS if name != "rules" or shown.may_change}
    tab = "rules" if form else word_of(request.GET, "tab", tabs)
    context = {
        "tab": tab,
        "tabs": [Chip(link_of({"tab": to}) or "?", tabs[to], to == tab) for to in tabs],
        "shown": shown,
        "key": key,
        "form": form or dressed(usual),
        "refusal": refusal,
        "lately": lately,
        "chart": lately.chart,
        "period": lately.period,
        "is_money": True,
        "rows": latest_of(workspace, key),
        "scopes": [SCOPE_WORDS[scope] for scope in SCOPES if scope in key.scopes],
        "overlaps": OVERLAP_WORDS.items(),
        "history": entries_for_tenant(workspace, events, is_of_one=True, keys=keys),
    }
    return rendered(request, workspace, "workspace/key.html", context, refused=form or refusal)
