"""Secrets that may have several values."""

import pytest

from pictor.env import EnvError, env_secret, env_secrets


@pytest.mark.parametrize(
    ("text", "found"),
    [("one", ["one"]), ("new,old", ["new", "old"]), (" new , ,old,", ["new", "old"])],
)
def test_several_secrets_are_separated_by_commas(monkeypatch, tmp_path, text, found):
    monkeypatch.setenv("PICTOR_KEY_PEPPER", text)
    assert env_secrets("PICTOR_KEY_PEPPER") == found

    (tmp_path / "pepper").write_text(f"{text}\n")
    monkeypatch.setenv("PICTOR_KEY_PEPPER_FILE", str(tmp_path / "pepper"))
    assert env_secrets("PICTOR_KEY_PEPPER") == found


def test_an_empty_variable_holds_no_secret(monkeypatch):
    monkeypatch.setenv("PICTOR_KEY_PEPPER", "")
    monkeypatch.setenv("PICTOR_KEY_PEPPER_FILE", "")

    assert env_secrets("PICTOR_KEY_PEPPER") == []


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_file_without_its_secret_stops_the_start_by_name(monkeypatch, tmp_path, text):
    (tmp_path / "token").write_text(text)
    monkeypatch.setenv("PICTOR_METRICS_TOKEN_FILE", str(tmp_path / "token"))

    with pytest.raises(EnvError, match="PICTOR_METRICS_TOKEN_FILE is empty"):
        env_secret("PICTOR_METRICS_TOKEN")
