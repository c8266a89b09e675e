"""The URLs of vendors' bills under /ops/reconciliation/."""

from django.urls import path

from console.ops.reconciliation import columns, costs, deciding, lines, listed, one, standing

urlpatterns = [
    path("", listed.listing, name="reconciliation"),
    path("new/", listed.new, name="bill_new"),
    path("<int:bill>/", one.bill, name="bill"),
    path("<int:bill>/columns/", columns.columns, name="bill_columns"),
    path("<int:bill>/accept/", standing.accept, name="bill_accept"),
    path("<int:bill>/again/", standing.again, name="bill_again"),
    path("<int:bill>/delete/", standing.forget, name="bill_forget"),
    path("<int:bill>/take/", deciding.take, name="bill_take"),
    path("<int:bill>/dispute/", deciding.dispute, name="bill_dispute"),
    path("<int:bill>/costs/", costs.costs, name="bill_costs"),
    path("<int:bill>/lines/<int:line>/back/", lines.put_back, name="bill_line_back"),
    path("<int:bill>/lines/<int:line>/withdraw/", lines.withdraw, name="bill_line_withdraw"),
    path("<int:bill>/lines/<int:line>/pick/", lines.pick, name="bill_line_pick"),
]
