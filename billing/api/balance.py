"""GET /v1/balance."""

from rest_framework import serializers

from accounts.callers import Caller
from accounts.endpoint import Answer, Endpoint, operation
from billing.selectors.office.balances import balance_of
from pictor.kit.endpoints.objects import ApiObject, Constant, Usd


class BalanceObject(ApiObject):
    """The money that the workspace can spend, and the money held by requests in flight."""

    example = {
        "object": "balance",
        "available": "99.947320",
        "held": "0.052680",
        "owed": "0.000000",
        "in_flight": 1,
        "currency": "USD",
    }

    object = Constant("balance")
    available = Usd(help_text="USD that new requests can hold.")
    held = Usd(help_text="USD held by requests in flight; charged or released when they end.")
    owed = Usd(
        help_text="USD to be repaid from the next money that comes in; until then only tests are"
        " accepted."
    )
    in_flight = serializers.IntegerField(help_text="Requests in flight.")
    currency = Constant("USD")


class BalanceView(Endpoint):
    """/v1/balance."""

    @operation(
        "retrieve_balance",
        summary="Retrieve the balance",
        scope="billing:read",
        answer=BalanceObject,
    )
    def get(self, caller: Caller) -> Answer:
        """The workspace's balance now."""
        return Answer(balance_of(caller.tenant_id))
