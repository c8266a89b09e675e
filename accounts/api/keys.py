"""/v1/api_keys: a tenant's keys, managed by a key with `keys:write`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from rest_framework import serializers

from accounts import rates
from accounts.api.key_bodies import USUAL_OVERLAP, KeyChange, NewKey, Rotation
from accounts.callers import Caller
from accounts.endpoint import Answer, Endpoint, operation
from accounts.models import MANAGES_KEYS, ApiKey
from accounts.selectors.office.api_keys import api_key_by_id, api_keys_of
from accounts.services.office.api_keys import COLUMN_OF, OVERLAPS
from accounts.services.office.delegation import (
    change_key_for,
    issue_key_for,
    revoke_key_for,
    rotate_key_for,
)
from pictor.kit.endpoints.objects import (
    ApiObject,
    Constant,
    Page,
    PageObject,
    UnixSeconds,
    Usd,
    page_example,
)
from pictor.kit.endpoints.queries import AfterField, ApiQuery, PageLimitField
from pictor.kit.words import clock, ids
from pictor.kit.words.errors import InvalidRequest, NotFound

key_operation = partial(operation, scope=MANAGES_KEYS)
FIELD_OF = {column: rule for rule, column in COLUMN_OF.items()}


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key for an answer, with its text if that was just made."""

    key: ApiKey
    text: str | None = None

    @property
    def status(self) -> str:
        """active, unopened, expired or revoked."""
        return self.key.status(clock.now())

    @property
    def livemode(self) -> bool:
        """True if it is a live key."""
        return not self.key.is_test


KEY_EXAMPLE: Mapping[str, Any] = {
    "id": "key_01m7xwfx9bf3vty34tyve35tm9",
    "object": "api_key",
    "name": "ci",
    "prefix": "sk-pictor-7Qx2",
    "status": "active",
    "livemode": True,
    "created_at": 1_795_225_540,
    "expires_at": None,
    "revoked_at": None,
    "former_until": None,
    "scopes": ["images:write", "images:read"],
    "models": ["gpt-image-2"],
    "ip_ranges": None,
    "requests_per_minute": 60,
    "images_per_minute": None,
    "max_in_flight": None,
    "budget_day": None,
    "budget_month": "20.000000",
    "budget_warns_only": False,
    "default_response_format": "",
}


class KeyObject(ApiObject):
    """An API key. A null limit means no limit."""

    example = KEY_EXAMPLE

    id = serializers.CharField(source="key.public_id")
    object = Constant("api_key")
    api_key = serializers.CharField(
        source="text", required=False, help_text="The key itself, shown only in this answer."
    )
    name = serializers.CharField(source="key.name")
    prefix = serializers.CharField(source="key.visible_prefix", help_text="Its first characters.")
    status = serializers.ChoiceField(
        choices=["active", "unopened", "expired", "revoked"],
        help_text="An unopened key was made by support and has no secret, and no prefix, until an"
        " owner opens it in the console.",
    )
    livemode = serializers.BooleanField(
        help_text="False for a test key, which a sandbox serves and which spends no money."
    )
    created_at = UnixSeconds(source="key.created_at")
    expires_at = UnixSeconds(source="key.expires_at", allow_null=True)
    revoked_at = UnixSeconds(source="key.revoked_at", allow_null=True)
    former_until = UnixSeconds(
        source="key.previous_until",
        allow_null=True,
        help_text="When the secret from before the last rotation stops working.",
    )
    scopes = serializers.ListField(source="key.scopes", child=serializers.CharField())
    models = serializers.ListField(
        source="key.allowed_models", child=serializers.CharField(), allow_null=True
    )
    ip_ranges = serializers.ListField(
        source="key.ip_ranges", child=serializers.CharField(), allow_null=True
    )
    requests_per_minute = serializers.IntegerField(
        source="key.requests_per_minute", allow_null=True
    )
    images_per_minute = serializers.IntegerField(source="key.images_per_minute", allow_null=True)
    max_in_flight = serializers.IntegerField(source="key.max_in_flight", allow_null=True)
    budget_day = Usd(
        source="key.budget_day_micros", allow_null=True, help_text="Budget in USD per UTC day."
    )
    budget_month = Usd(
        source="key.budget_month_micros", allow_null=True, help_text="Budget in USD per UTC month."
    )
    budget_warns_only = serializers.BooleanField(
        source="key.budget_warns_only",
        help_text="True if its budgets only warn.",
    )
    default_response_format = serializers.CharField(
        source="key.default_response_format", help_text="Empty: the model's default."
    )


class KeyList(PageObject):
    """A page, newest first."""

    example = page_example(KEY_EXAMPLE)

    data = KeyObject(many=True)  # type: ignore[assignment]  # a field, named as OpenAI names it


class RevokedKey(ApiObject):
    """The next request with this key is refused; work in flight finishes and is charged."""

    example = {"id": KEY_EXAMPLE["id"], "object": "api_key", "revoked": True}

    id = serializers.CharField(source="public_id")
    object = Constant("api_key")
    revoked = Constant(value=True)


class KeyPage(ApiQuery):
    """A page of a list."""

    limit = PageLimitField()
    after = AfterField(ids.KEY, "an API key")


class KeysView(Endpoint):
    """/v1/api_keys."""

    @key_operation(
        "list_api_keys",
        summary="List API keys",
        query=KeyPage,
        answer=KeyList,
        rate=rates.take_query,
    )
    def get(self, caller: Caller, limit: int, after: UUID | None) -> Answer:
        """The workspace's keys, newest first, with revoked and expired ones.

        A test key sees only test keys.
        """
        found = api_keys_of(
            caller.tenant_id, tests_only=caller.is_test, after=after, limit=limit + 1
        )
        return Answer(Page.of(found, limit, ShownKey))

    @key_operation(
        "create_api_key",
        summary="Create an API key",
        body=NewKey,
        answer=KeyObject,
        status=HTTPStatus.CREATED.value,
        rate=rates.take_key_change,
    )
    def post(self, caller: Caller, name: str = "", **fields: Any) -> Answer:
        """A new key in the same workspace. Omitted fields are taken from the calling key.

        But `keys:write` must be given by name, and the new key's budgets are hard stops unless
        `budget_warns_only` is true.
        """
        livemode = fields.pop("livemode", None)
        with _as_invalid_request():
            key, text = issue_key_for(
                caller=caller, name=name, fields=fields, livemode=livemode, **self.by(caller)
            )
        return Answer(ShownKey(key, text))


def _key(caller: Caller, public_id: str) -> ApiKey:
    key = api_key_by_id(public_id, tenant_id=caller.tenant_id)
    if key is None or (caller.is_test and not key.is_test):
        raise NotFound("There is no API key with that id.", param="id")
    return key


class KeyView(Endpoint):
    """/v1/api_keys/{id}."""

    @key_operation("retrieve_api_key", summary="Retrieve an API key", answer=KeyObject, of=_key)
    def get(self, caller: Caller, key: ApiKey) -> Answer:
        """One of the workspace's keys."""
        return Answer(ShownKey(key))

    @key_operation(
        "change_api_key",
        summary="Change an API key",
        body=KeyChange,
        answer=KeyObject,
        of=_key,
        rate=rates.take_key_change,
    )
    def patch(self, caller: Caller, key: ApiKey, **fields: Any) -> Answer:
        """Change the given fields; null removes a limit. Applies from the next request on."""
        name = fields.pop("name", None)
        with _as_invalid_request():
            change_key_for(caller=caller, key=key, name=name, fields=fields, **self.by(caller))
        return Answer(ShownKey(key))

    @key_operation(
        "revoke_api_key",
        summary="Revoke an API key",
        answer=RevokedKey,
        of=_key,
        rate=rates.take_key_change,
    )
    def delete(self, caller: Caller, key: ApiKey) -> Answer:
        """Revoke a key at once. A key may revoke itself."""
        revoke_key_for(caller=caller, key=key, now=clock.now(), **self.by(caller))
        return Answer(key)


class KeyRotationView(Endpoint):
    """/v1/api_keys/{id}/rotate."""

    @key_operation(
        "rotate_api_key",
        summary="Rotate an API key",
        body=Rotation,
        answer=KeyObject,
        of=_key,
        rate=rates.take_key_change,
    )
    def post(self, caller: Caller, key: ApiKey, overlap: str = USUAL_OVERLAP) -> Answer:
        """Give a key a new secret. Its id, rules, budgets and usage stay.

        The old secret can make images until the overlap ends, but cannot manage keys. Until it
        ends, another rotation is refused, unless that one has no overlap.
        """
        with _as_invalid_request():
            text = rotate_key_for(
                caller=caller,
                key=key,
                overlap=OVERLAPS[overlap],
                now=clock.now(),
                **self.by(caller),
            )
        return Answer(ShownKey(key, text))


@contextmanager
def _as_invalid_request() -> Iterator[None]:
    """Turn a service's refusal into an API error with its first field."""
    try:
        yield
    except ValidationError as error:
        column, messages = next(iter(_by_column(error).items()))
        param = FIELD_OF.get(column, column) if column != NON_FIELD_ERRORS else None
        raise InvalidRequest(" ".join(messages), param=param) from None


def _by_column(error: ValidationError) -> dict[str, list[str]]:
    return (
        error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
    )
