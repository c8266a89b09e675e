"""`Authorization: Bearer KEY` for Django REST framework, and for the OpenAPI document."""

from dataclasses import dataclass
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from typing_extensions import override

from accounts.authentication import authenticate, read_bearer
from accounts.callers import Caller
from pictor.kit.words import clock


@dataclass(frozen=True, slots=True)
class Principal:
    """`request.user` of a DRF view: the caller, never anonymous."""

    caller: Caller
    is_authenticated: bool = True
    is_active: bool = True

    @property
    def pk(self) -> str:
        """The key's id, by which throttles and logs tell callers apart."""
        return str(self.caller.key_id)


class ApiKeyAuthentication(BaseAuthentication):
    """DRF's wrapper of `authenticate`; `request.user.caller` and `request.auth` are the Caller."""

    @override
    def authenticate(self, request: Request) -> tuple[Principal, Caller]:
        """Return the principal and its caller. Raises like `read_bearer` and `authenticate`."""
        key = read_bearer(request.META.get("HTTP_AUTHORIZATION"))
        caller = authenticate(key, now=clock.now(), ip=request.META.get("REMOTE_ADDR"))
        return Principal(caller), caller

    @override
    def authenticate_header(self, request: Request) -> str:
        """Return the scheme, which makes a refusal a 401 rather than a 403."""
        return "Bearer"


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # its metaclass hook is untyped
    """The description of the header in the OpenAPI document."""

    target_class = ApiKeyAuthentication
    name = "apiKey"

    @override
    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "sk-pictor-…"}
