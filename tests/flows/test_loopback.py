"""Pages for this machine only are hidden from requests that came through a proxy."""

from datetime import timedelta

import httpx
import pytest

from pictor.kit.secrets import passes
from pictor.kit.words import clock
from tests.stack.servers import Stack

OF_PROXIES = [
    {"X-Forwarded-For": "203.0.113.9"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Host": "localhost"},
    {"Forwarded": "for=203.0.113.9"},
    {"Via": "1.1 proxy"},
    {"X-Real-IP": "203.0.113.9"},
]


def opened(stack: Stack, headers: dict[str, str]) -> httpx.Response:
    until = clock.now() + timedelta(minutes=1)
    token = passes.issue(passes.OPEN_DEMO, secret=stack.env["SECRET_KEY"], until=until)
    return httpx.get(f"{stack.base_url}/open/{token}/", headers=headers, trust_env=False)


@pytest.mark.parametrize("headers", OF_PROXIES, ids=str)
def test_a_proxy_that_nobody_told_us_of_shows_its_callers_neither_mail_nor_the_demo(
    stack: Stack, headers: dict[str, str]
) -> None:
    mailbox = httpx.get(f"{stack.base_url}/mailbox/", headers=headers, trust_env=False)

    assert mailbox.status_code == 404
    assert opened(stack, headers).headers["location"].startswith("/accounts/login/")


def test_both_are_there_for_who_sits_at_the_machine(stack: Stack) -> None:
    assert httpx.get(f"{stack.base_url}/mailbox/", trust_env=False).status_code == 200
    assert "data-sends" in opened(stack, {}).text
