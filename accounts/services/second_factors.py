"""Second factors as operators change them: taken away when lost, encrypted by a newer key.

Imported by name: it brings what the package's other callers never need.
"""

from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Actor, Subject, User
from accounts.services.audit import record
from accounts.services.people import end_sessions
from pictor.kit.secrets.encryption import WrongKey, encrypted_anew

SECRETS = frozenset({"secret", "seed"})
"""Where an authenticator's data has one: of an app, of recovery codes."""


@transaction.atomic
def reset_second_factors(*, user: User, actor: Actor, ip: str | None = None) -> int:
    """Take away all second factors of somebody who lost them; how many there were.

    Sessions that are open end. They sign in with their password alone, and set up new ones. Raises
    ValidationError where there is none.
    """
    factors = list(Authenticator.objects.select_for_update().filter(user=user).order_by("id"))
    if not factors:
        raise ValidationError(f"{user.email} has no second factor.")
    Authenticator.objects.filter(user=user).delete()
    record(
        user.audited,
        "user.mfa_reset",
        actor=actor,
        before={"factors": [factor.type for factor in factors]},
        after={"factors": []},
        ip=ip,
    )
    end_sessions(user=user, actor=actor, ip=ip)
    return len(factors)


@transaction.atomic
def encrypt_second_factors_anew(*, actor: Actor) -> int:
    """Write all second factors' secrets by the newest key; how many factors.

    Raises ValidationError where one is by a key that is no longer configured: nothing is changed.
    """
    factors = list(Authenticator.objects.select_for_update().order_by("id"))
    for factor in factors:
        try:
            anew = {
                name: encrypted_anew(factor.data[name]) for name in SECRETS & factor.data.keys()
            }
        except WrongKey:
            raise ValidationError(
                f"The second factor of {factor.user.email} is by an unknown key."
            ) from None
        factor.data = {**factor.data, **anew}
        factor.save(update_fields=["data"])
    record(Subject("user", ""), "user.mfa_rotate", actor=actor, after={"factors": len(factors)})
    return len(factors)
