"""Customers' servers are told what happened: endpoints, events, and their delivery."""
