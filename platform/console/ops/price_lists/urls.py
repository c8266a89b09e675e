"""The URLs of shared price lists under /ops/prices/lists/."""

from django.urls import path

from console.ops.price_lists import listed, one

urlpatterns = [
    path("", listed.listing, name="price_lists"),
    path("new/", listed.create, name="price_list_new"),
    path("<uuid:price_list>/", one.detail, name="price_list"),
    path("<uuid:price_list>/rename/", one.rename, name="price_list_rename"),
]
