"""The paths under /v1 that this app owns. Each works with and without the trailing slash."""

from django.urls import path

from billing.api.balance import BalanceView
from billing.api.prices import PricesView
from billing.api.rules import RulesView
from billing.api.usage import UsageView
from pictor.kit.api_routes import route

balance, usage = route(BalanceView), route(UsageView)
prices, rules = route(PricesView), route(RulesView)

urlpatterns = [
    path("balance", balance),
    path("balance/", balance),
    path("usage", usage),
    path("usage/", usage),
    path("prices", prices),
    path("prices/", prices),
    path("billing/rules", rules),
    path("billing/rules/", rules),
]
