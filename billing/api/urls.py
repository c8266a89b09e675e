"""The paths under /v1 that this app owns."""

from billing.api.balance import BalanceView
from billing.api.prices import PricesView
from billing.api.rules import RulesView
from billing.api.usage import UsageView
from pictor.kit.endpoints.paths import paths, route

urlpatterns = [
    *paths("balance", route(BalanceView)),
    *paths("usage", route(UsageView)),
    *paths("prices", route(PricesView)),
    *paths("billing/rules", route(RulesView)),
]
