"""Parts of an endpoint under /v1: bodies, queries, objects, errors, documents."""

import sys

if "requests" not in sys.modules:
    # Where it is installed, Django REST framework loads its 4 MB for a test client of its own.
    sys.modules["requests"] = None  # type: ignore[assignment]
    import rest_framework.compat

    del sys.modules["requests"]
