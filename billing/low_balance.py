"""The webhook event for a balance that has fallen low."""

from rest_framework import serializers

from pictor.kit.endpoints.objects import ApiObject, Constant, Usd
from webhooks.events import event_webhook
from webhooks.models import BALANCE_LOW


class LowBalance(ApiObject):
    """The balance, and the thresholds that it has fallen below."""

    object = Constant("balance")
    livemode = Constant(value=True)  # tests move no balance
    available = Usd(help_text="USD that new requests can hold.")
    currency = Constant("USD")
    days_left = serializers.IntegerField(
        allow_null=True,
        help_text="Days that it lasts at the recent pace. Null if nothing was spent recently.",
    )
    below = Usd(allow_null=True, help_text="The threshold, if there is one.")
    below_days = serializers.IntegerField(
        allow_null=True, help_text="The threshold in days, if there is one."
    )


TOLD = event_webhook(
    BALANCE_LOW,
    LowBalance,
    summary="The balance has fallen low",
    about="The balance has fallen below the threshold set under Billing in the console. Sent once.",
    example={
        "object": "balance",
        "livemode": True,
        "available": "8.449999",
        "currency": "USD",
        "days_left": 2,
        "below": "10.000000",
        "below_days": None,
    },
)
