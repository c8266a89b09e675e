"""A person's own page: their name, how they sign in, and where they are signed in."""

from http import HTTPStatus
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.mfa.base.views import IndexView
from django import forms
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from typing_extensions import override

from accounts.models import User
from accounts.selectors.office.people import open_sessions_of
from accounts.services.audit import By
from accounts.services.office.leaving import delete_account, owned_alone
from accounts.services.office.open_sessions import end_session
from accounts.services.office.people import change_person, end_sessions
from accounts.sign_in.address_codes import forget_code
from accounts.sign_in.factors import keeps_last_factor
from accounts.sign_in.sessions import digest_of
from pictor.kit.words import clock

HOME = "mfa_index"


class NameForm(forms.Form):
    """The name of a person; it may be empty."""

    name = forms.CharField(required=False, max_length=150)


class AccountView(IndexView):
    """The page of the signed-in person."""

    @override
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = person_of(self.request)
        return {
            **super().get_context_data(**kwargs),
            "keeps_last_factor": keeps_last_factor(self.request),
            "sessions": open_sessions_of(user.pk, now=clock.now()),
            "here": digest_of(self.request.session.session_key or ""),
        }


@require_POST
@login_required
def set_name(request: HttpRequest) -> HttpResponse:
    user = person_of(request)
    form = NameForm(request.POST)
    if form.is_valid():
        change_person(user=user, name=form.cleaned_data["name"], **by_self(request))
        messages.success(request, "Name saved")
    else:
        messages.error(request, "A name has at most 150 characters.")
    return redirect(HOME)


@require_POST
@login_required
def end_one(request: HttpRequest, digest: str) -> HttpResponse:
    """End one of the person's sessions, in another browser."""
    if end_session(user=person_of(request), digest=digest, **by_self(request)):
        messages.success(request, "Session ended")
    else:
        messages.info(request, "That session has ended already.")
    return redirect(HOME)


@require_POST
@login_required
def end_others(request: HttpRequest) -> HttpResponse:
    """End all of the person's sessions but this one."""
    end_other_sessions(request)
    messages.success(request, "All other sessions ended")
    return redirect(HOME)


def end_other_sessions(request: HttpRequest) -> None:
    """End the sessions of the signed-in person but this one, and what a mailed code allowed it."""
    user = person_of(request)
    end_sessions(user=user, **by_self(request))
    update_session_auth_hash(request, user)
    forget_code(request)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required
def delete(request: HttpRequest) -> HttpResponse:
    """Say what deleting the account means, and delete it."""
    user, refusal = person_of(request), ""
    if request.method == "POST":
        typed = request.POST.get("email", "")
        try:
            delete_account(user=user, confirmation=typed, now=clock.now(), **by_self(request))
        except ValidationError as error:
            refusal = " ".join(error.messages)
        else:
            logout(request)
            messages.success(request, "Your account is deleted")
            return redirect("site:landing")
    context = {"alone": owned_alone(user), "refusal": refusal}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    return render(request, "account/delete.html", context, status=status)


def person_of(request: HttpRequest) -> User:
    """The signed-in person. Raises Http404 without one."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def by_self(request: HttpRequest) -> By:
    """The signed-in person, as the actor of a change of themselves."""
    return By(actor=person_of(request), ip=request.META.get("REMOTE_ADDR"))
