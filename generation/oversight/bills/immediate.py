"""A bill from the shell: drafted, read and matched in one step, or not kept at all."""

from collections.abc import Mapping

from django.core.exceptions import ValidationError

from accounts.models import Actor
from generation.models import Channel, VendorBill
from generation.oversight.bills import intake
from generation.oversight.bills.intake import State
from generation.oversight.bills.mapping import Columns


class Doubted(Exception):
    """The meaning of a readable file is in doubt; its argument has the bill's `doubts`."""


def match_now(
    *,
    channel: Channel,
    name: str,
    content: bytes,
    columns: Mapping[str, str],
    accepts_doubts: bool,
    actor: Actor,
) -> VendorBill:
    """Match a file with the columns guessed from its names; `columns` override them.

    Raises ValidationError for a file that cannot be matched, and Doubted. Then nothing is kept.
    """
    most = intake.MAX_BYTES_AT_THE_SHELL
    bill = intake.draft_bill(
        channel=channel, name=name, content=content, actor=actor, most_bytes=most
    )
    try:
        mapping = Columns.from_json({**bill.mapping, **columns})
        intake.request_match(bill, columns=mapping, channel=channel, actor=actor)
        intake.read_and_match(bill.pk)
        bill.refresh_from_db()
        _refuse_unmatched(bill, accepts_doubts=accepts_doubts)
        if bill.state == State.DOUBTFUL:
            intake.accept(bill, actor=actor)
    except (ValidationError, Doubted):
        intake.drop(VendorBill.objects.filter(pk=bill.pk))
        raise
    bill.refresh_from_db()
    return bill


def _refuse_unmatched(bill: VendorBill, *, accepts_doubts: bool) -> None:
    if bill.state == State.FAILED:
        raise ValidationError(bill.trouble)
    if bill.state == State.DOUBTFUL and not accepts_doubts:
        raise Doubted(bill.doubts)
