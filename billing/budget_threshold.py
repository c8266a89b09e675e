"""The webhook event for a budget that is used to one of its thresholds."""

from rest_framework import serializers

from pictor.kit.endpoints.objects import ApiObject, Constant, UnixSeconds, Usd
from pictor.kit.words import ids
from webhooks.events import AT, event_webhook
from webhooks.models import BUDGET_THRESHOLD


class BudgetReached(ApiObject):
    """The budget, its window, and how much of it is used."""

    object = Constant("budget")
    livemode = Constant(value=True)  # tests use no budget
    key = serializers.CharField(
        allow_null=True, help_text="The key's id, `key_…`. Null: the budget is the workspace's."
    )
    period = serializers.ChoiceField(choices=["day", "month"])
    percent = serializers.ChoiceField(
        choices=[50, 80, 100],
        help_text="The highest threshold that is reached. From 80% on, it is 100 once a request"
        " that no longer fits was refused.",
    )
    used = Usd(help_text="USD used in the window: charged, or still on hold.")
    budget = Usd(help_text="USD that the window allows.")
    currency = Constant("USD")
    warns_only = serializers.BooleanField(
        help_text="True: requests go on beyond the budget. False: those that would exceed it stop."
    )
    resets_at = UnixSeconds(help_text="The end of the window, a day or month of UTC.")


REACHED = event_webhook(
    BUDGET_THRESHOLD,
    BudgetReached,
    summary="A budget is used to 50, 80 or 100%",
    about="A key or the workspace has used 50, 80 or 100% of a budget; at 80% or more, a refusal of"
    " what no longer fits counts as 100%. Each is sent once a window"
    " and amount of the budget; of several reached at once, only the highest.",
    example={
        "object": "budget",
        "livemode": True,
        "key": f"{ids.KEY}_01m7xwfx9bf3vty34tyve35tm9",
        "period": "month",
        "percent": 80,
        "used": "80.052680",
        "budget": "100.000000",
        "currency": "USD",
        "warns_only": False,
        "resets_at": AT + 857_656,
    },
)
