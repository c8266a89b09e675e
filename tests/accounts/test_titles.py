"""Names chosen by people, in mails."""

import pytest

from accounts.titles import for_mail, holds_address, without_marks


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Acme Studio", "Acme Studio"),
        ("ann's workspace", "ann's workspace"),
        ("St. Pauli 1.5", "St. Pauli 1.5"),
        ("win at evil.example/now", "win at evil example/now"),
        ("http://evil.example", "http evil example"),
        ("https:\\\\1.2.3.4", "https 1.2.3.4"),
        ("ann@evil.example", "ann evil example"),
        ("evil\uff0eexample", "evil example"),
        ("evil\u3002example", "evil example"),
        ("evil\u200b.\u2060example", "evil example"),
        ("\u202egnp.exe", "gnp exe"),
        ("\u2066Acme\u2069 \x07\x1b[1m", "Acme [1m"),
        ("Acme\r\nBcc: all", "Acme Bcc: all"),
        ("Acme\u2028Studio", "Acme Studio"),
        ("\U0001f469\u200d\U0001f3a8 Studio", "\U0001f469\u200d\U0001f3a8 Studio"),
        ("a" * 61, "a" * 59 + "\u2026"),
    ],
)
def test_a_name_in_a_mail_leads_nowhere_and_turns_nothing_round(name, shown):
    assert for_mail(name) == shown


@pytest.mark.parametrize("name", ["e.g. Acme", "A/B", "10:30", "Acme Inc.", "@home", "1.5"])
def test_a_name_that_resembles_an_address_is_kept(name):
    assert not holds_address(name)
    assert without_marks(name) == name
