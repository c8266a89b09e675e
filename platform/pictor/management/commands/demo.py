"""`manage.py demo [pictures|remove]`: the account and demo data of the running default."""

import json
import os
import shlex
from typing import Any

from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, ask
from pictor.kit.words import clock

NAMES = (
    "PICTOR_DEMO_BASE_URL",
    "PICTOR_DEMO_API_KEY",
    "PICTOR_DEMO_EMAIL",
    "PICTOR_DEMO_PASSWORD",
)


class Command(OperatorCommand):
    """The demo account of the stack whose environment manage.py adopted, and its demo data."""

    help = "Print address, API key and sign-in of the running demo; remove its demo data."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--json`, for JSON only, and `--shell`, for variables of OpenAI's SDKs to `eval`."""
        forms = parser.add_mutually_exclusive_group()
        forms.add_argument("--json", action="store_true", dest="as_json")
        forms.add_argument("--shell", action="store_true", dest="as_shell")
        actions = parser.add_subparsers(dest="action")
        actions.add_parser("pictures", help="paint the newest images of the demo data, once")
        remove = actions.add_parser("remove", help="erase the demo data and start without any")
        remove.add_argument("--yes", action="store_true", help="do not ask")

    @override
    def handle(self, *_args: object, **options: Any) -> None:
        """Run the action. Raises CommandError if the environment has no demo account."""
        try:
            base_url, api_key, email, password = (os.environ[name] for name in NAMES)
        except KeyError as missing:
            raise CommandError(f"There is no demo account here: {missing} is not set.") from None
        if options["action"] == "pictures":
            self._paint()
        elif options["action"] == "remove":
            self._remove(is_sure=options["yes"])
        elif options["as_json"]:
            console = {"email": email, "password": password}
            demo = {"base_url": base_url, "api_key": api_key, "console": console}
            self.stdout.write(json.dumps(demo))
        elif options["as_shell"]:
            read = {"OPENAI_BASE_URL": f"{base_url}/v1", "OPENAI_API_KEY": api_key}
            lines = (f"export {name}={shlex.quote(value)}" for name, value in read.items())
            self.stdout.write("\n".join(lines))
        else:
            self.stdout.write(
                f"API         {base_url}/v1\nAPI key     {api_key}\n"
                f"operations  {base_url}/ops/\nsign in     {email}  {password}"
            )

    def _paint(self) -> None:
        from generation.management.history import demo_pictures  # noqa: PLC0415 - loads slowly

        self.stdout.write(f"painted {demo_pictures.paint()} images")

    def _remove(self, *, is_sure: bool) -> None:
        from generation.management import demo_removal  # noqa: PLC0415 - as above
        from generation.management.seeding import SeedOptions  # noqa: PLC0415 - as above

        marked, own = demo_removal.demo_data()
        if not is_sure:
            ask(
                self.stdout,
                f"Erase the demo workspace, {marked} generations of demo data and {own} others"
                " with it, and begin another?",
            )
        demo_removal.remove(SeedOptions.of_environment(), now=clock.now(), actor=ACTOR)
        self.stdout.write(f"erased {marked + own} generations; the demo begins again")
