"""The sandbox upstream: an HTTP server that speaks OpenAI's images wire format and draws.

It stands alone: nothing here imports the other apps or Django, and they reach it over HTTP only.
"""
