"""`manage.py key create|list|rotate|revoke`."""

import json
from typing import Any

from django.core.checks import Tags
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import (
    ACTOR,
    OperatorCommand,
    answer,
    print_table,
    read_amount,
    read_limit,
    read_scopes,
    read_tenant,
    read_words,
    say_invalid,
)
from accounts.models import ApiKey, default_scopes
from accounts.selectors import api_key_by_id, api_keys_of
from accounts.services import (
    OVERLAPS,
    KeyRules,
    issue_api_key,
    revoke_api_key,
    rotate_api_key,
)
from pictor.kit import clock


class Command(OperatorCommand):
    """Make an API key for a tenant, give one a new text, or end one."""

    help = "Create or rotate an API key (shown once), list a tenant's keys, or revoke one."
    requires_system_checks = (Tags.security,)  # the key's secrets; not the site's URLs and pages

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="a new key, shown this once")
        create.add_argument("tenant", help="name or id")
        create.add_argument("--name", default="")
        create.add_argument("--rpm", metavar="N", help="requests per minute")
        create.add_argument("--models", metavar="A,B", help="default: every model")
        create.add_argument(
            "--scopes", metavar="A,B", help=f"default: {','.join(default_scopes())}"
        )
        create.add_argument("--budget", metavar="USD", help="per UTC month, a hard stop")
        create.add_argument(
            "--warn-only", action="store_true", help="the budget warns, and stops nothing"
        )
        create.add_argument(
            "--test", action="store_true", help="a test key: served by a sandbox, spends nothing"
        )
        create.add_argument(
            "--response-format",
            choices=[form for form in ApiKey.ResponseFormat.values if form],
            default="",
            help="how images are answered where a request does not say; default: the model's",
        )
        create.add_argument("--json", action="store_true")
        every = actions.add_parser("list", help="a tenant's keys, newest first, without their text")
        every.add_argument("tenant", help="name or id")
        every.add_argument("--json", action="store_true")
        rotate = actions.add_parser("rotate", help="a new text for a key, shown this once")
        rotate.add_argument("key_id", metavar="KEY_ID", help="key_… as printed by create")
        rotate.add_argument(
            "--overlap", choices=OVERLAPS, default="24h", help="how long the former text works on"
        )
        rotate.add_argument("--json", action="store_true")
        revoke = actions.add_parser("revoke", help="end a key at once")
        revoke.add_argument("key_id", metavar="KEY_ID", help="key_… as printed by create")
        revoke.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        actions = {
            "create": self._create,
            "list": self._list,
            "rotate": self._rotate,
            "revoke": self._revoke,
        }
        try:
            actions[options["action"]](options)
        except ValidationError as error:
            raise say_invalid(error) from None

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
        found = [
            {
                "key_id": key.public_id,
                "name": key.name,
                "mode": "test" if key.is_test else "live",
                "status": key.status(now),
                "created": key.created_at.isoformat(timespec="seconds"),
            }
            for key in api_keys_of(read_tenant(options["tenant"]).id)
        ]
        if options["json"]:
            self.stdout.write(json.dumps(found))
        else:
            rows = [tuple(key.values()) for key in found]
            print_table(self.stdout, [("key_id", "name", "mode", "status", "created"), *rows])

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


def _read_key(text: str) -> ApiKey:
    key = api_key_by_id(text)
    if key is None:
        raise CommandError(f"no API key {text!r}")
    return key
