"""The pages of a workspace. A tenant is named by its public id; what is done is a POST below it."""

from django.urls import include, path

from console.workspace import (
    audit,
    danger,
    deliveries,
    finding,
    generations,
    home,
    keys,
    members,
    money,
    playground,
    settings,
    statements,
    takeout,
    thumbnails,
    usage,
    webhooks,
)

app_name = "workspace"

DELIVERY = "webhooks/<str:endpoint>/deliveries/<str:delivery>/"

pages = [
    path("", home.overview, name="overview"),
    path("find/", finding.find, name="find"),
    path("playground/", playground.playground, name="playground"),
    path("playground/quote/", playground.quote, name="playground_quote"),
    path("playground/run/", playground.run, name="playground_run"),
    path("generations/", generations.listing, name="generations"),
    path("generations/<str:generation>/", generations.detail, name="generation"),
    path("generations/<str:generation>/cancel/", generations.cancel, name="generation_cancel"),
    path("generations/<str:generation>/delete/", generations.delete, name="generation_delete"),
    path("generations/<str:generation>/thumbnail/", thumbnails.thumbnail, name="thumbnail"),
    path("keys/", keys.listing, name="keys"),
    path("keys/new/", keys.create, name="key_new"),
    path("keys/<str:key>/", keys.detail, name="key"),
    path("keys/<str:key>/rotate/", keys.rotate, name="key_rotate"),
    path("keys/<str:key>/revoke/", keys.revoke, name="key_revoke"),
    path("webhooks/", webhooks.listing, name="webhooks"),
    path("webhooks/new/", webhooks.create, name="webhook_new"),
    path("webhooks/<str:endpoint>/", webhooks.detail, name="webhook"),
    path("webhooks/<str:endpoint>/switch/", webhooks.switch, name="webhook_switch"),
    path("webhooks/<str:endpoint>/rotate/", webhooks.rotate, name="webhook_rotate"),
    path("webhooks/<str:endpoint>/delete/", webhooks.delete, name="webhook_delete"),
    path("webhooks/<str:endpoint>/test/", deliveries.test, name="webhook_test"),
    path("webhooks/<str:endpoint>/resend/", deliveries.resend_missed, name="webhook_resend"),
    path(DELIVERY, deliveries.detail, name="delivery"),
    path(f"{DELIVERY}resend/", deliveries.resend_one, name="delivery_resend"),
    path("usage/", usage.dashboard, name="usage"),
    path("billing/", money.billing, name="billing"),
    path("billing/alert/", money.alert, name="billing_alert"),
    path("billing/ledger/", money.ledger, name="ledger"),
    path("billing/statements/", statements.listing, name="statements"),
    path("billing/statements/<str:number>/", statements.detail, name="statement"),
    path("billing/prices/", money.prices, name="prices"),
    path("members/", members.listing, name="members"),
    path("members/invite/", members.invite_one, name="member_invite"),
    path("members/second-factor/", members.set_factor, name="member_factor"),
    path("members/<str:person>/role/", members.set_role, name="member_role"),
    path("members/<str:person>/remove/", members.remove, name="member_remove"),
    path("invitations/<str:invitation>/cancel/", members.uninvite, name="invitation_cancel"),
    path("audit/", audit.audit, name="audit"),
    path("settings/", settings.settings, name="settings"),
    path("settings/limits/", settings.limits, name="settings_limits"),
    path("settings/delete/", danger.delete, name="delete"),
    path("settings/export/", takeout.ask, name="export_ask"),
    path("exports/", takeout.lists, name="exports"),
    path("exports/ask/", takeout.ask_for_list, name="list_ask"),
    path("exports/<str:export>/", takeout.download, name="export"),
]
urlpatterns = [
    path("", home.choose, name="choose"),
    path("<str:tenant>/", include(pages)),
]
