"""Incidents and maintenance: what customers are told of them on the status page and by mail."""
