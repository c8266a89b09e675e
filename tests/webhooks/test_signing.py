"""Signatures that the specification's own example, and its library, agree with."""

import re
import time
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from console.site.guides import FOLDER
from webhooks.signing import headers_of, new_secret

GUIDE = (FOLDER / "webhooks.md").read_text(encoding="utf-8")

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'


def test_the_known_vector_is_signed():
    headers = headers_of(
        event_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=BODY,
        signed_with=[SECRET],
    )

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_secret_verifies_and_no_other_does():
    ours = [new_secret(), new_secret()]
    headers = headers_of(
        event_id="evt_1", timestamp=int(time.time()), body='{"a":"ü"}'.encode(), signed_with=ours
    )

    assert [Webhook(our).verify('{"a":"ü"}', headers) for our in ours] == [{"a": "ü"}] * 2
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify('{"a":"ü"}', headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(ours[0]).verify('{"a":"u"}', headers)


def test_the_guides_verification_without_a_library_accepts_only_our_signatures():
    (shown,) = re.findall(r"```python\n(import base64.*?)```", GUIDE, re.DOTALL)
    found: dict[str, Any] = {}
    exec(shown, found)  # noqa: S102 - our own page
    secrets, now = [new_secret(), new_secret()], int(time.time())

    headers = headers_of(event_id="evt_1", timestamp=now, body=BODY, signed_with=secrets)
    old = headers_of(event_id="evt_1", timestamp=now - 301, body=BODY, signed_with=secrets)

    assert [found["is_ours"](secret, headers, BODY) for secret in secrets] == [True, True]
    assert not found["is_ours"](new_secret(), headers, BODY)
    assert not found["is_ours"](secrets[0], headers, BODY + b" ")
    assert not found["is_ours"](secrets[0], old, BODY)
