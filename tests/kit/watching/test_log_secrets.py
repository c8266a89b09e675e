"""Secrets are kept out of log lines, whatever way they took."""

import json
import logging

import pytest

from pictor.kit.watching.log import LineFormatter


@pytest.mark.parametrize(
    "text",
    [
        "api-key: hush-hush",
        "{'X-Api-Key': 'hush-hush'}",
        '{"api_key": "hush-hush"}',
        "{'apikey': 'hush-hush'}",
        "GET /login?password=hush-hush&next=/",
        "password=hush-hush&next=/",
        "username=a&password1=hush-hush&password2=hush-hush",
        "host=db user=pictor password=hush-hush dbname=pictor",
        "host=db password='hush-hush with spaces' dbname=pictor",
        '{"password": "hush-hush"}',
        "PGPASSWORD=hush-hush psql",
        "PA\u017f\u017fWORD=hush-hush",
        "COO\u212aIE: hush-hush",
        "cook\u0131e: hush-hush",
        "AP\u0130_KEY: hush-hush",
        "signed by whsec_hush-hush",
        "Cookie: theme=dark; sessionid=hush-hush",
        'Cookie: theme="dark"; sessionid=hush-hush',
        """{'Cookie': 'theme="dark"; sessionid=hush-hush'}""",
        '{"cookie": "theme=\\"dark\\"; sessionid=hush-hush"}',
        "[(b'cookie', b'theme=dark; sessionid=hush-hush')]",
        "{'Set-Cookie': 'sessionid=hush-hush; Path=/'}",
    ],
)
def test_a_line_is_json_without_the_secret(text: str) -> None:
    record = logging.LogRecord("pictor", logging.INFO, __file__, 1, text, None, None)
    line = LineFormatter().format(record)
    assert "hush-hush" not in line
    assert "***" in json.loads(line)["message"]


@pytest.mark.parametrize("text", ["password=", "api_key: ", "password: '"])
def test_a_line_whose_secret_is_cut_off_is_json_still(text: str) -> None:
    record = logging.LogRecord("pictor", logging.INFO, __file__, 1, text, None, None)

    assert json.loads(LineFormatter().format(record))["message"] == text
