"""The day on which a vendor ends the model behind a route, entered by an operator.

It does not affect calls, so it needs no test and no pending revision.
"""

from collections.abc import Mapping
from datetime import date
from typing import Unpack

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.services import By, record
from generation.catalogue.services.channel_lock import take_turns
from generation.models import Channel


@transaction.atomic
def set_retirements(*, channel: Channel, days: Mapping[str, date | None], **by: Unpack[By]) -> None:
    """Set the day from which the vendor no longer has each model; None for no such day.

    Raises ValidationError for a model without a route on the channel.
    """
    take_turns()
    known = dict(channel.routes.values_list("contract_id", "retires_on"))
    wrong = [model for model, day in days.items() if model not in known and day is not None]
    if wrong:
        raise ValidationError(
            f"{channel.name} has no route for {', '.join(wrong)} yet: if a pending revision adds"
            " it, swap that first"
        )
    changed = {model: day for model, day in days.items() if day != known.get(model)}
    if not changed:
        return
    for model, day in changed.items():
        channel.routes.filter(contract_id=model).update(retires_on=day)
    record(
        channel.audited,
        "channel.retire",
        before=_audited_days({model: known.get(model) for model in changed}),
        after=_audited_days(changed),
        **by,
    )


def _audited_days(days: Mapping[str, date | None]) -> dict[str, str | None]:
    return {f"retires {model}": day.isoformat() if day else None for model, day in days.items()}


def retirements_of(channel: Channel) -> dict[str, date]:
    """The entered days by model."""
    entered = channel.routes.exclude(retires_on=None)
    return {model: day for model, day in entered.values_list("contract_id", "retires_on") if day}
