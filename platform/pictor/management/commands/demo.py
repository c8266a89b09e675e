"""`manage.py demo`: where the running embedded default is, its key and its sign-in."""

import json
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

NAMES = (
    "PICTOR_DEMO_BASE_URL",
    "PICTOR_DEMO_API_KEY",
    "PICTOR_DEMO_EMAIL",
    "PICTOR_DEMO_PASSWORD",
)


class Command(BaseCommand):
    """Print the demo account of the stack whose environment manage.py adopted."""

    help = "Print the running default's address, API key and console sign-in."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        """`--json`: the JSON alone."""
        parser.add_argument("--json", action="store_true", dest="as_json")

    @override
    def handle(self, *_args: object, **options: Any) -> None:
        """Exits with 1 where the environment has no demo account."""
        try:
            base_url, api_key, email, password = (os.environ[name] for name in NAMES)
        except KeyError as missing:
            raise CommandError(f"There is no demo account here: {missing} is not set.") from None
        if options["as_json"]:
            console = {"email": email, "password": password}
            demo = {"base_url": base_url, "api_key": api_key, "console": console}
            self.stdout.write(json.dumps(demo))
            return
        self.stdout.write(
            f"API      {base_url}/v1\nAPI key  {api_key}\n"
            f"admin    {base_url}/admin/\nsign in  {email}  {password}"
        )
