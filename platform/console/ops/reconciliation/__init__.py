"""Vendors' bills beside what we booked."""
