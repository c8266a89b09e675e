"""Sessions in the database, looked for by keys that Django may have made and by no other text."""

import re

from django.contrib.sessions.backends import db
from typing_extensions import override

_KEY = re.compile("[a-z0-9]{32}")


class SessionStore(db.SessionStore):
    """A cookie may hold anything: a NUL in it would be an error of the database's."""

    @override
    def _validate_session_key(self, key: str | None) -> bool:  # type: ignore[misc]  # not in stubs
        return key is not None and _KEY.fullmatch(key) is not None
