"""The URLs of vendors' bills under /ops/reconciliation/."""

from django.urls import path

from console.ops.reconciliation import columns, costs, listed, one

urlpatterns = [
    path("", listed.listing, name="reconciliation"),
    path("new/", listed.new, name="bill_new"),
    path("<int:bill>/", one.bill, name="bill"),
    path("<int:bill>/columns/", columns.columns, name="bill_columns"),
    path("<int:bill>/costs/", costs.costs, name="bill_costs"),
]
