"""What an event of the audit log changed, in words."""

import pytest

from console.parts.events import Change, changes_of


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"role": "viewer"}, {"role": "admin"}, [Change("role", "viewer", "admin")]),
        ({"name": "a", "rpm": 5}, {"name": "a", "rpm": None}, [Change("rpm", "5", "none")]),
        (
            {"budget_day_micros": None},
            {"budget_day_micros": 1_500_000},
            [Change("budget day", "none", "$1.50")],
        ),
        ({"allows": False}, {"allows": True}, [Change("allows", "no", "yes")]),
        ({"scopes": ["a"]}, {"scopes": ["a", "b"]}, [Change("scopes", "a", "a, b")]),
        (
            {"until": None},
            {"until": "2026-11-21T21:53:14.551315+00:00"},
            [Change("until", "none", "21 Nov 2026, 21:53 UTC")],
        ),
        ({}, {"expires_at": "9999-13-45"}, [Change("expires at", "none", "9999-13-45")]),
        (
            {"name": "2026-13-45T00:00:00+00:00"},
            {"name": "2026-11-21T00:00:00+00:00"},
            [Change("name", "2026-13-45T00:00:00+00:00", "2026-11-21T00:00:00+00:00")],
        ),
        ({"email": "x"}, None, [Change("email", "x", "none")]),
        (
            None,
            {"name": "ci", "models": None, "note": "", "ip_ranges": [], "is_test": False},
            [Change("name", None, "ci"), Change("is test", None, "no")],
        ),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [Change("a", '{"b": 1}', '{"b": 2}')]),
        (None, None, []),
    ],
)
def test_only_what_differs_is_told(before, after, changes):
    assert changes_of(before, after) == changes
