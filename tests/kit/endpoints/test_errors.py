"""Exceptions as answers in OpenAI's shape."""

import json
import logging

import pytest
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions as drf

from pictor.kit.endpoints.errors import as_pictor_error, drf_exception_handler, response_of
from pictor.kit.words import errors
from pictor.kit.words.errors import PictorError


@pytest.mark.parametrize(
    ("error", "status", "kind", "code", "retry"),
    [
        (errors.InvalidRequest("x"), 400, "invalid_request_error", "invalid_value", "false"),
        (errors.Unauthenticated("x"), 401, "invalid_request_error", "invalid_api_key", "false"),
        (errors.Forbidden("x"), 403, "permission_error", "insufficient_permissions", "false"),
        (errors.NotFound("x"), 404, "invalid_request_error", "not_found", "false"),
        (errors.MethodNotAllowed("x"), 405, "invalid_request_error", "method_not_allowed", "false"),
        (errors.RequestTimeout("x"), 408, "invalid_request_error", "request_timeout", "false"),
        (errors.NotCancelable("x"), 409, "invalid_request_error", "not_cancelable", "false"),
        (errors.ModelSunset("x"), 410, "invalid_request_error", "model_sunset", "false"),
        (errors.RequestTooLarge("x"), 413, "invalid_request_error", "request_too_large", "false"),
        (
            errors.UnsupportedMediaType("x"),
            415,
            "invalid_request_error",
            "unsupported_media_type",
            "false",
        ),
        (
            errors.IdempotencyKeyReused("x"),
            422,
            "invalid_request_error",
            "idempotency_key_reused",
            "false",
        ),
        (errors.RateLimited("x"), 429, "rate_limit_error", "rate_limit_exceeded", None),
        (errors.InsufficientQuota("x"), 429, "insufficient_quota", "insufficient_quota", "false"),
        (errors.UpstreamFailed("x"), 502, "upstream_error", "upstream_error", "false"),
        (errors.NoChannelAvailable("x"), 503, "upstream_error", "no_channel_available", "false"),
        (errors.Paused("x"), 503, "api_error", "paused", "false"),
        (errors.Unavailable("x"), 503, "api_error", "service_unavailable", "true"),
        (errors.GenerationTimeout("x"), 504, "upstream_error", "generation_timeout", "false"),
        (errors.PictorError("x"), 500, "api_error", "internal_error", None),
    ],
)
def test_each_error_has_its_status_type_and_code(error, status, kind, code, retry):
    response = response_of(error)

    assert response.status_code == status
    assert json.loads(response.content) == {
        "error": {"message": "x", "type": kind, "param": None, "code": code}
    }
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Content-Length"] == str(len(response.content))
    assert response.headers.get("x-should-retry") == retry
    assert ("Retry-After" in response.headers) is (status == 503 and code != "paused")


def test_an_error_says_its_field_and_when_to_come_back():
    error = errors.RateLimited(
        "zu viel, déjà: 🦊", code="concurrency_limit_exceeded", param="n", retry_after=7
    )
    error.headers = {"x-ratelimit-limit-requests": "60"}

    response = response_of(error)

    assert response.content.decode() == (
        '{"error":{"message":"zu viel, déjà: 🦊","type":"rate_limit_error","param":"n",'
        '"code":"concurrency_limit_exceeded"}}'
    )
    assert response.headers["Retry-After"] == "7"
    assert response.headers["x-ratelimit-limit-requests"] == "60"


def test_a_case_may_decide_on_retries_against_its_class():
    assert response_of(errors.Unavailable("x", should_retry=False))["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404("secret path"), 404, "not_found"),
        (drf.NotFound(), 404, "not_found"),
        (drf.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (drf.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
        (drf.ParseError("secret"), 400, "invalid_json"),
        (RequestDataTooBig("secret"), 413, "request_too_large"),
        (OperationalError("server closed the connection at secret"), 503, "service_unavailable"),
        (InterfaceError("connection already closed at secret"), 503, "service_unavailable"),
        (ZeroDivisionError("secret"), 500, "internal_error"),
    ],
)
def test_errors_of_frameworks_are_answered_in_our_words(error, status, code):
    answer = as_pictor_error(error)

    assert (answer.status, answer.code) == (status, code)
    assert "secret" not in answer.message


def test_an_unforeseen_error_is_logged_whole(caplog):
    with caplog.at_level(logging.ERROR):
        as_pictor_error(ZeroDivisionError("a detail"))

    assert caplog.records[0].exc_info is not None
    assert "a detail" in caplog.text


def test_an_error_of_ours_stays_as_it_is():
    error = PictorError("x")

    assert as_pictor_error(error) is error


def test_rest_framework_answers_in_the_same_shape():
    response = drf_exception_handler(drf.NotFound(), {})

    assert response.status_code == 404
    assert json.loads(response.content)["error"]["code"] == "not_found"
