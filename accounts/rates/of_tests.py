"""What the tests of a tenant may leave behind, and for how long. They cost nothing."""

from datetime import timedelta

TESTS_KEPT = timedelta(hours=23)
"""Images and words of tests, and what webhooks were told: with the next hourly run they are gone
within a day."""
