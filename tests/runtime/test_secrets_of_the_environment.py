"""Secrets of which there may be several."""

import pytest

from pictor.env import env_secrets


@pytest.mark.parametrize(
    ("text", "found"),
    [("", []), ("one", ["one"]), ("new,old", ["new", "old"]), (" new , ,old,", ["new", "old"])],
)
def test_several_are_separated_by_commas(monkeypatch, tmp_path, text, found):
    monkeypatch.setenv("PICTOR_KEY_PEPPER", text)
    assert env_secrets("PICTOR_KEY_PEPPER") == found

    (tmp_path / "pepper").write_text(f"{text}\n")
    monkeypatch.setenv("PICTOR_KEY_PEPPER_FILE", str(tmp_path / "pepper"))
    assert env_secrets("PICTOR_KEY_PEPPER") == found
