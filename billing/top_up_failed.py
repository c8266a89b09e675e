"""The webhook event for an automatic top-up that failed, or is no longer made."""

from rest_framework import serializers

from pictor.kit.endpoints.objects import ApiObject, Constant
from webhooks.events import event_webhook
from webhooks.models import BALANCE_TOP_UP_FAILED

REASONS = (
    "declined", "confirm", "no_card", "disputed", "paid_back", "owed", "suspended", "member_left",
)  # fmt: skip


class FailedTopUp(ApiObject):
    """Why the balance is not topped up by itself."""

    object = Constant("balance")
    livemode = Constant(value=True)  # tests move no balance
    reason = serializers.ChoiceField(choices=REASONS, help_text="Why it failed.")


TOLD = event_webhook(
    BALANCE_TOP_UP_FAILED,
    FailedTopUp,
    summary="An automatic top-up failed",
    about="An automatic top-up was declined, or automatic top-ups have stopped, and why.",
    example={"object": "balance", "livemode": True, "reason": "declined"},
)
