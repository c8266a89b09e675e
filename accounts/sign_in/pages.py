"""The library's pages as this site shows them: never cached, each in one transaction."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.account.mixins import NextRedirectMixin
from allauth.account.stages import EmailVerificationStage, LoginStage, LoginStageController
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import ConfirmEmailVerificationCodeView, LoginView, SignupView
from allauth.mfa.base.internal.flows import delete_and_cleanup
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView
from django.contrib import messages
from django.contrib.auth import login, logout
from django.db import IntegrityError, transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django.views.generic.edit import FormView
from typing_extensions import override

from accounts.locks import user_for_update
from accounts.models import User
from accounts.services import record
from accounts.services.office.people import end_sessions
from accounts.sign_in.account import end_other_sessions
from accounts.sign_in.address_codes import AddressForm, is_mailed, mail_code
from accounts.sign_in.factors import factor_wanted_first, factors_of, keeps_last_factor
from accounts.sign_in.forms import LimitedForm
from accounts.sign_in.passkeys import PasskeyForm, options_of
from pictor.kit.database.errors import is_duplicate

View = Callable[..., HttpResponseBase]


def page(view: View) -> View:
    """Run the view in one transaction, so a mail or an audit event is written with its change.

    If a concurrent request has made the same change, redirect to the page.
    """

    @wraps(view)
    def whole(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            with transaction.atomic():
                return view(request, *args, **kwargs)
        except IntegrityError as error:
            if not is_duplicate(error):
                raise
            messages.warning(request, "The same form was sent twice at once. Look again.")
            return redirect(request.get_full_path())

    return never_cache(whole)


class _BegunAnew:
    """A page that starts a sign-in or sign-up afresh, ignoring one that is pending in this browser.

    The library would lead back to it: to a code for another person, or one that never came.
    """

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: LoginStage) -> None:
        return None


class SignUpView(_BegunAnew, SignupView):
    """The library's sign-up."""


class CodeView(ConfirmEmailVerificationCodeView):
    """The page for the code that confirms an address, at sign-up or at a later sign-in."""

    @override
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Redirect to the sign-in, or to the page after it, if no code is awaited."""
        if LoginStageController.enter(request, EmailVerificationStage.key) is None:
            return redirect("account_login")
        shown: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return shown

    @override
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add `is_sign_up`; a person who signs in has already shown that the account exists."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, "is_sign_up": self.stage.login.signup}

    def _resend_form_valid(self, form: Form) -> HttpResponseBase:
        """Mail the code again; the library's version mails nothing if the account exists."""
        self._process.generate_code()
        self._process.send()
        self._process.record_resend()
        self._process.persist()
        return redirect(self.passthrough_next_url(reverse("account_email_verification_sent")))


class FactorView(AuthenticateView):
    """The page that asks for the second factor's code, or a passkey, at the sign-in."""

    webauthn_form_class = PasskeyForm

    @override
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Read a form without a code or a passkey as one with an empty code."""
        if request.method == "POST" and not {"code", "credential"} & request.POST.keys():
            form = request.POST.copy()
            form["code"] = ""
            request.POST = form  # type: ignore[assignment]  # the stubs have no setter
        asked: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return asked

    @override
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, "options": options_of(context["js_data"]["request_options"])}


class AddressView(NextRedirectMixin, FormView):  # type: ignore[type-arg]  # none at run time
    """The page for the code that staff are mailed before they set up a first app."""

    form_class = AddressForm
    template_name = "mfa/totp/address.html"

    @override
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "is_mailed": is_mailed(self.request)}

    @override
    def get_success_url(self) -> str:
        return str(self.passthrough_next_url(reverse("mfa_activate_totp")))

    @override
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Mail a code, or read the typed one."""
        if request.POST.get("action") != "resend":
            return super().post(request, *args, **kwargs)
        mail_code(request)
        return redirect(self.passthrough_next_url(request.path))


class SetUpView(NextRedirectMixin, ActivateTOTPView):
    """The library's set-up of an app; it uses the code up and ends other sessions.

    A present app, which must have been shown lately, works until the new one is confirmed. The
    recovery codes that follow lead back to the page before the set-up.
    """

    replaced: datetime | None = None
    """The time at which the app to replace was set up."""

    @override
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask for a present factor, which the library would have removed, or a mailed code."""
        if (first := factor_wanted_first(request)) is not None:
            return first
        if isinstance(request.user, User):
            apps = factors_of(request.user).filter(type=Authenticator.Type.TOTP)
            self.replaced = apps.values_list("created_at", flat=True).first()
        raise_if_reauthentication_required(request, app="allauth.mfa")
        return FormView.dispatch(self, request, *args, **kwargs)

    @override
    def get_success_url(self) -> str:
        if not self.did_generate_recovery_codes:
            return str(super().get_success_url())
        return str(self.passthrough_next_url(reverse("mfa_view_recovery_codes")))

    @override
    def form_valid(self, form: Form) -> HttpResponse:
        user = self.request.user
        if isinstance(user, User) and user_for_update(user.pk).sessions_ended > user.sessions_ended:
            return redirect(self.request.get_full_path())  # by a new role, for example
        apps = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP)
        for former in apps.filter(created_at=self.replaced):  # and none set up meanwhile
            delete_and_cleanup(self.request, former)
        response: HttpResponse = super().form_valid(form)
        if isinstance(user, User):
            apps.get().wrap().validate_code(form.cleaned_data["code"])
            end_other_sessions(self.request)
        return response


def replaced_by_staff(view: View) -> View:
    """Lead staff who need a factor from the removal of their only one to its replacement."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if keeps_last_factor(request):
            messages.info(request, "Staff keep a second factor: set up another one first.")
            return redirect("mfa_activate_totp")
        return view(request, *args, **kwargs)

    return guarded


class CodesView(ViewRecoveryCodesView):
    """The library's page of recovery codes, with `back`, the page before the set-up."""

    @override
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, "back": get_next_redirect_url(self.request) or ""}


@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End every session of the signed-in person, including this one."""
    user = request.user
    if isinstance(user, User):
        end_sessions(user=user, actor=user, ip=request.META.get("REMOTE_ADDR"))
        logout(request)
        messages.success(request, "Signed out everywhere")
    return redirect("account_login")


@transaction.atomic
def sign_in_to_demo(request: HttpRequest, user: User) -> None:
    """Sign the demo's owner in without a password, and note it in the audit log."""
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    record(user.audited, "user.opened_demo", actor=user, ip=request.META.get("REMOTE_ADDR"))


class CountedView(_BegunAnew, LoginView):
    """The library's sign-in, which says when the next attempt is allowed."""

    @override
    def form_invalid(self, form: LimitedForm) -> HttpResponse:
        """Return the form with its errors; a 429 if there were too many attempts."""
        return response_with_limit(super().form_invalid(form), form)


def response_with_limit(response: HttpResponse, form: LimitedForm) -> HttpResponse:
    """Return the response, as a 429 with Retry-After if the form was over the limit."""
    wait = form.retry_after()
    if wait is not None:
        response.status_code = HTTPStatus.TOO_MANY_REQUESTS
        response.headers["Retry-After"] = str(wait)
    return response


def too_many(request: HttpRequest) -> HttpResponse:
    """The page for a person with too many attempts."""
    return TemplateResponse(request, "429.html", status=HTTPStatus.TOO_MANY_REQUESTS).render()
