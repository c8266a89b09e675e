"""Alert rules that reach no recipient, so that no alert can report it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from accounts.selectors.office.people import addresses_of_staff, mails_among
from generation.models import AlertAddress, AlertRule, AlertSending
from generation.oversight.conditions.detected import Outlook, PresentCondition
from webhooks.models import WebhookEndpoint

ALERTS_LATE_AFTER = timedelta(minutes=15)
"""The age from which mail and webhooks of alerts are overdue."""
_STOPPED = {
    WebhookEndpoint.Status.PAUSED: "its webhook is paused: it has accepted nothing for 5 days",
    WebhookEndpoint.Status.DISABLED: "its webhook is off: it answered 410 Gone",
}


def receiving_addresses(rules: Collection[AlertRule]) -> Mapping[UUID, list[str]]:
    """By rule, those of its addresses that receive alerts: of staff, or confirmed."""
    named = {address for rule in rules for address in rule.mails}
    confirmed = AlertAddress.objects.filter(address__in=named).values_list("address", flat=True)
    hear = set(addresses_of_staff(named).union(confirmed))
    return {rule.id: [address for address in rule.mails if address in hear] for rule in rules}


def overdue(outlook: Outlook) -> Iterator[PresentCondition]:
    """Enabled rules without a recipient, or with mail or a webhook that does not get through."""
    rules = list(AlertRule.objects.filter(is_enabled=True).select_related("endpoint"))
    hearers = receiving_addresses(rules)
    unsent = _unsent(rules, before=outlook.now - ALERTS_LATE_AFTER)
    for rule in rules:
        troubles = list(_troubles(rule, hearers[rule.id], unsent, outlook.now))
        if troubles:
            yield PresentCondition(rule.name, None, "; ".join(troubles))


def _troubles(
    rule: AlertRule, hearers: Sequence[str], unsent: Mapping[UUID, str], now: datetime
) -> Iterator[str]:
    endpoint = rule.endpoint
    if not hearers and endpoint is None:
        yield "it reaches nobody: it has no webhook, and no address that is confirmed or of staff"
    elif left := [address for address in rule.mails if address not in hearers]:
        yield f"{left[0]} gets nothing: it is neither confirmed nor of staff"
    if endpoint is not None and not endpoint.is_enabled:
        yield _STOPPED[WebhookEndpoint.Status(endpoint.status)]
    elif endpoint is not None and endpoint.failing_since is not None:
        minutes = (now - endpoint.failing_since) / timedelta(minutes=1)
        if now - endpoint.failing_since >= ALERTS_LATE_AFTER:
            yield f"its webhook has accepted nothing for {minutes:.0f} minutes"
    if rule.id in unsent:
        yield f"its last mail to {unsent[rule.id]} has not been sent"


def _unsent(rules: Collection[AlertRule], *, before: datetime) -> Mapping[UUID, str]:
    """By rule, an address whose mail in the last sending before then has not been sent."""
    sendings = AlertSending.objects.filter(at__lt=before).exclude(mail_ids=[])
    unsent: dict[UUID, UUID] = {}
    for rule in rules:
        last = sendings.filter(rule=rule).order_by("-id").first()
        unsent |= dict.fromkeys(last.mail_ids if last else (), rule.id)
    mails = mails_among(unsent).values()
    return {unsent[mail.id]: mail.to for mail in mails if mail.sent_at is None}
