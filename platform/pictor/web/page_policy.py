"""Content policy of pages: a strict one, and additions for the admin's library."""

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
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
    """`Content-Security-Policy` and `Permissions-Policy` of every page.

    The admin's library evaluates expressions in attributes and writes styles into elements, so its
    pages get a looser policy. Inline scripts do not run there either.
    """

    @override
    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        return super().process_response(request, response)

    @override
    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts: PolicyParts = super().get_policy_parts(request, response, report_only)
        if request.path.startswith(settings.ADMIN_PREFIXES):
            parts.update = settings.ADMIN_POLICY
        return parts
