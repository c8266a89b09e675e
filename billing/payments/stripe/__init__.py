"""Stripe: `adapter.py` calls it, `stripe_objects.py` reads what it answers, `stripe_http.py` sends.

Nothing else imports its library, which is loaded only where a key is set.
"""
