"""The URLs of vendors' bills under /ops/reconciliation/."""

from django.urls import path

from console.ops.lists import page_of
from console.ops.reconciliation import columns, listed, one
from console.ops.reconciliation.lists import BILLS

urlpatterns = [
    path("", page_of(BILLS), name="reconciliation"),
    path("new/", listed.new, name="bill_new"),
    path("<int:bill>/", one.bill, name="bill"),
    path("<int:bill>/columns/", columns.columns, name="bill_columns"),
    path("<int:bill>/costs/", one.costs, name="bill_costs"),
]
