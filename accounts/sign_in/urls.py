"""The pages for signing up and in: a selection of allauth's, under its names."""

from allauth.account import views as account
from allauth.account.decorators import reauthentication_required as reauthenticated
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from django.contrib.auth.decorators import login_required
from django.urls import URLPattern, path, reverse_lazy

from accounts.sign_in import account as account_page
from accounts.sign_in.address_change import change_address
from accounts.sign_in.factors import behind_factor
from accounts.sign_in.pages import (
    AddressView,
    CodesView,
    CodeView,
    CountedView,
    FactorView,
    SetUpView,
    SignUpView,
    View,
    page,
    replaced_by_staff,
    sign_out_everywhere,
)
from accounts.sign_in.passkeys import AddPasskeyView, FactorAgainView

REMOVE_PASSKEY = RemoveWebAuthnView.as_view(
    template_name="mfa/passkey_remove.html", success_url=reverse_lazy("mfa_index")
)


def _page(route: str, view: View, name: str) -> URLPattern:
    return path(route, page(view), name=name)


urlpatterns = [
    _page("login/", CountedView.as_view(), "account_login"),
    _page("logout/", account.logout, "account_logout"),
    _page("logout/everywhere/", sign_out_everywhere, "sign_out_everywhere"),
    _page("inactive/", account.account_inactive, "account_inactive"),
    _page("signup/", SignUpView.as_view(), "account_signup"),
    _page("confirm-email/", CodeView.as_view(), "account_email_verification_sent"),
    _page("password/change/", behind_factor(account.password_change), "account_change_password"),
    _page("password/reset/", account.password_reset, "account_reset_password"),
    _page(
        "password/reset/confirm/",
        account.confirm_password_reset_code,
        "account_confirm_password_reset_code",
    ),
    _page(
        "password/reset/complete/",
        account.complete_password_reset,
        "account_complete_password_reset",
    ),
    _page(
        "password/reset/done/",
        account.password_reset_from_key_done,
        "account_password_reset_completed",
    ),
    _page("reauthenticate/", account.reauthenticate, "account_reauthenticate"),
    _page("2fa/", account_page.AccountView.as_view(), "mfa_index"),
    _page(
        "email/",
        behind_factor(login_required(reauthenticated(change_address))),
        "account_email",
    ),
    _page("delete/", behind_factor(account_page.delete), "account_delete"),
    _page("name/", account_page.set_name, "account_name"),
    _page("sessions/others/end/", account_page.end_others, "account_end_others"),
    _page("sessions/<slug:digest>/end/", account_page.end_one, "account_end_session"),
    _page("2fa/authenticate/", FactorView.as_view(), "mfa_authenticate"),
    _page("2fa/reauthenticate/", FactorAgainView.as_view(), "mfa_reauthenticate"),
    _page("2fa/passkeys/add/", login_required(AddPasskeyView.as_view()), "mfa_add_webauthn"),
    _page(
        "2fa/passkeys/<int:pk>/remove/",
        replaced_by_staff(behind_factor(REMOVE_PASSKEY)),
        "mfa_remove_webauthn",
    ),
    _page("2fa/totp/address/", login_required(AddressView.as_view()), "mfa_confirm_address"),
    _page("2fa/totp/activate/", SetUpView.as_view(), "mfa_activate_totp"),
    _page(
        "2fa/totp/deactivate/",
        replaced_by_staff(behind_factor(totp.deactivate_totp)),
        "mfa_deactivate_totp",
    ),
    _page(
        "2fa/recovery-codes/",
        behind_factor(CodesView.as_view()),
        "mfa_view_recovery_codes",
    ),
    _page(
        "2fa/recovery-codes/generate/",
        behind_factor(recovery.generate_recovery_codes),
        "mfa_generate_recovery_codes",
    ),
    _page(
        "2fa/recovery-codes/download/",
        behind_factor(recovery.download_recovery_codes),
        "mfa_download_recovery_codes",
    ),
]
