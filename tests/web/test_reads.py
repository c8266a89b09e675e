"""Reads are counted by tenant, and refused as generations are."""

import json

import pytest

from tests.web.conftest import body_of, call

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("setting", "request_line"),
    [
        ("QUERIES_PER_MINUTE", "GET /v1/models"),
        ("QUERIES_PER_MINUTE", "GET /v1/images/generations"),
        ("QUERIES_PER_MINUTE", "POST /v1/images/quote"),
        ("QUERIES_PER_MINUTE", "GET /v1/usage"),
        ("QUERIES_PER_MINUTE", "GET /v1/prices"),
        ("QUERIES_PER_MINUTE", "GET /v1/api_keys"),
        ("QUERIES_PER_MINUTE", "GET /v1/webhook_endpoints"),
        ("READS_PER_MINUTE", "GET /v1/balance"),
        ("READS_PER_MINUTE", "POST /v1/webhook_endpoints"),
        ("KEY_CHANGES_PER_MINUTE", "POST /v1/api_keys"),
        ("KEY_CHANGES_PER_MINUTE", "PATCH /v1/api_keys/key_x"),
        ("KEY_CHANGES_PER_MINUTE", "DELETE /v1/api_keys/key_x"),
        ("KEY_CHANGES_PER_MINUTE", "POST /v1/api_keys/key_x/rotate"),
        ("READS_PER_MINUTE", "GET /v1/models/no-such-model"),
        ("READS_PER_MINUTE", "GET /v1/images/generations/gen_x"),
        ("READS_PER_MINUTE", "DELETE /v1/images/generations/gen_x"),
        ("READS_PER_MINUTE", "POST /v1/images/generations/gen_x/cancel"),
    ],
)
async def test_one_read_above_the_minutes_limit_is_a_429(
    whole, bearer, settings, setting, request_line
):
    setattr(settings, setting, 2)
    method, path = request_line.split()

    answers = [
        await call(
            whole, method=method, path=path, headers=bearer, messages=body_of(b""), hangs=True
        )
        for _ in range(3)
    ]

    assert 429 not in {each.status for each in answers[:2]}
    assert answers[2].status == 429
    assert json.loads(answers[2].body)["error"]["code"] == "rate_limit_exceeded"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 30
