"""The command line behind manage.py: Django's, with Pictor's own commands first in its help."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from django.conf import settings
from django.core.management import ManagementUtility, get_commands, load_command_class
from django.core.management.color import color_style
from typing_extensions import override

from pictor import __version__

PROCESSES = (
    "    web                  Serve HTTP on PORT.",
    "    worker images|short  Make images; or do the short work.",
    "    health ROLE          Check the health of a process: web, images or short.",
)


class CommandLine(ManagementUtility):
    @override
    def execute(self) -> None:
        if self.argv[1:] in (["version"], ["--version"]):
            print(__version__)  # noqa: T201 (a command line's own output)
        else:
            super().execute()

    @override
    def main_help_text(self, commands_only: bool = False) -> str:
        if commands_only:  # `help --commands`, for shells that complete words
            return super().main_help_text(commands_only=True)
        owners = get_commands()
        ours = {name: app for name, app in sorted(owners.items()) if app in settings.OUR_APPS}
        others = {name: app for name, app in sorted(owners.items()) if name not in ours}
        return "\n".join(
            [
                "",
                f"Type '{self.prog_name} help <subcommand>' for help on a specific subcommand.",
                "",
                "Pictor's:",
                *_with_a_line_each(ours),
                "",
                "Processes, for production (docs/operations/install.md):",
                *PROCESSES,
                "",
                "Django's:",
                *_lines_by_app(others),
            ]
        )


def _with_a_line_each(owners: Mapping[str, str]) -> Iterator[str]:
    width = max(len(name) for name in owners)
    for name, app in owners.items():
        first_sentence, _, _ = load_command_class(app, name).help.partition(". ")
        yield f"    {name:<{width}}  {first_sentence.rstrip('.')}."


def _lines_by_app(owners: Mapping[str, str]) -> Iterator[str]:
    commands: dict[str, list[str]] = defaultdict(list)
    for name, app in owners.items():
        commands[app.rpartition(".")[-1]].append(name)
    for app in sorted(commands):
        yield from ("", color_style().NOTICE(f"[{app}]"))
        yield from (f"    {name}" for name in commands[app])
