"""Signatures that the specification's own example, and its library, agree with."""

import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from webhooks.signing import headers_of, new_secret

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

    assert [Webhook(one).verify('{"a":"ü"}', headers) for one in ours] == [{"a": "ü"}] * 2
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify('{"a":"ü"}', headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(ours[0]).verify('{"a":"u"}', headers)
