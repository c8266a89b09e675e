"""The pages of a workspace. A tenant is named by its public id; what is done is a POST below it."""

from django.urls import path

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

TENANT = "<str:tenant>/"

app_name = "workspace"
urlpatterns = [
    path("", home.choose, name="choose"),
    path(TENANT, home.overview, name="overview"),
    path(f"{TENANT}find/", finding.find, name="find"),
    path(f"{TENANT}playground/", playground.playground, name="playground"),
    path(f"{TENANT}playground/quote/", playground.quote, name="playground_quote"),
    path(f"{TENANT}playground/run/", playground.run, name="playground_run"),
    path(f"{TENANT}generations/", generations.listing, name="generations"),
    path(f"{TENANT}generations/<str:generation>/", generations.detail, name="generation"),
    path(
        f"{TENANT}generations/<str:generation>/cancel/",
        generations.cancel,
        name="generation_cancel",
    ),
    path(
        f"{TENANT}generations/<str:generation>/delete/",
        generations.delete,
        name="generation_delete",
    ),
    path(
        f"{TENANT}generations/<str:generation>/thumbnail/",
        thumbnails.thumbnail,
        name="thumbnail",
    ),
    path(f"{TENANT}keys/", keys.listing, name="keys"),
    path(f"{TENANT}keys/new/", keys.create, name="key_new"),
    path(f"{TENANT}keys/<str:key>/", keys.detail, name="key"),
    path(f"{TENANT}keys/<str:key>/rotate/", keys.rotate, name="key_rotate"),
    path(f"{TENANT}keys/<str:key>/revoke/", keys.revoke, name="key_revoke"),
    path(f"{TENANT}webhooks/", webhooks.listing, name="webhooks"),
    path(f"{TENANT}webhooks/new/", webhooks.create, name="webhook_new"),
    path(f"{TENANT}webhooks/<str:endpoint>/", webhooks.detail, name="webhook"),
    path(f"{TENANT}webhooks/<str:endpoint>/switch/", webhooks.switch, name="webhook_switch"),
    path(f"{TENANT}webhooks/<str:endpoint>/rotate/", webhooks.rotate, name="webhook_rotate"),
    path(f"{TENANT}webhooks/<str:endpoint>/delete/", webhooks.delete, name="webhook_delete"),
    path(f"{TENANT}webhooks/<str:endpoint>/test/", deliveries.test, name="webhook_test"),
    path(
        f"{TENANT}webhooks/<str:endpoint>/resend/", deliveries.resend_missed, name="webhook_resend"
    ),
    path(
        f"{TENANT}webhooks/<str:endpoint>/deliveries/<str:delivery>/",
        deliveries.detail,
        name="delivery",
    ),
    path(
        f"{TENANT}webhooks/<str:endpoint>/deliveries/<str:delivery>/resend/",
        deliveries.resend_one,
        name="delivery_resend",
    ),
    path(f"{TENANT}usage/", usage.dashboard, name="usage"),
    path(f"{TENANT}billing/", money.billing, name="billing"),
    path(f"{TENANT}billing/alert/", money.alert, name="billing_alert"),
    path(f"{TENANT}billing/ledger/", money.ledger, name="ledger"),
    path(f"{TENANT}billing/statements/", statements.listing, name="statements"),
    path(f"{TENANT}billing/statements/<str:number>/", statements.detail, name="statement"),
    path(f"{TENANT}billing/prices/", money.prices, name="prices"),
    path(f"{TENANT}members/", members.listing, name="members"),
    path(f"{TENANT}members/invite/", members.invite_one, name="member_invite"),
    path(f"{TENANT}members/second-factor/", members.set_factor, name="member_factor"),
    path(f"{TENANT}members/<str:person>/role/", members.set_role, name="member_role"),
    path(f"{TENANT}members/<str:person>/remove/", members.remove, name="member_remove"),
    path(
        f"{TENANT}invitations/<str:invitation>/cancel/",
        members.uninvite,
        name="invitation_cancel",
    ),
    path(f"{TENANT}audit/", audit.audit, name="audit"),
    path(f"{TENANT}settings/", settings.settings, name="settings"),
    path(f"{TENANT}settings/limits/", settings.limits, name="settings_limits"),
    path(f"{TENANT}settings/delete/", danger.delete, name="delete"),
    path(f"{TENANT}settings/export/", takeout.ask, name="export_ask"),
    path(f"{TENANT}exports/", takeout.lists, name="exports"),
    path(f"{TENANT}exports/ask/", takeout.ask_for_list, name="list_ask"),
    path(f"{TENANT}exports/<str:export>/", takeout.download, name="export"),
]
