"""Sessions in the database: a thief of a copy can neither use nor read them.

A row holds a digest of the cookie's key, and its data encrypted, because it includes codes.
"""

import hashlib
import re
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.middleware import SessionMiddleware
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from typing_extensions import override

from pictor.kit.secrets.encryption import WrongKey, decrypted, encrypted

_KEY = re.compile("[a-z0-9]{32}")
_DIGEST_CHARACTERS = 40
"""The width of the column: 160 bits of the key's SHA-256 in hex."""


class SessionStore(db.SessionStore):
    """Django's store; it looks only for keys that Django may have made.

    A cookie may hold anything: a NUL in it would be a database error.
    """

    is_signed_out = False
    """Whether this request has signed its person out."""

    @override
    def _validate_session_key(self, key: str | None) -> bool:  # type: ignore[misc]  # not in stubs
        return key is not None and _KEY.fullmatch(key) is not None

    @override
    def encode(self, session_dict: dict[str, Any]) -> str:
        return encrypted(super().encode(session_dict))

    @override
    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """Return the data; empty if its encryption key is gone, so the person signs in again."""
        try:
            signed = decrypted(str(session_data))
        except WrongKey:
            return {}
        return super().decode(signed)

    @override
    def load(self) -> dict[str, Any]:
        rows = self.model.objects.filter(expire_date__gt=Now())
        row = rows.filter(session_key=digest_of(self.session_key or "")).first()
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row.session_data)

    @override
    def exists(self, session_key: str) -> bool:
        return super().exists(digest_of(session_key))

    @override
    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = digest_of(row.session_key)
        return row

    @override
    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            super().delete(digest_of(key))

    @override
    async def aload(self) -> dict[str, Any]:
        return await sync_to_async(self.load)()

    @override
    async def aexists(self, session_key: str) -> bool:
        return await sync_to_async(self.exists)(session_key)

    @override
    async def acreate_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        return await sync_to_async(self.create_model_instance)(data)

    @override
    async def adelete(self, session_key: str | None = None) -> None:
        await sync_to_async(self.delete)(session_key)


class SessionCookie(SessionMiddleware):
    """Django's middleware, except that only signing out deletes the cookie.

    Django deletes it whenever the session is gone. A page that polls may have asked just before
    another tab's form changed the session's key; its late answer would delete the new cookie.
    """

    @override
    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        self._note(request)
        answer = super().process_response(request, response)
        cookie = answer.cookies.get(settings.SESSION_COOKIE_NAME)
        if cookie is None or cookie.value:
            return answer
        if not getattr(request.session, "is_signed_out", False):
            del answer.cookies[settings.SESSION_COOKIE_NAME]
        return answer

    def _note(self, request: HttpRequest) -> None:
        session = request.session
        if session.accessed and session.session_key and SESSION_KEY in session:
            from accounts.sign_in.seen import note  # noqa: PLC0415 - needs the models

            note(request, digest_of(session.session_key))


def digest_of(key: str) -> str:
    """A session's key as stored. 165 random bits need no salt and no slow digest."""
    return hashlib.sha256(key.encode()).hexdigest()[:_DIGEST_CHARACTERS]
