"""The paths under /v1 that this app owns."""

from accounts.api.keys import KeyRotationView, KeysView, KeyView
from pictor.kit.endpoints.paths import paths, route

urlpatterns = [
    *paths("api_keys", route(KeysView)),
    *paths("api_keys/<str:public_id>", route(KeyView)),
    *paths("api_keys/<str:public_id>/rotate", route(KeyRotationView)),
]
