"""DATABASE_URL as Django's settings."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper

from pictor.env import EnvError, env_database

OURS = {"connect_timeout": 5, "options": "-c lock_timeout=2000"}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    def read(url: str) -> dict[str, Any]:
        monkeypatch.setenv("TEST_URL", url)
        return env_database("TEST_URL", "postgresql://nobody@nowhere/nothing", options=OURS)

    return read


def test_every_part_of_a_url_is_taken(read):
    assert read("postgresql://ann:secret@db.example:6543/shop") == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "shop",
        "USER": "ann",
        "PASSWORD": "secret",
        "HOST": "db.example",
        "PORT": "6543",
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "OPTIONS": {"connect_timeout": 5, "options": "-c lock_timeout=2000"},
    }


def test_the_default_counts_where_nothing_is_set(monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("DATABASE_URL_FILE", raising=False)

    found = env_database("DATABASE_URL", "postgres://pictor@127.0.0.1/pictor", options={})

    assert (found["HOST"], found["PORT"], found["OPTIONS"]) == ("127.0.0.1", "5432", {})


def test_a_url_may_come_from_a_file(monkeypatch, tmp_path):
    (tmp_path / "url").write_text("postgresql://ann@db/shop\n")
    monkeypatch.setenv("TEST_URL_FILE", str(tmp_path / "url"))

    assert env_database("TEST_URL", "", options={})["NAME"] == "shop"


@pytest.mark.parametrize(
    ("encoded", "password"),
    [("p%40ss%3Aw%2Frd%3F%23", "p@ss:w/rd?#"), ("100%25", "100%"), ("a+b", "a+b"), ("%C3%BC", "ü")],
)
def test_a_password_may_have_any_characters(read, encoded, password):
    found = read(f"postgresql://a%40b:{encoded}@db/my%20shop")

    assert (found["USER"], found["PASSWORD"], found["NAME"]) == ("a@b", password, "my shop")


def test_options_are_decoded_and_passed_on(read):
    found = read("postgresql://db/shop?sslmode=verify-full&sslrootcert=%2Fetc%2Fmy%20ca.pem")

    assert found["OPTIONS"] == {
        "connect_timeout": 5,
        "options": "-c lock_timeout=2000",
        "sslmode": "verify-full",
        "sslrootcert": "/etc/my ca.pem",
    }


def test_options_of_the_url_win_over_ours(read):
    found = read("postgresql://db/shop?options=-c%20lock_timeout%3D9%20-c%20jit%3Doff")

    assert found["OPTIONS"] == {"connect_timeout": 5, "options": "-c lock_timeout=9 -c jit=off"}


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("postgresql://%2Frun%2FPostgres:6543/shop", "/run/Postgres", "6543"),
        ("postgresql:///shop", "", "5432"),
        ("postgresql://[::1]:6543/shop", "::1", "6543"),
    ],
)
def test_a_host_may_be_a_folder_of_sockets_an_address_or_nothing(read, url, host, port):
    found = read(url)

    assert (found["HOST"], found["PORT"]) == (host, port)


def test_host_and_port_may_be_options_as_libpq_has_them(read):
    found = read("postgresql:///shop?host=%2Frun%2FPostgres&port=6543")

    assert (found["HOST"], found["PORT"], found["OPTIONS"]["host"]) == ("", "6543", "/run/Postgres")


@pytest.mark.parametrize(
    ("hosts", "host", "port"),
    [
        ("a:5432,b:6543", "a,b", "5432,6543"),
        ("a,b", "a,b", "5432,5432"),
        ("[::1]:6543,%2Frun%2Fpg,b", "::1,/run/pg,b", "6543,5432,5432"),
    ],
)
def test_a_url_may_name_several_hosts(read, hosts, host, port):
    found = read(f"postgresql://ann:a,b@{hosts}/shop?target_session_attrs=read-write")

    assert (found["HOST"], found["PORT"], found["USER"], found["PASSWORD"], found["NAME"]) == (
        *(host, port, "ann", "a,b", "shop"),
    )
    assert found["OPTIONS"]["target_session_attrs"] == "read-write"


@pytest.mark.parametrize("ports", ["5432,6543", "5432"])
def test_several_hosts_may_be_options_as_libpq_has_them(read, ports):
    found = read(f"postgresql:///shop?host=a,b&port={ports}&target_session_attrs=read-write")

    assert (found["HOST"], found["PORT"]) == ("", ports)
    assert (found["OPTIONS"]["host"], found["OPTIONS"]["target_session_attrs"]) == (
        *("a,b", "read-write"),
    )


@pytest.mark.parametrize(
    "url", ["postgresql://{no}:1,{here}/{name}", "postgresql:///{name}?host={no},{h}&port=1,{p}"]
)
def test_django_connects_to_the_host_that_answers(read, db, url):
    there = connection.get_connection_params()
    place = {"h": there["host"], "p": there["port"], "here": f"{there['host']}:{there['port']}"}
    found = read(url.format(**place, no="127.0.0.1", name=there["dbname"]))
    names = {"USER": there["user"], "PASSWORD": there["password"]}
    another = DatabaseWrapper({**connection.settings_dict, **found, **names})

    with closing(another), another.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("2s",)


@pytest.mark.parametrize("url", ["mysql://ann:secret@db/shop", "pgsql://db/shop", "secret", "//db"])
def test_another_kind_of_database_stops_the_start(read, url):
    with pytest.raises(EnvError) as stopped:
        read(url)

    assert str(stopped.value) == "TEST_URL must begin with postgresql://"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:secret@db:port/shop",
        "postgresql://ann:secret@db:99999/shop",
        "postgresql://ann:se/cret@db/shop",
        "postgresql://ann:secret@[::1/shop",
        "postgresql://ann:secret@a:1,b:port/shop",
    ],
)
def test_a_url_that_cannot_be_read_stops_the_start_without_its_password(read, url):
    with pytest.raises(EnvError) as stopped:
        read(url)

    assert str(stopped.value) == (
        "TEST_URL cannot be read: special characters in its parts must be percent-encoded"
    )
    assert stopped.value.__suppress_context__
