"""The paths under /v1 that this app owns. Each works with and without the trailing slash."""

from django.urls import path

from pictor.kit.api_routes import route
from webhooks.api.deliveries import (
    DeliveriesView,
    DeliveryView,
    ResendSinceView,
    ResendView,
    TestView,
)
from webhooks.api.endpoints import EndpointsView, EndpointView, RotationView

ONE = "webhook_endpoints/<str:public_id>"

endpoints, endpoint, rotation = route(EndpointsView), route(EndpointView), route(RotationView)
test, resend_since, deliveries = route(TestView), route(ResendSinceView), route(DeliveriesView)
delivery, resend = route(DeliveryView), route(ResendView)

urlpatterns = [
    path("webhook_endpoints", endpoints),
    path("webhook_endpoints/", endpoints),
    path(ONE, endpoint),
    path(f"{ONE}/", endpoint),
    path(f"{ONE}/rotate", rotation),
    path(f"{ONE}/rotate/", rotation),
    path(f"{ONE}/test", test),
    path(f"{ONE}/test/", test),
    path(f"{ONE}/resend", resend_since),
    path(f"{ONE}/resend/", resend_since),
    path(f"{ONE}/deliveries", deliveries),
    path(f"{ONE}/deliveries/", deliveries),
    path(f"{ONE}/deliveries/<str:delivery_id>", delivery),
    path(f"{ONE}/deliveries/<str:delivery_id>/", delivery),
    path(f"{ONE}/deliveries/<str:delivery_id>/resend", resend),
    path(f"{ONE}/deliveries/<str:delivery_id>/resend/", resend),
]
