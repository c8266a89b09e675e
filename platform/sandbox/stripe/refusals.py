"""Errors in Stripe's words and shape."""

from typing import Any, Final

INVALID: Final = "invalid_request_error"


class Refusal(Exception):
    """An error to answer with; `facts` are further fields of it, such as `decline_code`."""

    def __init__(self, message: str, *, status: int = 400, **facts: Any) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"type": INVALID, "message": message, **facts}

    @property
    def is_kept(self) -> bool:
        """True if the call had begun, so that its idempotency key answers so again."""
        return self.status not in {401, 404, 409, 429} and "param" not in self.error


def unknown(kind: str, name: str, param: str = "id", *, status: int = 404) -> Refusal:
    """An object that is not there; 400 where another object was to name it."""
    message = f"No such {kind}: '{name}'"
    return Refusal(message, status=status, code="resource_missing", param=param)


def invalid(param: str, message: str, code: str | None = None) -> Refusal:
    """A parameter that is missing, unknown or wrong."""
    facts = {"code": code} if code else {}
    return Refusal(message, status=400, param=param, **facts)


def missing(param: str) -> Refusal:
    """A parameter that was not sent."""
    return invalid(param, f"Missing required param: {param}.", "parameter_missing")
