"""The Prefer header."""

import pytest

from generation.admission.prefer import Prefer


@pytest.mark.parametrize(
    ("header", "seconds", "applied"),
    [
        (None, None, ""),
        ("", None, ""),
        ("respond-async", 0.0, "respond-async"),
        ("RESPOND-ASYNC", 0.0, "respond-async"),
        ("handling=lenient, respond-async", 0.0, "respond-async"),
        ("wait=30", 30.0, "wait=30"),
        ("Wait=30", 30.0, "wait=30"),
        ("wait = 30", 30.0, "wait=30"),
        ('wait="30"', 30.0, "wait=30"),
        ("wait=0", 0.0, "wait=0"),
        ("wait=0000003", 3.0, "wait=3"),
        ("respond-async, wait=10", 10.0, "respond-async"),
        ("wait=10,respond-async", 10.0, "respond-async"),
        ("wait=5; foo=bar", 5.0, "wait=5"),
        ("wait=1, wait=2", 1.0, "wait=1"),
        ("wait=99999999999", 999999.0, "wait=999999"),
        ("return=minimal", None, ""),
        ("wait", None, ""),
        ("wait=", None, ""),
        ("wait=soon", None, ""),
        ("wait=-5", None, ""),
        ("wait=1.5", None, ""),
        ("wait=\uff15", None, ""),
        ("wait=²", None, ""),
        ("respond-asynchronously", None, ""),
        (",,;,=", None, ""),
    ],
)
def test_the_header_is_a_list_of_which_two_words_count(header, seconds, applied):
    assert Prefer.parse(header) == Prefer(seconds, applied)
