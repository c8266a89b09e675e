"""The URLs of tenants under /ops/tenants/."""

from django.urls import path

from console.ops.tenants import (
    assigning,
    data_requests,
    founding,
    keys,
    listed,
    one,
    overriding,
    people,
    prices,
)

urlpatterns = [
    path("", listed.listing, name="tenants"),
    path("new/", founding.new, name="tenant_new"),
    path("<str:tenant>/", one.tenant, name="tenant"),
    path("<str:tenant>/prices/", prices.prices, name="tenant_prices"),
    path("<str:tenant>/prices/list/", assigning.assign, name="tenant_list"),
    path("<str:tenant>/prices/own/", overriding.override, name="tenant_override"),
    path("<str:tenant>/keys/", people.create_key, name="tenant_key_new"),
    path("<str:tenant>/keys/<str:key>/", keys.key, name="tenant_key"),
    path("<str:tenant>/keys/<str:key>/change/", keys.change, name="tenant_key_change"),
    path("<str:tenant>/keys/<str:key>/revoke/", people.revoke_key, name="tenant_key_revoke"),
    path("<str:tenant>/members/", people.invite_member, name="tenant_invite"),
    path("<str:tenant>/members/<str:person>/", people.set_role, name="tenant_member"),
    path("<str:tenant>/members/<str:person>/remove/", people.remove_member, name="tenant_dismiss"),
    path("<str:tenant>/invitations/<uuid:invitation>/", people.uninvite, name="tenant_uninvite"),
    path("<str:tenant>/export/", data_requests.export, name="tenant_export"),
    path("<str:tenant>/erase/", data_requests.erase, name="tenant_erase"),
]
