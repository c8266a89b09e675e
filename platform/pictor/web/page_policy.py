"""Content policy of pages."""

from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponseBase
from typing_extensions import override

UNUSED_FEATURES = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "microphone",
    "payment",
    "usb",
)
PERMISSIONS = ", ".join(f"{name}=()" for name in UNUSED_FEATURES)


class PagePolicy(CSPMiddleware):
    """`Content-Security-Policy` and `Permissions-Policy` of every page."""

    @override
    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        return super().process_response(request, response)
