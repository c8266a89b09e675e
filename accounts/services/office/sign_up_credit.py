"""The credit for signing up: once per mailbox, limited per network and day and in total per day.

A workspace whose credit is withheld opens with 0. Days are UTC. Addresses are kept only as digests.
"""

import logging
from datetime import UTC, datetime
from functools import partial

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet, Sum
from prometheus_client import Counter

from accounts.keys import digests
from accounts.ledger import ledger
from accounts.mailboxes import mailbox_of
from accounts.models import SignUpCredit, Tenant, User
from accounts.services.office.mail import post
from pictor.kit.database import lock_numbers
from pictor.kit.words.client_addresses import counted_address
from pictor.kit.words.money import Micros, to_decimal

logger = logging.getLogger(__name__)

REASON = "credit for signing up"

CREDITS = Counter(
    "pictor_sign_up_credits",
    "Workspaces created by signing up, by whether they got the credit, or why not.",
    ["outcome"],
)


@transaction.atomic
def give_sign_up_credit(*, tenant: Tenant, user: User, now: datetime, ip: str | None) -> None:
    """Credit a workspace opened by signing up, unless a limit withholds the credit.

    Exact under concurrency. The first credit withheld by the day's ceiling is reported to the
    operator.
    """
    if not settings.SIGN_UP_CREDIT:
        return
    lock_numbers.lock(lock_numbers.SIGN_UP_CREDITS)
    mailboxes = _digests(f"mailbox {mailbox_of(user.email)}")
    networks = _digests(f"network {counted_address(ip or '')}")
    withheld = _withheld(mailboxes, networks, now)
    if withheld == SignUpCredit.Withheld.CEILING and not _credits(now, withheld=withheld).exists():
        _tell_operator()
    amount = 0 if withheld else settings.SIGN_UP_CREDIT
    SignUpCredit.objects.create(
        mailbox=mailboxes[0], network=networks[0], amount_micros=amount, withheld=withheld, at=now
    )
    if amount:
        ledger().credit(tenant_id=tenant.id, amount=Micros(amount), reason=REASON, actor="sign-up")
    transaction.on_commit(partial(CREDITS.labels(withheld or "given").inc))


def _withheld(
    mailboxes: list[bytes], networks: list[bytes], now: datetime
) -> SignUpCredit.Withheld:
    credits_today = _credits(now, withheld="")
    if SignUpCredit.objects.filter(mailbox__in=mailboxes, withheld="").exists():
        return SignUpCredit.Withheld.MAILBOX
    if credits_today.filter(network__in=networks).count() >= settings.SIGN_UP_CREDITS_PER_ADDRESS:
        return SignUpCredit.Withheld.NETWORK
    today = credits_today.aggregate(micros=Sum("amount_micros"))["micros"] or 0
    if today + settings.SIGN_UP_CREDIT > settings.SIGN_UP_CREDIT_PER_DAY:
        return SignUpCredit.Withheld.CEILING
    return SignUpCredit.Withheld.NOT


def _credits(now: datetime, **columns: str) -> QuerySet[SignUpCredit]:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return SignUpCredit.objects.filter(at__gte=midnight, **columns)


def _digests(text: str) -> list[bytes]:
    """The text's digests under each pepper, newest first, so older rows are found as well."""
    return digests(f"sign-up credit {text}", settings.KEY_PEPPER, settings.OLD_KEY_PEPPERS)


def _tell_operator() -> None:
    ceiling = to_decimal(Micros(settings.SIGN_UP_CREDIT_PER_DAY))
    logger.warning("the ceiling on sign-up credit is reached: new workspaces start with 0 today")
    text = (
        f"New workspaces have together received close to {ceiling} USD of credit today (UTC), the"
        " ceiling set by PICTOR_SIGN_UP_CREDIT_PER_DAY. Workspaces created later today start with"
        " 0. Check whether somebody is collecting credits; if not, raise the ceiling."
    )
    for address in _operators():
        post(to=address, subject="Today's sign-up credit is used up", text=text)


def _operators() -> list[str]:
    """The operator's contact; if that is no e-mail address, the addresses of staff's owners."""
    try:
        validate_email(settings.OPERATOR_CONTACT)
    except ValidationError:
        owners = User.objects.filter(staff_role=User.StaffRole.OWNER, is_active=True)
        return [owner.email for owner in owners]
    return [settings.OPERATOR_CONTACT]
