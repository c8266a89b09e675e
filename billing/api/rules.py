"""GET /v1/billing/rules: when a request is charged, for machines and people."""

from dataclasses import asdict

from rest_framework import serializers

from accounts.callers import Caller
from accounts.endpoint import Answer, Endpoint, operation
from billing.rules import RULES
from pictor.kit.endpoints.objects import ApiObject, Constant
from pictor.kit.endpoints.queries import NoQuery


class RuleObject(ApiObject):
    """One outcome of a request, and its charge."""

    object = Constant("billing.rule")
    id = serializers.ChoiceField(choices=[rule.id for rule in RULES])
    when = serializers.CharField(help_text="The outcome.")
    charge = serializers.ChoiceField(choices=["delivered", "nothing"])
    detail = serializers.CharField()


class RuleList(ApiObject):
    """Every rule. A charge is never above the quote."""

    example = {"object": "list", "data": [{"object": "billing.rule", **asdict(RULES[0])}]}

    object = Constant("list")
    data = RuleObject(many=True)  # type: ignore[assignment]  # a field, named as OpenAI names it


class RulesView(Endpoint):
    """/v1/billing/rules."""

    @operation(
        "list_billing_rules",
        summary="List the rules of billing",
        scope="billing:read",
        query=NoQuery,
        answer=RuleList,
    )
    def get(self, caller: Caller) -> Answer:
        """When a request is charged: the same for every workspace."""
        return Answer({"data": RULES})
