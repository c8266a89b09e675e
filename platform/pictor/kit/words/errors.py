"""The errors that answer a caller, as a tree; `endpoints/errors.py` turns them into JSON.

A module that must tell a case apart subclasses these.

    PictorError
    ├── InvalidRequest        400  bad field, bad JSON, prompt refused by the upstream's policy
    ├── Unauthenticated       401  missing, malformed, revoked or expired key
    ├── Forbidden             403  scope, model, IP range, suspended tenant
    ├── NotFound              404  unknown id, path or model; another tenant's id
    ├── MethodNotAllowed      405
    ├── RequestTimeout        408  a body that comes too slowly
    ├── NotCancelable         409
    ├── Canceled              409  the generation was canceled meanwhile
    ├── ModelSunset           410  a model that has ended
    ├── RequestTooLarge       413
    ├── UnsupportedMediaType  415
    ├── IdempotencyKeyReused  422
    ├── RateLimited           429  requests or images a minute, requests in flight
    ├── InsufficientQuota     429  balance, debt, budget, storage, tests or uncharged cost
    ├── UpstreamFailed        502  the upstream did not give us an image
    ├── NoChannelAvailable    503  nothing can serve this model and size now
    ├── Paused                503  the operator has stopped it
    ├── Unavailable           503  we ourselves cannot answer now
    └── GenerationTimeout     504

Messages are written for the caller: they hold no upstream text, host, key or traceback.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

LIKENESS = 0.75
"""Similarity from which a name is suggested: 'promt' reaches it for 'prompt', 'seed' not for
'user'."""

QuotaLimit = Literal["balance", "owed", "workspace", "key", "storage", "tests", "uncharged"]
"""The limit that a request exceeds: the balance, a budget of the workspace or the key, the
workspace's storage, its tests of today, or the uncharged cost that we bear for it today; `owed` if
it has to repay money first."""


class PictorError(Exception):
    """An error answer to a caller: the class fixes status and type, the case message and field.

    Args:
        message: one or two sentences for the caller.
        code: overrides the class's code.
        param: the request field the error is about.
        retry_after: seconds, sent as `Retry-After`.
        should_retry: sent as `x-should-retry`; None leaves the decision to the client.
        limit: for operators, the limit exceeded or the permission lacking; empty if neither.

    A message quotes the caller's own words as `repr` does, so that refused.py can store it without
    them.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "api_error"
    default_code: ClassVar[str] = "internal_error"
    default_should_retry: ClassVar[bool | None] = None
    default_retry_after: ClassVar[int | None] = None
    default_headers: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
        should_retry: bool | None = None,
        limit: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.limit = limit
        self.code = code or self.default_code
        self.param = param
        self.headers = dict(self.default_headers)
        self.retry_after = self.default_retry_after if retry_after is None else retry_after
        self.should_retry = self.default_should_retry if should_retry is None else should_retry


def add_headers(error: Exception, headers: Mapping[str, str]) -> None:
    """Add headers to an error's answer, without replacing those that it has."""
    vars(error)["headers"] = {**headers, **error_headers(error)}


def error_headers(error: Exception) -> dict[str, str]:
    """Return the headers of an error's answer."""
    return dict(vars(error).get("headers", {}))


class RequestError(PictorError):
    """The request cannot be served as it is: sent again, it is refused again."""

    type = "invalid_request_error"
    default_should_retry = False


class InvalidRequest(RequestError):
    """A field or the body as a whole is invalid."""

    status = 400
    default_code = "invalid_value"


class Unauthenticated(RequestError):
    """The API key is missing, malformed, revoked or expired."""

    status = 401
    default_code = "invalid_api_key"
    default_headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": "Bearer"}  # RFC 9110


class Forbidden(PictorError):
    """The API key is valid but may not do this."""

    status = 403
    type = "permission_error"
    default_code = "insufficient_permissions"
    default_should_retry = False


class ModelForbidden(Forbidden):
    """The key or its workspace does not allow the model; `limit` names the one that does not."""

    def __init__(self, message: str, *, limit: Literal["workspace", "key"]) -> None:
        super().__init__(message, param="model", limit=limit)


class NotFound(RequestError):
    """It does not exist, or belongs to another workspace."""

    status = 404
    default_code = "not_found"


class MethodNotAllowed(RequestError):
    """The path exists but does not have this method."""

    status = 405
    default_code = "method_not_allowed"


class RequestTimeout(RequestError):
    """The body took too long to arrive. Nothing was accepted."""

    status = 408
    default_code = "request_timeout"


class NotCancelable(RequestError):
    """The generation has already been started or has ended."""

    status = 409
    default_code = "not_cancelable"


class Canceled(RequestError):
    """The generation was canceled before it had an image; nothing was charged."""

    status = 409
    default_code = "canceled"


class ModelSunset(RequestError):
    """The model has ended; the message names its successor."""

    status = 410
    default_code = "model_sunset"


class RequestTooLarge(RequestError):
    """The body is too large, before or after decompression."""

    status = 413
    default_code = "request_too_large"


class UnsupportedMediaType(RequestError):
    """The body's content type or encoding is not supported."""

    status = 415
    default_code = "unsupported_media_type"


class IdempotencyKeyReused(RequestError):
    """The idempotency key was used with another body."""

    status = 422
    default_code = "idempotency_key_reused"


class RateLimited(PictorError):
    """Too many requests or images a minute, or too many in flight."""

    status = 429
    type = "rate_limit_error"
    default_code = "rate_limit_exceeded"


class InsufficientQuota(PictorError):
    """The balance, a budget, the storage or a daily ceiling is too low, or money is owed.

    `limit` names which.
    """

    status = 429
    type = "insufficient_quota"
    default_code = "insufficient_quota"
    default_should_retry = False

    limit: QuotaLimit

    def __init__(self, message: str, *, limit: QuotaLimit = "balance") -> None:
        super().__init__(message, limit=limit)


class UpstreamFailed(PictorError):
    """The upstream delivered no usable image; the hold was released."""

    status = 502
    type = "upstream_error"
    default_code = "upstream_error"
    default_should_retry = False


class NoChannelAvailable(PictorError):
    """No channel can serve this now; nothing is on hold."""

    status = 503
    type = "upstream_error"
    default_code = "no_channel_available"
    default_should_retry = False
    default_retry_after = 10


class Paused(PictorError):
    """The operator has paused this; nothing is on hold, and retries are refused."""

    status = 503
    type = "api_error"
    default_code = "paused"
    default_should_retry = False


class Unavailable(PictorError):
    """The service is briefly unavailable. Nothing new was accepted unless the message says so."""

    status = 503
    type = "api_error"
    default_code = "service_unavailable"
    default_should_retry = True
    default_retry_after = 2


class GenerationTimeout(PictorError):
    """The generation took longer than its time limit, or than a caller may wait."""

    status = 504
    type = "upstream_error"
    default_code = "generation_timeout"
    default_should_retry = False


ERROR_TYPES = (
    "invalid_request_error",
    "permission_error",
    "rate_limit_error",
    "insufficient_quota",
    "upstream_error",
    "api_error",
)
"""Every `type` that an error can have."""


def unknown(name: str, known: Iterable[str]) -> InvalidRequest:
    """Return the error for an unknown name, with the nearest known one if there is any."""
    names = [*known]
    nearest = difflib.get_close_matches(name[:100], names, n=1, cutoff=LIKENESS)
    there = f"Known: {', '.join(names)}." if names else "No parameters are accepted here."
    hint = f" Did you mean {nearest[0]!r}?" if nearest else f" {there}"
    message = f"Unknown parameter: {name[:100]!r}.{hint}"
    return InvalidRequest(message, code="unknown_parameter", param=name[:100])
