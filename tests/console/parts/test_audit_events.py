"""Changes in events of the audit log, in words."""

from types import SimpleNamespace

import pytest
from django.template.loader import render_to_string

from console.parts.audit_events import ChangedValue, changes_of


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"role": "viewer"}, {"role": "admin"}, [ChangedValue("role", "viewer", "admin")]),
        ({"name": "a", "rpm": 5}, {"name": "a", "rpm": None}, [ChangedValue("rpm", "5", "none")]),
        (
            {"budget_day_micros": None},
            {"budget_day_micros": 1_500_000},
            [ChangedValue("budget day", "none", "$1.50")],
        ),
        ({"allows": False}, {"allows": True}, [ChangedValue("allows", "no", "yes")]),
        ({"scopes": ["a"]}, {"scopes": ["a", "b"]}, [ChangedValue("scopes", "a", "a, b")]),
        (
            {"until": None},
            {"until": "2026-11-21T21:53:14.551315+00:00"},
            [ChangedValue("until", "none", "21 Nov 2026, 21:53 UTC")],
        ),
        ({}, {"expires_at": "9999-13-45"}, [ChangedValue("expires at", "none", "9999-13-45")]),
        (
            {"name": "2026-13-45T00:00:00+00:00"},
            {"name": "2026-11-21T00:00:00+00:00"},
            [ChangedValue("name", "2026-13-45T00:00:00+00:00", "2026-11-21T00:00:00+00:00")],
        ),
        ({"email": "x"}, None, [ChangedValue("email", "x", "none")]),
        (
            None,
            {"name": "ci", "models": None, "note": "", "ip_ranges": [], "is_test": False},
            [ChangedValue("name", None, "ci"), ChangedValue("is test", None, "no")],
        ),
        (
            {"m 1024x1024 low": {"micros": 5_880, "kind": "fixed", "width": 1024, "height": 1024}},
            {"m 1024x1024 low": {"micros": 6_174, "kind": "fixed", "width": 1024, "height": 1024}},
            [ChangedValue("m 1024x1024 low", "$0.00588", "$0.006174")],
        ),
        (
            {"m 1024x1024 low": {"micros": 5, "kind": "fixed", "width": 1024, "height": 1024}},
            {"m 1024x1024 low": {"micros": 5, "kind": "fixed", "width": 512, "height": 1024}},
            [
                ChangedValue(
                    "m 1024x1024 low",
                    "$0.000005",
                    "micros: 5, kind: fixed, width: 512, height: 1024",
                )
            ],
        ),
        (
            {"a": {"b": {"c": 1}}},
            {"a": {"b": {"c": [True, 2]}}},
            [ChangedValue("a", "b: c: 1", "b: c: yes, 2")],
        ),
        (None, None, []),
    ],
)
def test_only_what_differs_is_told(before, after, changes):
    assert changes_of(before, after) == changes


def test_fifty_of_many_changes_are_listed_and_the_rest_counted():
    changes = [ChangedValue(f"m 1x{number} low", "$1.00", "$2.00") for number in range(1, 601)]

    page = render_to_string(
        "parts/changes.html", {"entry": SimpleNamespace(changes=changes, is_short=False)}
    )

    assert "600 values" in page
    assert ("m 1x50 low" in page, "m 1x51 low" in page) == (True, False)
    assert "and 550 more" in page
