"""A workspace's pages. A tenant is named by its public id; changes are POSTs below its path."""

from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import URLPattern, include, path

from console.workspace import audit, finding, home, keys, refused, support
from console.workspace.exports import downloads
from console.workspace.generations import pages as generations
from console.workspace.generations import zip_files
from console.workspace.money import cards, recurring, statements
from console.workspace.money import pages as money
from console.workspace.playground import compare
from console.workspace.playground import pages as playground
from console.workspace.settings import members
from console.workspace.settings import pages as settings
from console.workspace.usage import by_tag
from console.workspace.usage import pages as usage
from console.workspace.webhooks import deliveries
from console.workspace.webhooks import pages as webhooks

app_name = "workspace"

DELIVERY = "webhooks/<str:endpoint>/deliveries/<str:delivery>/"


def _page(route: str, view: Callable[..., HttpResponseBase], *, name: str) -> URLPattern:
    """A page of a workspace; a support view may open it only if support.py names it."""
    return path(route, support.gated(name)(view), name=name)


pages = [
    _page("", home.overview, name="overview"),
    _page("start/dismiss/", home.dismiss_start, name="start_dismiss"),
    _page("find/", finding.find, name="find"),
    _page("playground/", playground.playground, name="playground"),
    _page("playground/quote/", playground.quote, name="playground_quote"),
    _page("playground/run/", playground.run, name="playground_run"),
    _page("playground/compare/", compare.compare, name="compare"),
    _page("playground/compare/run/", compare.compare_run, name="compare_run"),
    _page("generations/", generations.listing, name="generations"),
    _page("generations/refused/", refused.listing, name="refused"),
    _page("generations/<str:generation>/", generations.detail, name="generation"),
    _page("generations/<str:generation>/cancel/", generations.cancel, name="generation_cancel"),
    _page("generations/<str:generation>/delete/", generations.delete, name="generation_delete"),
    _page("generations/<str:generation>/images.zip", zip_files.images_zip, name="generation_zip"),
    _page("generations/<str:generation>/thumbnail/", generations.thumbnail, name="thumbnail"),
    _page("keys/", keys.listing, name="keys"),
    _page("keys/new/", keys.create, name="key_new"),
    _page("keys/<str:key>/", keys.detail, name="key"),
    _page("keys/<str:key>/rotate/", keys.rotate, name="key_rotate"),
    _page("keys/<str:key>/open/", keys.open_one, name="key_open"),
    _page("keys/<str:key>/revoke/", keys.revoke, name="key_revoke"),
    _page("webhooks/", webhooks.listing, name="webhooks"),
    _page("webhooks/new/", webhooks.create, name="webhook_new"),
    _page("webhooks/<str:endpoint>/", webhooks.detail, name="webhook"),
    _page("webhooks/<str:endpoint>/switch/", webhooks.switch, name="webhook_switch"),
    _page("webhooks/<str:endpoint>/rotate/", webhooks.rotate, name="webhook_rotate"),
    _page("webhooks/<str:endpoint>/delete/", webhooks.delete, name="webhook_delete"),
    _page("webhooks/<str:endpoint>/test/", deliveries.test, name="webhook_test"),
    _page("webhooks/<str:endpoint>/resend/", deliveries.resend_missed, name="webhook_resend"),
    _page(DELIVERY, deliveries.detail, name="delivery"),
    _page(f"{DELIVERY}resend/", deliveries.resend_one, name="delivery_resend"),
    _page("usage/", usage.dashboard, name="usage"),
    _page("usage/customers/", by_tag.listing, name="customers"),
    _page("billing/", money.billing, name="billing"),
    _page("billing/alert/", money.alert, name="billing_alert"),
    _page("billing/pay/", cards.pay, name="pay"),
    _page("billing/payments/", cards.payments, name="payments"),
    _page("billing/payments/portal/", cards.portal, name="payments_portal"),
    _page("billing/payments/<uuid:payment>/", cards.payment, name="payment"),
    _page("billing/automatic/", recurring.automatic, name="automatic"),
    _page("billing/automatic/stop/", recurring.end_automatic, name="automatic_stop"),
    _page("billing/details/", recurring.details, name="billing_details"),
    _page("billing/ledger/", money.ledger, name="ledger"),
    _page("billing/statements/", statements.listing, name="statements"),
    _page("billing/statements/<str:number>/", statements.detail, name="statement"),
    _page("billing/prices/", money.prices, name="prices"),
    _page("members/", members.listing, name="members"),
    _page("members/invite/", members.invite_one, name="member_invite"),
    _page(
        "members/changes/<uuid:change>/<str:decision>/",
        members.decide_change,
        name="member_change",
    ),
    _page("members/second-factor/", members.set_factor, name="member_factor"),
    _page("members/<str:person>/role/", members.set_role, name="member_role"),
    _page("members/<str:person>/remove/", members.remove, name="member_remove"),
    _page("invitations/<str:invitation>/cancel/", members.uninvite, name="invitation_cancel"),
    _page("audit/", audit.audit, name="audit"),
    _page("settings/", settings.settings, name="settings"),
    _page("settings/limits/", settings.limits, name="settings_limits"),
    _page("settings/support/", settings.support, name="settings_support"),
    _page("settings/delete/", settings.delete, name="delete"),
    _page("settings/export/", downloads.ask, name="export_ask"),
    _page("exports/", downloads.lists, name="exports"),
    _page("exports/ask/", downloads.ask_for_list, name="list_ask"),
    _page("exports/<str:export>/", downloads.download, name="export"),
]
urlpatterns = [
    path("", home.choose, name="choose"),
    path("<str:tenant>/", include(pages)),
]
