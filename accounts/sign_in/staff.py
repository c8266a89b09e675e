"""The admin as a site that asks for the second factor."""

from collections.abc import Iterable
from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.paginator import InvalidPage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from typing_extensions import override
from unfold.sites import UnfoldAdminSite

from accounts.models import User
from accounts.sign_in.factors import app_since, has_shown
from accounts.sign_in.forms import SignInForm
from accounts.sign_in.pages import response_with_limit

HIDDEN = frozenset({"account", "mfa", "auth"})
"""The apps of allauth, and Django's groups."""


class StaffSite(UnfoldAdminSite):
    """Unfold's site, only for owners, who must have shown the second factor if it is required."""

    login_form = SignInForm

    @override
    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Leave out pages that would change factors or rights without an audit event."""
        models = (
            model_or_iterable if isinstance(model_or_iterable, Iterable) else [model_or_iterable]
        )
        shown = [model for model in models if model._meta.app_label not in HIDDEN]  # noqa: SLF001 - documented
        super().register(shown, admin_class, **options)

    @override
    def has_permission(self, request: HttpRequest) -> bool:
        return _is_owner(request) and (not settings.STAFF_MFA or has_shown_factor(request))

    @override
    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        try:
            found: HttpResponse = super().search(request, extra_context)
        except InvalidPage:
            raise Http404 from None
        return found

    @override
    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.GET.get("term", ""):
            raise Http404
        found: HttpResponse = super().autocomplete_view(request)
        return found

    @override
    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Redirect to the general page: behind the factor, with an event in the audit log."""
        return HttpResponseRedirect(reverse("account_change_password"))

    @override
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Django's sign-in with allauth's stages; owners lacking only the factor go to its page."""
        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
        if request.method == "GET" and _is_owner(request):
            return HttpResponseRedirect(_page_of_factor(request))
        context = {
            **self.each_context(request),
            "title": "Log in",
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            **(extra_context or {}),
        }
        if REDIRECT_FIELD_NAME not in {*request.GET, *request.POST}:
            context[REDIRECT_FIELD_NAME] = reverse("admin:index", current_app=self.name)
        request.current_app = self.name
        return _StagedLoginView.as_view(
            extra_context=context,
            authentication_form=self.login_form,
            next_page=reverse("admin:index", current_app=self.name),
            template_name="admin/login.html",
        )(request)


def _is_owner(request: HttpRequest) -> bool:
    user = request.user
    return isinstance(user, User) and user.staff_role == User.StaffRole.OWNER


class _StagedLoginView(LoginView):
    """Django's view, whose form leads through allauth's stages before it signs in."""

    @override
    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        if self.request.user.is_authenticated:
            logout(self.request)
        # The password was typed just now, so a person without a factor sets one up without typing
        # it again.
        record_authentication(self.request, user, "password", reauthenticated=True)
        # Staff are created by staff, so they can get in even if no mail works.
        login = Login(user=user, redirect_url=self.get_success_url(), email_verification="none")
        response: HttpResponse = perform_login(self.request, login)
        return response

    @override
    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Return the form with its errors; a 429 if there were too many attempts."""
        response = super().form_invalid(form)
        return response_with_limit(response, form) if isinstance(form, SignInForm) else response


def has_shown_factor(request: HttpRequest) -> bool:
    """True if this session has shown a factor since the person set up their present one."""
    user = request.user
    if not isinstance(user, User):
        return False
    since = app_since(user)
    return since is not None and has_shown(request, user, since=since)


def _page_of_factor(request: HttpRequest) -> str:
    """The page for staff who have signed in with only their password."""
    user = request.user
    if isinstance(user, User) and app_since(user) is not None:
        following = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        return f"{reverse('mfa_reauthenticate')}?{urlencode({REDIRECT_FIELD_NAME: following})}"
    return reverse("mfa_activate_totp")
