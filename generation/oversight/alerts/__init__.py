"""Alerts about conditions: rules that send mail and signed webhooks, once for each occasion."""
