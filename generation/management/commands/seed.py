"""`manage.py seed [--migrate]`: create the initial content of an installation."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import say_invalid
from generation.management import seeding
from generation.management.seeding import SeedOptions
from pictor.kit.database.roles import as_owner
from storage import backends
from storage.wire import StorageFailed


class Command(BaseCommand):
    """Create contracts, prices and the bucket; the sandbox channel and demo account on request.

    SANDBOX_URL requests the channel, PICTOR_DEMO_API_KEY, PICTOR_DEMO_EMAIL and
    PICTOR_DEMO_PASSWORD the demo account, PICTOR_DEMO_HISTORY its past, which only the embedded
    default may have. Safe to run again, and twice at once.
    """

    help = "Create missing contracts, prices, bucket and demo account."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--migrate", action="store_true", help="run the migrations first")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        seed_options = SeedOptions.of_environment()
        if options["migrate"]:
            with as_owner(), seeding.alone():
                call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
            self.stdout.write("migrated")
            self.stdout.flush()  # `run` reads it from a file, and then starts the serving processes
        try:
            done = seeding.seed(seed_options)
        except ValidationError as error:
            raise say_invalid(error) from None
        try:
            backends.ensure_bucket()
        except StorageFailed as error:
            raise CommandError(f"the bucket cannot be created: {error}") from None
        self.stdout.write(f"seeded {', '.join(done)}" if done else "nothing to seed")
