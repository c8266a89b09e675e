"""The URLs of the operator's console."""

from django.urls import include, path

from console.ops import finding, moves, people, requests, styleguide, support
from console.ops.audit import AUDIT
from console.ops.declared import act_urls
from console.ops.ledger import pages as ledger
from console.ops.lists import page_of
from console.ops.margin import page as margin
from console.ops.margin.lists import UNCHARGED
from console.ops.now import conditions, overview
from console.ops.payments import pages as payment
from console.ops.payments.lists import PAYMENTS
from console.ops.system import pages as system
from console.ops.system.lists import WORKERS

app_name = "ops"
urlpatterns = [
    *act_urls(),
    path("", overview.overview, name="overview"),
    path("conditions/<int:condition>/", conditions.lead, name="condition"),
    *(
        path(f"conditions/<int:condition>/{name}/", view, name=name)
        for name, view in conditions.ACTIONS.items()
    ),
    path("find/", finding.find, name="find"),
    path("alerts/", include("console.ops.alerts.urls")),
    path("audit/", page_of(AUDIT), name="audit"),
    path("staff/", people.listing, name="staff"),
    path("staff/add/", people.add, name="staff_add"),
    path("staff/<uuid:person>/role/", people.set_role, name="staff_role"),
    path("staff/<uuid:person>/second-factor/", people.reset_factor, name="staff_factor"),
    path("staff/<uuid:person>/sessions/", people.end_all_sessions, name="staff_sessions"),
    path("staff/<uuid:person>/remove/", people.remove, name="staff_remove"),
    path("channels/", include("console.ops.channels.urls")),
    path("models/", include("console.ops.models.urls")),
    path("prices/lists/", include("console.ops.price_lists.urls")),
    path("margin/", margin.margin, name="margin"),
    path("margin/uncharged/", page_of(UNCHARGED), name="uncharged"),
    path("ledger/", ledger.ledger, name="ledger"),
    path("ledger/<int:transfer>/", ledger.entry, name="ledger_entry"),
    path("ledger/heads/<str:day>.json", ledger.head, name="ledger_head"),
    path("ledger/check/<str:kind>/", ledger.check, name="ledger_check"),
    path("payments/", page_of(PAYMENTS), name="payments"),
    path("payments/<uuid:payment>/", payment.one, name="payment"),
    path("reconciliation/", include("console.ops.reconciliation.urls")),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("prices/", include("console.ops.prices.urls")),
    path("requests/", requests.requests, name="requests"),
    path("generations/", include("console.ops.generations.urls")),
    path("incidents/", include("console.ops.incidents.urls")),
    path("system/", system.system, name="system"),
    path("system/workers/", page_of(WORKERS), name="workers"),
    path("system/stop/", system.stop_switch, name="stop"),
    path("system/start/", system.start_again, name="start"),
    path("tenants/<str:tenant>/support/", support.support, name="support"),
    path("tenants/<str:tenant>/support/open/", support.open_view, name="support_open"),
    path("tenants/<str:tenant>/support/<str:grant>/end/", support.end_view, name="support_end"),
    path("tenants/", include("console.ops.tenants.urls")),
    path("moves/", moves.waiting, name="moves"),
    path("moves/<uuid:move>/approve/", moves.approve, name="move_approve"),
    path("moves/<uuid:move>/decline/", moves.decline, name="move_decline"),
    path("moves/members/<uuid:change>/<str:decision>/", moves.decide_change, name="change_decide"),
]
