"""API keys as text."""

import pytest

from accounts import keys


def with_checksum(head: str) -> str:
    """Return a key whose checksum fits, whatever else is wrong with it."""
    return head + keys._checksum(head)  # noqa: SLF001 - wrong keys with a right checksum are wanted


def test_a_new_key_is_well_formed_and_long_enough():
    key = keys.mint()

    assert key.startswith("sk-pictor-")
    assert len(key) == 48
    assert keys.is_well_formed(key)


def test_a_test_key_says_so():
    key = keys.mint(test=True)

    assert key.startswith("sk-pictor-test-")
    assert len(key) == 53
    assert keys.is_well_formed(key)


def test_two_minted_keys_differ():
    assert keys.mint() != keys.mint()


@pytest.mark.parametrize(
    "key",
    [
        "",
        "sk-pictor-",
        "sk-proj-abc",
        "\x00",
        with_checksum("sk-pictor-" + "0" * 31),
        with_checksum("sk-pictor-" + "0" * 33),
        with_checksum("sk-pictor-" + "0" * 31 + "-"),
        with_checksum("sk-pictor-" + "0" * 31 + "é"),
        with_checksum("sk-pictor-" + "0" * 31 + "\uff10"),
        with_checksum("sk-pictor-test-" + "0" * 31),
        with_checksum("SK-PICTOR-" + "0" * 32),
        with_checksum("sk-pictor-" + "0" * 32) + "\n",
        with_checksum("sk-pictor-" + "0" * 32)[:-1] + "!",
    ],
)
def test_anything_else_is_no_key(key):
    assert not keys.is_well_formed(key)


def test_one_changed_letter_breaks_the_checksum():
    key = with_checksum("sk-pictor-" + "0" * 32)

    assert keys.is_well_formed(key)
    assert not keys.is_well_formed(key.replace("0", "1", 1))


def test_the_digest_depends_on_the_key_and_on_the_pepper():
    digest = keys.digest("sk-pictor-a", "pepper")

    assert len(digest) == 32
    assert digest == keys.digest("sk-pictor-a", "pepper")
    assert digest != keys.digest("sk-pictor-b", "pepper")
    assert digest != keys.digest("sk-pictor-a", "salt")


@pytest.mark.parametrize(
    ("key", "visible"),
    [
        ("sk-pictor-abcdefgh", "sk-pictor-abcd"),
        ("sk-pictor-test-abcdefgh", "sk-pictor-test-abcd"),
    ],
)
def test_only_the_beginning_of_a_key_is_visible(key, visible):
    assert keys.visible_prefix(key) == visible
