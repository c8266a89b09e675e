"""Second factors as operators change them: removed when lost, encrypted with a newer key.

Not re-exported by the package: it imports modules that other callers never need.
"""

from typing import Any, Unpack

from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Actor, Subject, User
from accounts.services.audit import By, record
from accounts.services.office.mail import post_rendered
from accounts.services.office.people import end_sessions, record_in_workspaces
from pictor.kit.secrets.encryption import WrongKey, encrypted_anew

MAIL = "account/email/factor_reset"
SECRETS = frozenset({"secret", "seed"})
"""The fields of an authenticator's data with a secret: of an app, of recovery codes."""


@transaction.atomic
def reset_second_factors(*, user: User, **by: Unpack[By]) -> int:
    """Remove all second factors of a person who lost them; return how many there were.

    Open sessions end, and the person is mailed. They sign in with only their password and set up
    new factors. Raises ValidationError if they have none.
    """
    factors = list(Authenticator.objects.select_for_update().filter(user=user).order_by("id"))
    if not factors:
        raise ValidationError(f"{user.email} has no second factor.")
    Authenticator.objects.filter(user=user).delete()
    before = {"factors": [factor.type for factor in factors]}
    event: dict[str, Any] = {"before": before, "after": {"factors": []}, **by}
    record(user.audited, "user.mfa_reset", **event)
    record_in_workspaces(user, "user.mfa_reset", **event)
    end_sessions(user=user, **by)
    post_rendered(to=[user.email], template=MAIL, words={"email": user.email})
    return len(factors)


@transaction.atomic
def encrypt_second_factors_anew(*, actor: Actor) -> int:
    """Encrypt all second factors' secrets with the newest key; return how many factors.

    Raises ValidationError, and changes nothing, if one is encrypted with an unknown key.
    """
    factors = list(Authenticator.objects.select_for_update().order_by("id"))
    for factor in factors:
        try:
            anew = {
                name: encrypted_anew(factor.data[name]) for name in SECRETS & factor.data.keys()
            }
        except WrongKey:
            raise ValidationError(
                f"The second factor of {factor.user.email} was encrypted with an unknown key."
            ) from None
        factor.data = {**factor.data, **anew}
        factor.save(update_fields=["data"])
    record(Subject("user", ""), "user.mfa_rotate", actor=actor, after={"factors": len(factors)})
    return len(factors)
