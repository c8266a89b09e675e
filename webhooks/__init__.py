"""Webhooks: endpoints on customers' servers, events, and their delivery."""
