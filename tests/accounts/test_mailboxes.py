"""Addresses that lead to the same mailbox."""

import pytest

from accounts.mailboxes import any_mailbox_of, mailbox_of


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("Ann@Example.com", "ann@example.com"),
        ("a.n.n+shop@gmail.com", "ann@gmail.com"),
        ("ANN@GoogleMail.com", "ann@gmail.com"),
        ("ann+1+2@outlook.com", "ann@outlook.com"),
        ("a.nn+x@outlook.com", "a.nn@outlook.com"),
        ("ann+x@me.com", "ann@icloud.com"),
        ("a.nn@pm.me", "ann@proton.me"),
        ("a.nn+shop@example.com", "a.nn+shop@example.com"),
        ("+shop@gmail.com", "+shop@gmail.com"),
        ('"a@b"@example.com', '"a@b"@example.com'),
        ('"a\\@b"@example.com', '"a@b"@example.com'),
        ('"ann"@example.com', "ann@example.com"),
        ('"a\\n\\.n"@gmail.com', "ann@gmail.com"),
        ("ann@ex\u00adample.com", "ann@example.com"),
        ("ann@ex\u200bample.com", "ann@example.com"),
        ("ann@\uff45xample.com", "ann@example.com"),
        ("ann@B\u00fccher.example", "ann@xn--bcher-kva.example"),
        ("ann@" + "a" * 64 + ".example", "ann@" + "a" * 64 + ".example"),
    ],
)
def test_one_mailbox_has_one_spelling(address, mailbox):
    assert mailbox_of(address) == mailbox


def test_for_who_must_not_be_two_people_every_domain_knows_labels():
    assert any_mailbox_of('"Ann+x"@Example.com') == "ann@example.com"
    assert any_mailbox_of("Ann+x@Example.com") == "ann@example.com"
