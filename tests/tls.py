"""One TLS context for all of the tests' HTTP clients.

Each client that has none of its own reads every certificate authority again: 20 ms of CPU, and
there are thousands of clients, all of them for plain HTTP on loopback.
"""

import httpx

TLS = httpx.create_ssl_context()
