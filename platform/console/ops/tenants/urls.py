"""The URLs of tenants under /ops/tenants/."""

from django.urls import path

from console.ops.tenants import assigning, keys, listed, one, overriding, prices

urlpatterns = [
    path("", listed.listing, name="tenants"),
    path("<str:tenant>/", one.tenant, name="tenant"),
    path("<str:tenant>/prices/", prices.prices, name="tenant_prices"),
    path("<str:tenant>/prices/list/", assigning.assign, name="tenant_list"),
    path("<str:tenant>/prices/own/", overriding.override, name="tenant_override"),
    path("<str:tenant>/keys/<str:key>/", keys.key, name="tenant_key"),
    path("<str:tenant>/keys/<str:key>/change/", keys.change, name="tenant_key_change"),
]
