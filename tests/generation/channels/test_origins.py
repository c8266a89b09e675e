"""Private origins that a channel may call."""

import pytest

from generation.channels.origins import private_origins

ALLOW = frozenset(
    {"127.0.0.1:9000", "10.0.0.5:443", "[::1]:80", "Relay.lan:80", "acme=10.0.0.9:9000"}
)


@pytest.mark.parametrize(
    ("channel", "base_url", "opened"),
    [
        ("one", "http://127.0.0.1:9000/v1", {"127.0.0.1:9000"}),
        ("one", "https://10.0.0.5/v1", {"10.0.0.5:443"}),
        ("one", "http://[::1]/v1", {"[::1]:80"}),
        ("one", "http://RELAY.lan", {"relay.lan:80"}),
        ("one", "http://127.0.0.1:9001/v1", set()),
        ("one", "https://upstream.example/v1", set()),
        ("acme", "https://upstream.example/v1", {"10.0.0.9:9000"}),
        ("acme", "http://127.0.0.1:9000/v1", {"127.0.0.1:9000", "10.0.0.9:9000"}),
        ("ACME", "https://upstream.example/v1", set()),
    ],
)
def test_a_channel_may_call_its_own_private_origin_and_those_in_its_name(channel, base_url, opened):
    assert private_origins(channel=channel, base_url=base_url, allow=ALLOW) == opened
