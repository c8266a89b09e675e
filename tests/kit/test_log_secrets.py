"""What a log line must not carry, however it got there."""

import json
import logging

import pytest

from pictor.kit.log import LineFormatter


@pytest.mark.parametrize(
    "text",
    [
        "api-key: hush-hush",
        "{'X-Api-Key': 'hush-hush'}",
        '{"api_key": "hush-hush"}',
        "GET /login?password=hush-hush&next=/",
        "signed by whsec_hush-hush",
        "Cookie: theme=dark; sessionid=hush-hush",
        "{'Set-Cookie': 'sessionid=hush-hush; Path=/'}",
    ],
)
def test_a_line_is_json_without_the_secret(text: str) -> None:
    record = logging.LogRecord("pictor", logging.INFO, __file__, 1, text, None, None)
    line = LineFormatter().format(record)
    assert "hush-hush" not in line
    assert "***" in json.loads(line)["message"]
