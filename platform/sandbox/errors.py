"""Errors in the words and shape of OpenAI's images API."""

import json
from http import HTTPStatus
from typing import Final

_TYPES: Final = {401: "invalid_request_error", 403: "permission_error", 429: "requests"}
_CODES: Final = {
    401: "invalid_api_key",
    402: "billing_hard_limit_reached",
    404: "model_not_found",
    429: "rate_limit_exceeded",
}
_FIRST_SERVER_ERROR: Final = 500


class ApiError(Exception):
    """An error to answer with.

    Args:
        message: for the caller.
        status: HTTP status of the answer.
        type: OpenAI's kind of error; by default the one usual for the status.
        code: likewise, and None where there is none.
        param: the request field the error is about.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str | None = None,  # noqa: A002 - the wire's own word
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        usual = "server_error" if status >= _FIRST_SERVER_ERROR else "invalid_request_error"
        self.status = status
        self.error = {
            "message": message,
            "type": type or _TYPES.get(status, usual),
            "param": param,
            "code": code or _CODES.get(status),
        }

    @property
    def headers(self) -> dict[str, str]:
        """Headers besides the content type: Retry-After for a rate limit."""
        return {"Retry-After": "1"} if self.status == HTTPStatus.TOO_MANY_REQUESTS else {}

    @property
    def body(self) -> bytes:
        """The JSON object."""
        return json.dumps({"error": self.error}).encode()


def asked_for(status: int) -> ApiError:
    """The error that a directive asked for by its status."""
    return ApiError(f"The sandbox was asked to answer with status {status}.", status=status)


def moderation() -> ApiError:
    """A prompt that the safety system refused."""
    return ApiError(
        "Your request was rejected by the safety system. If you believe this is an error, "
        "contact us at help.openai.com and include the request ID.",
        type="image_generation_user_error",
        code="moderation_blocked",
    )


def missing(field: str) -> ApiError:
    """A required field that was not sent."""
    return ApiError(
        f"Missing required parameter: '{field}'.", code="missing_required_parameter", param=field
    )


def invalid(field: str, why: str) -> ApiError:
    """A field whose value is not understood."""
    return ApiError(f"Invalid value for '{field}': {why}.", code="invalid_value", param=field)
