"""Strangers and testers who take all they can, and the effect on other callers.

Forms that are never finished; credit for signing up, collected with one mailbox, from one address
and from many; mail to a person who asked for none; a test key that fills the bucket.
"""

import json
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx

from tests.bench.attackers import FORM_BYTES, FORMS, SIGN_IN
from tests.bench.client import Load
from tests.bench.ground import MODEL, Attacked, Ground
from tests.bench.report import MB, Result
from tests.customers.customer import Operator

SECONDS = 30.0
MAX_GROWTH_BYTES = 150 * MB
"""Limits for the web process and for the image worker."""
HONEST = (SIGN_IN, "a sign-in", "an image")
"""Honest calls with a printed p95."""
HEAD = (
    "attack | slots | memory MB | bytes MB | mails to one | honest p95 s: page, sign-in, image"
    " | what it got"
)
WATCHED = ("web", "worker")
SIGN_UPS = 24
SIGN_UP, CODE, RESET = "/accounts/signup/", "/accounts/confirm-email/", "/accounts/password/reset/"
PASSWORD = "correct-horse-battery"
FIRST, SECOND = "127.0.0.2", "127.0.0.3"
TESTER, TESTS, TESTS_AT_ONCE = "tester", 40, 10
NOISE = {"prompt": "Number {number} [sandbox: noise]", "model": MODEL, "size": "2048x1152"}
"""An image of 7 MB; a test key has at most 8 of them."""

_CREDITS = "SELECT count(*) FROM accounts_signupcredit WHERE withheld = ''"
_MAILS = 'SELECT count(*) FROM accounts_mail WHERE "to" LIKE %s'
_STORED = """
SELECT coalesce(sum(i.size_bytes), 0)::bigint FROM storage_storedimage AS i
  JOIN generation_generation AS g ON g.id = i.generation_id WHERE NOT g.livemode
"""


@dataclass(frozen=True)
class Got:
    """Gains of an attack."""

    words: str
    stored_bytes: int = 0
    mails: int = 0
    """Mails to the mailbox that got most."""


def run(ground: Ground, requests: int | None) -> Result:
    """Run one attack after the other; `requests` is the number of tests."""
    attacks: dict[str, Callable[[], Got]] = {
        f"{SIGN_UPS} sign-ups, one mailbox": lambda: _of_one_mailbox(ground),
        f"{SIGN_UPS} sign-ups, one address": lambda: _from(ground, "one", [SECOND] * SIGN_UPS),
        f"{SIGN_UPS} sign-ups, as many addresses": lambda: _from(
            ground, "many", [f"127.0.1.{number}" for number in range(1, SIGN_UPS + 1)]
        ),
        f"{requests or TESTS} tests of 7 MB": lambda: _tests(ground, requests or TESTS),
    }
    forms = ground.attack(seconds=SECONDS, kind="forms")
    found = {f"{FORMS} forms of {FORM_BYTES // 1024} KiB": (forms, Got("none was finished"))}
    for name, attack in attacks.items():
        found[name] = _beside(ground, attack)
    return Result(
        name="attacks: what they take, and how the honest fare",
        lines=[HEAD, *(_line(name, *each) for name, each in found.items())],
        columns={},
        figures={name: _figures(*each) for name, each in found.items()},
        failures=[
            f"{name}: {words}"
            for name, (attacked, _) in found.items()
            for words in _failures(attacked)
        ],
    )


def _beside(ground: Ground, attack: Callable[[], Got]) -> tuple[Attacked, Got]:
    got: list[Got] = []
    attacked = ground.attack(seconds=SECONDS, kind="none", meanwhile=lambda: got.append(attack()))
    return attacked, got[0]


def _line(name: str, attacked: Attacked, got: Got) -> str:
    took = attacked.endured.seconds
    size = max(got.stored_bytes, attacked.most["spool_bytes"])
    cells = [
        name,
        attacked.most["slots"],
        ", ".join(f"{each} {round(grown / MB):+d}" for each, grown in _growth(attacked).items()),
        f"{size / MB:.0f}",
        got.mails,
        ", ".join(f"{_p95(took[path]):.2f}" for path in HONEST),
        got.words,
    ]
    return " | ".join(map(str, cells))


def _figures(attacked: Attacked, got: Got) -> dict[str, Any]:
    return {
        "most": attacked.most,
        "grown_bytes": _growth(attacked),
        "stored_bytes": got.stored_bytes,
        "mails_to_one": got.mails,
        "got": got.words,
        "honest_p95_seconds": {path: _p95(took) for path, took in attacked.endured.seconds.items()},
    }


def _failures(attacked: Attacked) -> list[str]:
    found = [
        f"{name} grew by {grown // MB} MB"
        for name, grown in _growth(attacked).items()
        if grown > MAX_GROWTH_BYTES
    ]
    if attacked.endured.failed:
        found.append(f"{attacked.endured.failed} honest calls were not answered as they should be")
    return found


def _growth(attacked: Attacked) -> dict[str, int]:
    return {name: attacked.peak_bytes[name] - attacked.idle_bytes[name] for name in WATCHED}


def _p95(seconds: list[float]) -> float:
    if len(seconds) < 2:
        return max(seconds)
    return statistics.quantiles(seconds, n=20, method="inclusive")[18]


def _of_one_mailbox(ground: Ground) -> Got:
    """Sign up with labels of one mailbox; then request new passwords, which are mailed too."""
    labels = [f"stranger+{number}@gmail.com" for number in range(SIGN_UPS)]
    got = _signed_up(ground, [(email, FIRST) for email in labels])
    for email in labels:
        with _browser(ground, FIRST) as browser:
            _post(browser, RESET, email=email)
    return Got(got, mails=_count(ground, _MAILS, "stranger%"))


def _from(ground: Ground, name: str, addresses: list[str]) -> Got:
    """Sign-ups with a mailbox each."""
    emails = [f"{name}{number}@example.com" for number in range(len(addresses))]
    got = _signed_up(ground, zip(emails, addresses, strict=True))
    return Got(got, mails=_count(ground, _MAILS, emails[0]))


def _signed_up(ground: Ground, people: Iterable[tuple[str, str]]) -> str:
    """Sign up these (e-mail address, IP address) pairs."""
    before = _count(ground, _CREDITS)
    statuses = Counter(_sign_up(ground, email, address) for email, address in people)
    opened = _count(ground, _CREDITS) - before
    words = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    return f"{opened} workspaces with credit ({words})"


def _sign_up(ground: Ground, email: str, address: str) -> int:
    """The form's status, or, if the form was accepted, the code's."""
    with _browser(ground, address) as browser:
        answer = _post(browser, SIGN_UP, email=email, password1=PASSWORD, terms="on")
        if answer.is_redirect:
            answer = _post(browser, CODE, code=_code(ground, email))
        return answer.status_code


def _browser(ground: Ground, address: str) -> httpx.Client:
    return httpx.Client(
        base_url=ground.stack.base_url,
        transport=httpx.HTTPTransport(local_address=address),
        timeout=60,
    )


def _post(browser: httpx.Client, path: str, **form: str) -> httpx.Response:
    browser.get(path)
    token = browser.cookies.get("csrftoken", "")
    return browser.post(path, data={**form, "csrfmiddlewaretoken": token})


def _code(ground: Ground, email: str) -> str:
    page = httpx.get(f"{ground.stack.base_url}/mailbox/", trust_env=False, timeout=60).text
    found = re.search(rf"To {re.escape(email)}\b.*?\n +([A-Z0-9-]+)\n", page, re.DOTALL)
    return found[1] if found else ""


def _tests(ground: Ground, number: int) -> Got:
    with closing(Operator(ground.stack.env)) as operator:
        operator("tenant", "create", TESTER, "--balance", "0", "--json")
        made = operator("key", "create", TESTER, "--test", "--json")
    outcome = ground.sent(
        Load(
            base_url=ground.stack.base_url,
            api_keys=[json.loads(made)["api_key"]],
            requests=number,
            concurrency=TESTS_AT_ONCE,
            body={**NOISE},
        )
    )
    words = ", ".join(f"{count} x {status}" for status, count in outcome.statuses.items())
    return Got(words, stored_bytes=_count(ground, _STORED))


def _count(ground: Ground, sql: str, *values: str) -> int:
    with ground.database() as connection:
        (found,) = connection.execute(sql, values).fetchone() or (0,)
    return int(found)
