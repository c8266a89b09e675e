"""Operators' changes of rules. Each is one transaction with its audit event.

Raises ValidationError, by field, and Unavailable while urls are being looked up.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts.models import User
from accounts.services import By, record
from accounts.titles import without_marks
from billing.selectors.office.payments import cards_on
from generation.models import AlertRule
from generation.oversight.alerts.alert_tests import destinations_of, lock_rule, missing_tests
from generation.oversight.alerts.results import short
from generation.oversight.conditions.kinds import FAILED, KINDS, PAYMENT_KINDS
from pictor.kit.database import lock_numbers
from pictor.kit.words.money import Micros
from pictor.kit.words.untyped import Json
from webhooks import installation_endpoints, signing
from webhooks.addresses import check_url
from webhooks.rotation import replace_secret

MAX_RULES, MAX_MAILS = 20, 10
MAX_NAME, MAX_PAGE, MAX_ADDRESS = 80, 200, 254
"""The longest texts, in characters."""
MAX_MINUTES, MAX_HOURS = 7 * 24 * 60, 7 * 24
MAX_ALERT_MICROS = 10**15
"""A billion dollars."""
CHANGED = "changed"
"""The code of a refused change that was based on an outdated rule."""
OVERLAP = timedelta(hours=24)
"""The time for which a rotated secret still signs too."""
WAY_OUT = "give the rule a secret of your own (at the shell: --secret)"
"""The step that ends all secrets of a rule, for a person who has not received the present one."""


def all_kinds() -> Sequence[str]:
    """The kinds that this installation looks for."""
    return [kind for kind in (*KINDS, FAILED) if kind not in PAYMENT_KINDS or cards_on()]


@dataclass(frozen=True, slots=True)
class RuleValues:
    """The wanted values of a rule.

    Attributes:
        name: for people.
        kinds: of conditions; None is every kind, including those of later versions.
        least_micros: the lowest cost of a condition; None is any, unknown ones included.
        least_minutes: the age from which a condition is reported.
        repeat_hours: the interval of repetitions; 0 is never.
        mails: addresses of recipients.
        url: of a webhook; empty is none.
        secret: that signs; empty keeps the present one, or makes one.
        page: the address of the operator's console, for links.
    """

    name: str
    kinds: Sequence[str] | None = None
    least_micros: Micros | None = None
    least_minutes: int = 0
    repeat_hours: int = 0
    mails: Sequence[str] = ()
    url: str = ""
    secret: str = ""
    page: str = ""

    @property
    def digest(self) -> str:
        """A digest of all values that a form shows."""
        columns = asdict(replace(self, secret="", page=""))
        return sha256(json.dumps(columns, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Saved:
    """A rule, and its newly made secret, shown once; empty if none was made."""

    rule: AlertRule
    secret: str


def save_rule(
    *,
    values: RuleValues,
    rule: AlertRule | None = None,
    seen: str = "",
    new_id: UUID | None = None,
    now: datetime,
    **by: Unpack[By],
) -> Saved:
    """Make a disabled rule, or change one, which is disabled if a new destination is untested.

    A second call with the same `new_id` returns the first one's rule. If `seen` is not the digest
    of the present rule, another operator has changed it meanwhile, and nothing is saved.
    """
    values = _tidy_and_check(values)
    if values.url and (rule is None or values.url != rule.url):
        check_url(values.url)
    with transaction.atomic():
        lock_numbers.lock(lock_numbers.ALERT_RULES)
        known = AlertRule.objects.filter(pk=new_id).first() if new_id else None
        if known is not None:
            return Saved(known, "")
        kept = lock_rule(rule) if rule else AlertRule(**({"id": new_id} if new_id else {}))
        if seen and values_of(kept).digest not in {seen, values.digest}:
            raise ValidationError(
                "Somebody changed it after you opened this page. Check it and save again.",
                code=CHANGED,
            )
        before = None if rule is None else rule_facts(kept)
        former = destinations_of(kept)
        secret = _take(kept, values)
        new = [destination for destination in destinations_of(kept) if destination not in former]
        if kept.is_enabled and missing_tests(kept, among=new, now=now):
            kept.is_enabled = False
            kept.save(update_fields=["is_enabled"])
        after = rule_facts(kept)
        if after != before or values.secret:
            action = "alert.set" if before else "alert.create"
            record(kept.audited, action, before=before, after=after, **by)
        return Saved(kept, secret)


@transaction.atomic
def enable(*, rule: AlertRule, now: datetime, **by: Unpack[By]) -> AlertRule:
    """Enable it: the next look reports what is open. Needs a test that got through."""
    kept = lock_rule(rule)
    if doubts := missing_tests(kept, among=destinations_of(kept), now=now):
        raise ValidationError(doubts)
    return _switch(kept, to=True, **by)


@transaction.atomic
def disable(*, rule: AlertRule, **by: Unpack[By]) -> AlertRule:
    """Disable it; deliveries on their way to the webhook are given up."""
    return _switch(lock_rule(rule), to=False, **by)


@transaction.atomic
def archive(*, rule: AlertRule, now: datetime, **by: Unpack[By]) -> AlertRule:
    """Remove it; its alerts are kept, and it can be restored."""
    kept = lock_rule(rule)
    _switch(kept, to=False, **by)
    kept.archived_at = now
    kept.save(update_fields=["archived_at"])
    record(kept.audited, "alert.remove", before={"name": kept.name}, **by)
    return kept


@transaction.atomic
def restore(*, rule: AlertRule, **by: Unpack[By]) -> AlertRule:
    """Restore a removed one, disabled."""
    lock_numbers.lock(lock_numbers.ALERT_RULES)
    kept = AlertRule.objects.select_for_update().get(pk=rule.pk)
    if kept.archived_at is not None:
        kept.archived_at = None
        _check_there_is_room(kept, kept.name)
        kept.save(update_fields=["archived_at"])
        record(kept.audited, "alert.restore", after={"name": kept.name}, **by)
    return kept


@transaction.atomic
def rotate_secret(*, rule: AlertRule, now: datetime, **by: Unpack[By]) -> str:
    """Make a new secret, shown this once; the former one signs too for a day.

    Raises ValidationError within that day. A secret of the operator's own (`save_rule`) ends the
    former ones at once.
    """
    kept = lock_rule(rule)
    if kept.endpoint is None:
        raise ValidationError({"url": "It has no webhook."})
    secret = replace_secret(kept.endpoint, overlap=OVERLAP, now=now, way_out=WAY_OUT)
    record(kept.audited, "alert.rotate", after={"name": kept.name}, **by)
    return secret


def rule_facts(rule: AlertRule) -> Json:
    """A rule as audit events and commands show it: without the secret parts of its url."""
    least = rule.least_micros
    return {
        "name": rule.name,
        "kinds": rule.kinds,
        "least_micros": least,
        "least_minutes": rule.least_minutes,
        "repeat_hours": rule.repeat_hours,
        "mails": list(rule.mails),
        "webhook": short(rule.url),
        "is_enabled": rule.is_enabled,
    }


def values_of(rule: AlertRule) -> RuleValues:
    """The present values of a rule, without its secret."""
    names = [value.name for value in fields(RuleValues) if value.name != "secret"]
    return RuleValues(**{name: getattr(rule, name) for name in names})


def _switch(rule: AlertRule, *, to: bool, **by: Unpack[By]) -> AlertRule:
    if rule.is_enabled != to:
        rule.is_enabled = to
        rule.save(update_fields=["is_enabled"])
        action = "alert.enable" if to else "alert.disable"
        record(rule.audited, action, after={"name": rule.name}, **by)
    if not to and rule.endpoint is not None:
        installation_endpoints.give_up(rule.endpoint)
    return rule


def _take(rule: AlertRule, values: RuleValues) -> str:
    """Write the values into the rule; returns the newly made secret, if any."""
    _check_there_is_room(rule, values.name)
    rule.name, rule.page = values.name, values.page or rule.page
    rule.kinds = None if values.kinds is None else list(values.kinds)
    rule.least_micros, rule.least_minutes = values.least_micros, values.least_minutes
    rule.repeat_hours, rule.mails = values.repeat_hours, list(values.mails)
    former, made = rule.endpoint, ""
    if not values.url:
        rule.endpoint = None
    elif former is None:
        made = "" if values.secret else signing.new_secret()
        rule.endpoint = installation_endpoints.open_endpoint(values.url, values.secret or made)
    else:
        installation_endpoints.change_endpoint(former, url=values.url, secret=values.secret)
    rule.save()
    if former is not None and rule.endpoint is None:
        installation_endpoints.close_endpoint(former)
    return made


def _check_there_is_room(rule: AlertRule, name: str) -> None:
    """Raise ValidationError if the name is taken or the rules are too many.

    Call it under the lock: of two at once the second finds the first's.
    """
    others = AlertRule.objects.filter(archived_at=None).exclude(pk=rule.pk)
    if others.filter(name=name).exists():
        raise ValidationError({"name": "There is a rule of this name already."})
    if others.count() >= MAX_RULES:
        raise ValidationError(f"There are {MAX_RULES} rules already: remove one first.")


def _tidy_and_check(values: RuleValues) -> RuleValues:
    """The values, tidied. Raises ValidationError."""
    tidy = replace(
        values,
        name=without_marks(values.name),
        mails=list(dict.fromkeys(User.normalize_username(address) for address in values.mails)),
        url=values.url.strip(),
        secret=values.secret.strip(),
    )
    if wrong := dict(_mistakes(tidy)):
        raise ValidationError(wrong)
    if tidy.secret:
        installation_endpoints.check_secret(tidy.secret)
    if tidy.kinds is None:
        return tidy
    return replace(tidy, kinds=[kind for kind in all_kinds() if kind in tidy.kinds])


def _mistakes(values: RuleValues) -> Iterator[tuple[str, str]]:
    """The mistakes, by field."""
    if not 0 < len(values.name) <= MAX_NAME:
        yield "name", f"Give it a name of at most {MAX_NAME} characters."
    if len(values.page) > MAX_PAGE:
        yield "page", f"At most {MAX_PAGE} characters."
    if values.secret and not values.url:
        yield "secret", "A secret is only for a webhook: give its url."
    yield from _mistakes_in_filter(values)
    yield from _mistakes_in_mails(values.mails, has_webhook=bool(values.url))


def _mistakes_in_filter(values: RuleValues) -> Iterator[tuple[str, str]]:
    if values.kinds is not None and not values.kinds:
        yield "kinds", "Choose at least one kind, or every kind."
    elif unknown := [kind for kind in values.kinds or () if kind not in all_kinds()]:
        yield "kinds", f"There is no kind {unknown[0]!r}; the kinds are {', '.join(all_kinds())}."
    if values.least_micros is not None and not 0 <= values.least_micros <= MAX_ALERT_MICROS:
        yield "least_micros", "Type an amount from $0 to a billion dollars."
    if not 0 <= values.least_minutes <= MAX_MINUTES:
        yield "least_minutes", f"Type 0 to {MAX_MINUTES} minutes, which is a week."
    if not 0 <= values.repeat_hours <= MAX_HOURS:
        yield "repeat_hours", f"Type 0 to {MAX_HOURS} hours, which is a week."


def _mistakes_in_mails(mails: Sequence[str], *, has_webhook: bool) -> Iterator[tuple[str, str]]:
    wrong = [address for address in mails if not _is_address(address)]
    if not mails and not has_webhook:
        yield "mails", "Give an e-mail address, a webhook, or both."
    elif wrong:
        yield "mails", f"{wrong[0]!r} is not an e-mail address."
    elif len(mails) > MAX_MAILS:
        yield "mails", f"At most {MAX_MAILS} addresses."


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= MAX_ADDRESS
