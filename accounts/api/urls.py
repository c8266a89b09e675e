"""The paths under /v1 that this app owns. Each works with and without the trailing slash."""

from django.urls import path

from accounts.api.keys import KeysView, KeyView, RotationView
from pictor.kit.api_routes import route

keys, key, rotation = route(KeysView), route(KeyView), route(RotationView)

urlpatterns = [
    path("api_keys", keys),
    path("api_keys/", keys),
    path("api_keys/<str:public_id>", key),
    path("api_keys/<str:public_id>/", key),
    path("api_keys/<str:public_id>/rotate", rotation),
    path("api_keys/<str:public_id>/rotate/", rotation),
]
