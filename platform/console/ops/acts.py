"""Acts on pages of the operator's console: form, effect, done."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect

from console.ops.access import FORM, Operator, by, rendered, staff
from console.parts.acts import Act, ActResult, Asked, Proposal
from console.parts.page_guards import View
from pictor.kit.words import clock, ids


def page_of(act: Act[Any]) -> View:
    """Return the page of an act: it is shown, reviewed and done there, by roles that may."""

    @staff(act.needs, FORM, fresh=not act.not_fresh, not_fresh=act.not_fresh)
    def page(request: HttpRequest, operator: Operator, subject: str = "") -> HttpResponse:
        return answer(act, request, operator, subject)

    return page


def answer(act: Act[Any], request: HttpRequest, operator: Operator, subject: str) -> HttpResponse:
    """Show a form or its effect, or do the act as it was shown."""
    found = act.about.named(subject) if act.about else None
    if not act.is_on() or (act.about and found is None):
        raise Http404
    asked = _asked(request, operator, found)
    if request.method == "POST":
        return _send(act, request, operator, asked)
    if words := act.already(asked):
        return _go_on(request, ActResult(words=words), act, found)
    return _page(request, operator, Proposal(act, asked, query=request.GET))


def _asked(request: HttpRequest, operator: Operator, subject: object) -> Asked[Any]:
    return Asked(
        subject=subject,
        by=by(request, operator),
        may=operator.may,
        mode=operator.mode,
        once=ids.parse_uuid(request.POST.get("once", "")) or ids.new_uuid(),
        now=clock.now(),
        site=request.build_absolute_uri("/"),
    )


def _send(
    act: Act[Any], request: HttpRequest, operator: Operator, asked: Asked[Any]
) -> HttpResponse:
    """Do the act if its effect was shown, else show it."""
    sent = request.POST
    proposal = Proposal(act, asked, sent, files=request.FILES)
    if "once" in sent and ids.parse_uuid(sent["once"]) is None:
        proposal.complaint = "It lacks its number. Open this form again."
    result = proposal.settle(seen=sent.get("seen", ""), confirm=sent.get("confirm", ""))
    if result is None:
        return _page(request, operator, proposal)
    return _done(request, operator, proposal, result)


def _done(
    request: HttpRequest, operator: Operator, proposal: Proposal[Any], done: ActResult
) -> HttpResponse:
    if not (done.results or done.secret):
        return _go_on(request, done, proposal.act, proposal.asked.subject)
    is_whole = all(result.state == "ok" for result in done.results)
    more = {
        "results": done.results,
        "words": done.words,
        "is_whole": is_whole,
        "secret": done.secret,
        **({"up": done.page} if done.page else {}),
    }
    return _page(request, operator, proposal, more)


def _go_on(request: HttpRequest, done: ActResult, act: Act[Any], subject: object) -> HttpResponse:
    messages.success(request, done.words)
    page = done.page or act.page_above(subject)
    return HttpResponseRedirect(page, status=HTTPStatus.SEE_OTHER)


def _page(
    request: HttpRequest,
    operator: Operator,
    proposal: Proposal[Any],
    more: Mapping[str, object] | None = None,
) -> HttpResponse:
    act, subject = proposal.act, proposal.asked.subject
    is_refused = request.method == "POST" and proposal.is_refused
    words = act.words_of(subject)
    context = {
        "base": "ops/base.html",
        "act": act,
        "proposal": proposal,
        "subject": words,
        "lead": act.lead.replace("{}", words),
        "up": act.page_above(subject),
        **(proposal.preview.context if proposal.preview else {}),
        **(more or {}),
    }
    return rendered(request, operator, act.template, context, refused=is_refused)
