"""The library's pages as this site shows them: never cached, and all that one does or nothing."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from allauth.account.mixins import NextRedirectMixin
from allauth.account.stages import EmailVerificationStage, LoginStage, LoginStageController
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import ConfirmEmailVerificationCodeView, LoginView, SignupView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.db import IntegrityError, transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from typing_extensions import override

from accounts.models import User
from accounts.services import end_sessions
from accounts.sign_in.forms import LimitedForm
from pictor.kit.database.errors import is_duplicate

View = Callable[..., HttpResponseBase]


def page(view: View) -> View:
    """The view in one transaction: a mail or an audit event is written with its change.

    What was done already, by another request at the same moment, leads back to the page.
    """

    @wraps(view)
    def whole(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            with transaction.atomic():
                return view(request, *args, **kwargs)
        except IntegrityError as error:
            if not is_duplicate(error):
                raise
            messages.warning(request, "The same was sent at the same moment. Look again.")
            return redirect(request.get_full_path())

    return never_cache(whole)


class _BegunAnew:
    """A page that signs somebody in or up, whatever was begun in this browser before.

    The library leads back to what is pending: to a code that is another's, or that never came.
    """

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: LoginStage) -> None:
        return None


class SignUpView(_BegunAnew, SignupView):
    """The library's sign-up."""


class CodeView(ConfirmEmailVerificationCodeView):
    """The code that confirms an address, of whoever signs up, or in before it was confirmed."""

    @override
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The sign-in, or what is behind it, where no code is awaited."""
        if LoginStageController.enter(request, EmailVerificationStage.key) is None:
            return redirect("account_login")
        shown: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return shown

    @override
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With `is_sign_up`: whoever signs in has shown that there is an account."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, "is_sign_up": self.stage.login.signup}

    def _resend_form_valid(self, form: Form) -> HttpResponseBase:
        """Mail again; the library's own mails nothing where there is an account already."""
        self._process.generate_code()
        self._process.send()
        self._process.record_resend()
        self._process.persist()
        return redirect(self.passthrough_next_url(reverse("account_email_verification_sent")))


class SetUpView(NextRedirectMixin, ActivateTOTPView):
    """The library's set-up of an app. Its code is used then, and other sessions end.

    The recovery codes that follow lead back to where one was.
    """

    @override
    def get_success_url(self) -> str:
        if not self.did_generate_recovery_codes:
            return str(super().get_success_url())
        return str(self.passthrough_next_url(reverse("mfa_view_recovery_codes")))

    @override
    def form_valid(self, form: Form) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        user = self.request.user
        if isinstance(user, User):
            app = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
            app.wrap().validate_code(form.cleaned_data["code"])
            end_sessions(user=user, actor=user, ip=self.request.META.get("REMOTE_ADDR"))
            update_session_auth_hash(self.request, user)
        return response


class CodesView(ViewRecoveryCodesView):
    """The library's page of recovery codes, with `back`: where one was before the set-up."""

    @override
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, "back": get_next_redirect_url(self.request) or ""}


@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End every session of whoever asks, this one too."""
    user = request.user
    if isinstance(user, User):
        end_sessions(user=user, actor=user, ip=request.META.get("REMOTE_ADDR"))
        logout(request)
        messages.success(request, "Signed out everywhere")
    return redirect("account_login")


class CountedView(_BegunAnew, LoginView):
    """The library's sign-in, which says when the next attempt is counted."""

    @override
    def form_invalid(self, form: LimitedForm) -> HttpResponse:
        """The form with what is wrong; 429 where it is the number of attempts."""
        return said_when(super().form_invalid(form), form)


def said_when(response: HttpResponse, form: LimitedForm) -> HttpResponse:
    """The response, as a 429 with Retry-After where the form was one attempt too many."""
    wait = form.retry_after()
    if wait is not None:
        response.status_code = HTTPStatus.TOO_MANY_REQUESTS
        response.headers["Retry-After"] = str(wait)
    return response


def too_many(request: HttpRequest) -> HttpResponse:
    """The page for whoever has tried too often."""
    return TemplateResponse(request, "429.html", status=HTTPStatus.TOO_MANY_REQUESTS).render()
