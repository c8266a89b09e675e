"""The paths under /v1 that this app owns."""

from pictor.kit.endpoints.paths import paths, route
from webhooks.api.deliveries import (
    DeliveriesView,
    DeliveryView,
    ResendSinceView,
    ResendView,
    TestView,
)
from webhooks.api.endpoints import EndpointsView, EndpointView, SecretRotationView

ONE = "webhook_endpoints/<str:public_id>"

urlpatterns = [
    *paths("webhook_endpoints", route(EndpointsView)),
    *paths(ONE, route(EndpointView)),
    *paths(f"{ONE}/rotate", route(SecretRotationView)),
    *paths(f"{ONE}/test", route(TestView)),
    *paths(f"{ONE}/resend", route(ResendSinceView)),
    *paths(f"{ONE}/deliveries", route(DeliveriesView)),
    *paths(f"{ONE}/deliveries/<str:delivery_id>", route(DeliveryView)),
    *paths(f"{ONE}/deliveries/<str:delivery_id>/resend", route(ResendView)),
]
