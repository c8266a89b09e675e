"""An unusable value stops the start with one line, instead of failing much later."""

import pytest
from cryptography.fernet import Fernet

from pictor.env import (
    EnvError,
    env_authorities,
    env_choice,
    env_dollars,
    env_doors,
    env_fernet_keys,
    env_log_level,
    env_url,
)
from tests.fakes.authorities import make_authority

NAME = "PICTOR_TEST_VALUE"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "http://127.0.0.1:9000",
        "https://s3.example.com",
        "https://[::1]:9000/",
        "https://a/b/s3",
    ],
)
def test_a_url_of_a_server_is_read(monkeypatch, typed):
    monkeypatch.setenv(NAME, typed)

    assert env_url(NAME, "http://usual") == (typed or "http://usual")


@pytest.mark.parametrize(
    "typed",
    ["minio:9000", "s3.example.com", "ftp://minio", "http://", "http://a:port", "http://a/?b=c"],
)
def test_a_malformed_url_stops_the_start(monkeypatch, typed):
    monkeypatch.setenv(NAME, typed)

    with pytest.raises(EnvError) as stopped:
        env_url(NAME)

    expected = f"{NAME} must be like https://s3.example.com:9000, not {typed!r}"
    assert str(stopped.value) == expected


@pytest.mark.parametrize(("typed", "word"), [("", "keys"), ("keys", "keys"), ("chain", "chain")])
def test_a_word_is_one_of_those_there_are(monkeypatch, typed, word):
    monkeypatch.setenv(NAME, typed)

    assert env_choice(NAME, "keys", "chain") == word


def test_a_word_that_is_no_choice_stops_the_start(monkeypatch):
    monkeypatch.setenv(NAME, "chains")

    with pytest.raises(EnvError) as stopped:
        env_choice(NAME, "keys", "chain")

    assert str(stopped.value) == f"{NAME} must be keys or chain, not 'chains'"


def test_authorities_are_a_file_of_certificates(monkeypatch, tmp_path):
    monkeypatch.setenv(NAME, str(make_authority(tmp_path)))

    assert env_authorities(NAME) == f"{tmp_path}/authority.pem"


def test_an_empty_value_means_no_private_authorities(monkeypatch):
    monkeypatch.setenv(NAME, "")

    assert env_authorities(NAME) == ""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.pem", "No such file or directory"),
        ("empty.pem", "NO_CERTIFICATE"),
        ("words.pem", "NO_CERTIFICATE"),
    ],
)
def test_a_file_that_names_no_authority_stops_the_start(monkeypatch, tmp_path, name, said):
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "words.pem").write_text("authority")
    path = tmp_path / name
    monkeypatch.setenv(NAME, str(path))

    with pytest.raises(EnvError, match=said) as stopped:
        env_authorities(NAME)

    begins = f"{NAME} must be a file of certificates, not '{path}': "
    assert str(stopped.value).startswith(begins)


def test_doors_are_as_origins_are_compared_with_them(monkeypatch):
    monkeypatch.setenv(NAME, "10.0.0.7:8000, Big.Example:443,[::1]:80,My Vendor=CDN.example:80")

    expected = {"10.0.0.7:8000", "big.example:443", "[::1]:80", "My Vendor=cdn.example:80"}
    assert env_doors(NAME) == expected


@pytest.mark.parametrize("typed", ["10.0.0.7", "10.0.0.0/8", "http://a:80", "a:b", "::1:80", "n="])
def test_a_door_that_would_open_nothing_stops_the_start(monkeypatch, typed):
    monkeypatch.setenv(NAME, f"a:1,{typed}")

    with pytest.raises(EnvError, match=f"^{NAME} must hold entries like"):
        env_doors(NAME)


@pytest.mark.parametrize(("typed", "level"), [("", "INFO"), ("debug", "DEBUG")])
def test_a_log_level_is_read(monkeypatch, typed, level):
    monkeypatch.setenv(NAME, typed)

    assert env_log_level(NAME) == level


def test_a_level_that_logging_does_not_know_stops_the_start(monkeypatch):
    monkeypatch.setenv(NAME, "LOUD")

    with pytest.raises(EnvError, match=f"^{NAME} must be one of CRITICAL, .*, not 'LOUD'$"):
        env_log_level(NAME)


def test_encryption_keys_are_read_newest_first(monkeypatch):
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    monkeypatch.setenv(NAME, " ".join(keys))

    assert env_fernet_keys(NAME) == keys


@pytest.mark.parametrize("wrong", ["too-short", "ä" * 44, "A" * 45])
def test_a_key_that_fernet_refuses_stops_the_start_and_is_not_quoted(monkeypatch, wrong):
    with pytest.raises(ValueError, match=r"."):
        Fernet(wrong)
    monkeypatch.setenv(NAME, f"{Fernet.generate_key().decode()} {wrong}")

    with pytest.raises(EnvError) as stopped:
        env_fernet_keys(NAME)

    assert str(stopped.value) == f"{NAME}: key 2 of 2 is not a Fernet key"


@pytest.mark.parametrize(("typed", "micros"), [("", 20_000_000), ("0.000001", 1)])
def test_dollars_are_read_as_micros(monkeypatch, typed, micros):
    monkeypatch.setenv(NAME, typed)

    assert env_dollars(NAME, "20", least=1) == micros


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("0", "must be more than 0, not '0'"),
        ("much", "must be an amount in dollars, not 'much'"),
        ("-1", "must be an amount in dollars of up to six places, not '-1'"),
        ("0.0000001", "must be an amount in dollars of up to six places, not '0.0000001'"),
    ],
)
def test_no_other_amount_will_do(monkeypatch, typed, problem):
    monkeypatch.setenv(NAME, typed)

    with pytest.raises(EnvError) as stopped:
        env_dollars(NAME, "20", least=1)

    assert str(stopped.value) == f"{NAME} {problem}"
