"""Access to the metrics of `make run`, and the error for a bad list of networks."""

import pytest

from pictor.embedded.environment import base_environment
from pictor.embedded.layout import read_layout
from pictor.env import EnvError, env_networks

NETWORKS, TOKEN = "PICTOR_METRICS_NETWORKS", "PICTOR_METRICS_TOKEN"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ("127.0.0.0/8,::1", None)),
        ({NETWORKS: "10.0.0.0/8"}, ("10.0.0.0/8", None)),
        ({TOKEN: "secret"}, (None, "secret")),
        ({f"{TOKEN}_FILE": "/run/token"}, (None, None)),
        ({NETWORKS: "10.0.0.0/8", TOKEN: "secret"}, ("10.0.0.0/8", "secret")),
    ],
    ids=["nothing", "networks", "a token", "a token in a file", "both"],
)
def test_metrics_are_open_only_to_this_machine_by_default(tmp_path, said, expected):
    env = base_environment(read_layout(tmp_path, {}), {}, said)

    assert (env.get(NETWORKS), env.get(TOKEN)) == expected


def test_addresses_and_networks_may_be_mixed(monkeypatch):
    monkeypatch.setenv(NETWORKS, " 10.1.2.3/8, ::1 ,192.0.2.7")

    assert [str(network) for network in env_networks(NETWORKS)] == [
        "10.0.0.0/8",
        "::1/128",
        "192.0.2.7/32",
    ]


def test_a_misspelt_network_stops_the_start_by_name(monkeypatch):
    monkeypatch.setenv(NETWORKS, "10.0.0.0/8,localhost")

    with pytest.raises(EnvError, match=f"{NETWORKS} must hold addresses or networks: 'localhost'"):
        env_networks(NETWORKS)
