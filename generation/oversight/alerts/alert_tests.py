"""Tests of a rule: it can be enabled only after one got through to every destination.

Raises ValidationError.
"""

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts import rates
from accounts.models import User
from accounts.services import By, record
from accounts.services.office.mail import post_rendered
from generation.models import AlertAddress, AlertRule, AlertSending
from generation.oversight.alerts import wording
from generation.oversight.alerts.results import DestinationResult, SendState, results_of, short
from generation.oversight.conditions.alerting import receiving_addresses
from pictor.kit.words.untyped import Json
from webhooks import installation_endpoints

EVENT = "alert.test"
MAIL = "account/email/alert_test"
GOOD_FOR = timedelta(days=7)
"""An older test no longer counts; mails are not kept for longer."""
MAX_AN_HOUR, MAX_TESTS = 6, 50
"""The most tests within an hour, and the most that are read."""
CODE_GOOD_FOR = timedelta(minutes=15)
MAX_WRONG_TRIES = 5
_SALT = "generation.alerts.trying"


def send_test(*, rule: AlertRule, now: datetime, **by: Unpack[By]) -> AlertSending:
    """Send a test to every destination; to an unconfirmed address with a new code.

    Mails to unconfirmed addresses are limited by mailbox, over all rules.
    """
    _refuse_many(rule, now)
    counted = set(rule.mails).difference(receiving_addresses([rule])[rule.id])
    for address in counted:
        rates.take_typed_mail(address, field=None)
    return _send_test(rule, counted, now, by)


@transaction.atomic
def _send_test(rule: AlertRule, counted: set[str], now: datetime, by: By) -> AlertSending:
    rule = lock_rule(rule)
    _refuse_many(rule, now)
    hearers = receiving_addresses([rule])[rule.id]
    codes = {each: f"{secrets.randbelow(10**8):08}" for each in rule.mails if each not in hearers}
    if not codes.keys() <= counted:
        raise ValidationError("Somebody changed where it sends to meanwhile: test it again.")
    posted = [
        post_rendered(
            to=[address],
            template=MAIL,
            words={
                "rule": rule.name,
                "code": codes.get(address, ""),
                "page": wording.page_of(rule),
            },
        )[0]
        for address in rule.mails
    ]
    mail_ids = [mail.id for mail in posted]
    sending = AlertSending(rule=rule, at=now, is_test=True, mails=rule.mails, mail_ids=mail_ids)
    sending.codes = {address: [_digest(address, code), 0] for address, code in codes.items()}
    if rule.endpoint is not None:
        installation_endpoints.reopen(rule.endpoint)
        sending.url = rule.endpoint.url
        data = wording.test_body(rule)
        event = installation_endpoints.queue_event(
            rule.endpoint, event_type=EVENT, subject_id=sending.id, at=now, data=data
        )
        sending.event_id = event.id
    sending.save(force_insert=True)
    to: Json = {
        "name": rule.name,
        "to": [short(destination) for destination in destinations_of(rule)],
    }
    record(rule.audited, "alert.test", after=to, **by)
    return sending


def _refuse_many(rule: AlertRule, now: datetime) -> None:
    lately = rule.sendings.filter(is_test=True, at__gt=now - timedelta(hours=1))
    if lately.count() >= MAX_AN_HOUR:
        raise ValidationError(f"{MAX_AN_HOUR} tests were sent within the hour: wait a while")


def lock_rule(rule: AlertRule) -> AlertRule:
    """The present rule, locked until the transaction ends."""
    rows = AlertRule.objects.select_for_update(of=("self",)).select_related("endpoint")
    locked = rows.filter(pk=rule.pk, archived_at=None).first()
    if locked is None:
        raise ValidationError("The rule was removed: restore it first.")
    return locked


def destinations_of(rule: AlertRule) -> list[str]:
    """Its addresses, and the url of its webhook."""
    return [*rule.mails, *([rule.url] if rule.url else [])]


def missing_tests(rule: AlertRule, *, among: Sequence[str], now: datetime) -> list[str]:
    """The steps needed before it sends to these of its destinations, in sentences."""
    tests = tests_of(rule, now=now)
    results = results_of(tests)
    tried = [result for test in tests for result in results[test.id]]
    hearers = receiving_addresses([rule])[rule.id]
    return list(doubts_of(rule, among=among, tried=tried, hearers=hearers))


def tests_of(rule: AlertRule, *, now: datetime) -> list[AlertSending]:
    """The tests that still count, newest first."""
    tests = rule.sendings.filter(is_test=True, at__gt=now - GOOD_FOR)
    return list(tests.order_by("-id")[:MAX_TESTS])


def doubts_of(
    rule: AlertRule,
    *,
    among: Sequence[str],
    tried: Sequence[DestinationResult],
    hearers: Sequence[str],
) -> Iterator[str]:
    """Like `missing_tests`, by its tests' results, newest first, and its confirmed recipients."""
    if not rule.mails and not rule.url:
        yield "Give it a destination first."
    for destination in among:
        results = [result for result in tried if result.to == destination]
        if not results:
            yield f"No test was sent to {short(destination)} within a week."
        elif not any(result.state == SendState.ARRIVED for result in results):
            yield f"The test to {short(destination)} has not got through: {results[0].words}."
        elif destination != rule.url and destination not in hearers:
            yield f"Type the code from the test mail to {destination}."


def _digest(address: str, code: str) -> str:
    return salted_hmac(_SALT, f"{address} {code}", algorithm="sha256").hexdigest()


def confirm(*, rule: AlertRule, address: str, code: str, now: datetime, **by: Unpack[By]) -> None:
    """Confirm an address outside the staff, by the code it was sent, so that it gets alerts."""
    address = User.normalize_username(address)
    if address not in rule.mails:
        raise ValidationError({"address": f"{rule.name} does not go to {address!r}."})
    with transaction.atomic():  # ends before the refusal, so that a wrong try is kept
        is_known = AlertAddress.objects.filter(address=address).exists()
        is_new = not is_known and _is_right(rule, address, "".join(code.split()), now)
        if is_new:
            AlertAddress.objects.get_or_create(address=address, defaults={"confirmed_at": now})
            record(rule.audited, "alert.confirm", after={"what": address}, **by)
    if not is_known and not is_new:
        raise ValidationError(
            {
                "code": "That is not the code of the last test mail to this address, or it is older"
                f" than 15 minutes, or {MAX_WRONG_TRIES} others were typed: send a test again."
            }
        )


def _is_right(rule: AlertRule, address: str, code: str, now: datetime) -> bool:
    """True if it is the code that the last test mailed to the address; a wrong try is counted."""
    tests = rule.sendings.select_for_update().filter(is_test=True, mails__contains=[address])
    last = tests.filter(at__gt=now - CODE_GOOD_FOR).order_by("-id").first()
    if last is None or not last.codes or address not in last.codes:
        return False
    digest, wrong = last.codes[address]
    if wrong >= MAX_WRONG_TRIES:
        return False
    if constant_time_compare(digest, _digest(address, code)):
        return True
    last.codes[address] = [digest, wrong + 1]
    last.save(update_fields=["codes"])
    return False
