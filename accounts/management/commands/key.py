"""`manage.py key create|list|set|rotate|revoke`."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.core.checks import Tags
from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import (
    ACTOR,
    OperatorCommand,
    answer,
    found,
    read_amount,
    read_limit,
    read_scopes,
    read_tenant,
    read_time,
    read_words,
)
from accounts.models import ApiKey, default_scopes
from accounts.selectors.office.api_keys import api_key_by_id, api_keys_of
from accounts.services.office.api_keys import (
    OVERLAPS,
    KeyRules,
    change_api_key,
    issue_api_key,
    revoke_api_key,
    rotate_api_key,
    rules_of,
)
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal

RULES = {
    "scopes": "a,b",
    "models": "a,b; or: none, for every model",
    "ip_ranges": "a,b: addresses or networks; or: none, for anywhere",
    "expires_at": "a time with its zone; or: none",
    "requests_per_minute": "or: none",
    "images_per_minute": "or: none",
    "max_in_flight": "requests at once; or: none",
    "budget_day": "USD per UTC day; or: none",
    "budget_month": "USD per UTC month; or: none",
    "budget_warns_only": "yes: budgets only warn; or: no",
}
"""The rules that `key set` changes, each with the form of its value."""
YES_OR_NO = {"yes": True, "no": False}


class Command(OperatorCommand):
    help = "Create or rotate an API key (shown once), list a tenant's keys, or revoke one."
    requires_system_checks = (Tags.security,)  # the key's secrets; not the site's URLs and pages

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="create a key, shown only once")
        create.add_argument("tenant", help="name or id")
        create.add_argument("--name", default="")
        create.add_argument("--rpm", metavar="N", help="requests per minute")
        create.add_argument("--models", metavar="A,B", help="default: every model")
        create.add_argument(
            "--scopes", metavar="A,B", help=f"default: {','.join(default_scopes())}"
        )
        create.add_argument("--budget", metavar="USD", help="per UTC month, a hard stop")
        create.add_argument("--warn-only", action="store_true", help="budgets only warn")
        create.add_argument(
            "--test", action="store_true", help="a test key: served by a sandbox, spends nothing"
        )
        create.add_argument(
            "--response-format",
            choices=[form for form in ApiKey.ResponseFormat.values if form],
            default="",
            help="response format if a request names none; default: the model's",
        )
        create.add_argument("--json", action="store_true")
        every = actions.add_parser(
            "list", help="list a tenant's keys, newest first, without secrets"
        )
        every.add_argument("tenant", help="name or id")
        every.add_argument("--json", action="store_true")
        _add_set(actions)
        rotate = actions.add_parser("rotate", help="give a key a new secret, shown only once")
        rotate.add_argument("key_id", metavar="KEY_ID", help="key_… as printed by create")
        rotate.add_argument(
            "--overlap",
            choices=OVERLAPS,
            default="24h",
            help="how long the old secret keeps working",
        )
        rotate.add_argument("--json", action="store_true")
        revoke = actions.add_parser("revoke", help="revoke a key at once")
        revoke.add_argument("key_id", metavar="KEY_ID", help="key_… as printed by create")
        revoke.add_argument("--json", action="store_true")

    def _create(self, options: dict[str, Any]) -> None:
        budget = None if options["budget"] is None else read_amount(options["budget"])
        rules = KeyRules(
            scopes=read_scopes(options["scopes"]),
            models=read_words(options["models"]),
            requests_per_minute=read_limit(options["rpm"]),
            budget_month=budget,
            budget_warns_only=options["warn_only"],
            default_response_format=options["response_format"],
        )
        key, plaintext = issue_api_key(
            tenant=read_tenant(options["tenant"]),
            name=options["name"],
            actor=ACTOR,
            rules=rules,
            is_test=options["test"],
        )
        facts = {"api_key": plaintext, "key_id": key.public_id}
        answer(self.stdout, facts, as_json=options["json"])

    def _list(self, options: dict[str, Any]) -> None:
        now = clock.now()
        rows = [
            {
                "key_id": key.public_id,
                "name": key.name,
                "mode": "test" if key.is_test else "live",
                "status": key.status(now),
                "created": key.created_at.isoformat(timespec="seconds"),
            }
            for key in api_keys_of(read_tenant(options["tenant"]).id)
        ]
        self.tell_rows(options, rows, ("key_id", "name", "mode", "status", "created"))

    def _set(self, options: dict[str, Any]) -> None:
        key = _read_key(options["key_id"])
        before, name = rules_of(key), options["name"]
        new_rules = {field: _read_rule(field, options[field]) for field in RULES if options[field]}
        if name is None and not new_rules:
            raise CommandError(f"--name or {', '.join(map(_option, RULES))} is needed")
        change_api_key(
            key=key,
            name=key.name if name is None else name,
            rules=replace(before, **new_rules),
            actor=ACTOR,
        )
        changes = [
            f"{field}: {_text_of(field, getattr(before, field))} -> {_text_of(field, value)}"
            for field, value in new_rules.items()
        ]
        facts = {"key_id": key.public_id, "name": key.name}
        facts |= {field: _text_of(field, value) for field, value in new_rules.items()}
        self.tell(options, facts, f"{key.public_id} is now called {key.name!r}", *changes)

    def _rotate(self, options: dict[str, Any]) -> None:
        key, overlap = _read_key(options["key_id"]), OVERLAPS[options["overlap"]]
        text = rotate_api_key(key=key, overlap=overlap, now=clock.now(), actor=ACTOR)
        facts = {"api_key": text, "key_id": key.public_id}
        answer(self.stdout, facts, as_json=options["json"])

    def _revoke(self, options: dict[str, Any]) -> None:
        key = _read_key(options["key_id"])
        revoke_api_key(key=key, actor=ACTOR, now=clock.now())
        self.tell(
            options,
            {"key_id": key.public_id, "tenant": key.tenant.public_id, "status": "revoked"},
            f"{key.public_id} of {key.tenant.name} is revoked",
        )


def _add_set(actions: Any) -> None:
    change = actions.add_parser("set", help="change a key's name or rules; others stay")
    change.add_argument("key_id", metavar="KEY_ID", help="key_… as printed by create")
    change.add_argument("--name")
    for field, words in RULES.items():
        change.add_argument(_option(field), dest=field, metavar="VALUE", help=words)
    change.add_argument("--json", action="store_true")


def _option(field: str) -> str:
    return f"--{field.replace('_', '-')}"


def _read_rule(field: str, text: str) -> Any:
    """The value of a rule; 'none' is no limit."""
    if field == "scopes":
        return read_scopes(text)
    if field == "budget_warns_only":
        if text not in YES_OR_NO:
            raise CommandError(f"{_option(field)} takes yes or no")
        return YES_OR_NO[text]
    if text == "none":
        return None
    if field in {"models", "ip_ranges"}:
        return read_words(text)
    if field == "expires_at":
        return read_time(text)
    return read_amount(text) if field.startswith("budget") else read_limit(text)


def _text_of(field: str, value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ",".join(value)
        case datetime():
            return value.isoformat(timespec="seconds")
        case int() if field.startswith("budget"):
            return f"{to_decimal(value)} USD"
    return str(value)


def _read_key(text: str) -> ApiKey:
    return found(api_key_by_id(text), f"no API key {text!r}")
