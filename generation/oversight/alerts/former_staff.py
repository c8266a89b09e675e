"""End the alerts to a former member of staff: `accounts.duties.Duties`, plugged in by apps.py."""

from typing import Unpack

from django.db import transaction

from accounts.services import By, record
from accounts.services.office.mail import take_back
from generation.models import AlertAddress, AlertRule, AlertSending
from generation.oversight import conditions


@transaction.atomic
def hand_back(*, of: str, **by: Unpack[By]) -> None:
    """Remove the person's assignments, and their address from every rule."""
    conditions.hand_back(of=of, **by)
    AlertAddress.objects.filter(address=of).delete()
    rules = AlertRule.objects.select_for_update(of=("self",)).filter(mails__contains=[of])
    for rule in rules.order_by("id"):
        before = list(rule.mails)
        rule.mails = [mail for mail in before if mail != of]
        rule.save(update_fields=["mails"])
        record(
            rule.audited,
            "alert.set",
            before={"name": rule.name, "mails": before},
            after={"name": rule.name, "mails": rule.mails},
            **by,
        )
    sendings = AlertSending.objects.filter(mails__contains=[of])
    posted = {mail_id for ids in sendings.values_list("mail_ids", flat=True) for mail_id in ids}
    take_back(posted, to=of)
