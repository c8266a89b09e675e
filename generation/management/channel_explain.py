"""`manage.py channel explain`: the channels for a request now, and the reasons against others."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser, OutputWrapper

from accounts.management.operator import print_table
from generation.channels.declaration import Task
from generation.oversight.route_order import Explanation, Serving, explain
from pictor.kit.words.money import to_decimal

COLUMNS = ("channel", "rank", "share", "plan", "model", "size", "quality", "cost")
UNSEEN = (
    "Not considered: breakers, Retry-After gates and calls in flight, which each worker tracks for"
    " itself. A channel held back by them is called after the others."
)


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("model")
    parser.add_argument(
        "--size", default="", help="WIDTHxHEIGHT, a preset or auto; default: the model's"
    )
    parser.add_argument("--quality", default="", metavar="WORD", help="default: none is sent")
    parser.add_argument(
        "--task", default=Task.GENERATE.value, choices=[task.value for task in Task]
    )
    parser.add_argument("--json", action="store_true")


def run(stdout: OutputWrapper, options: dict[str, Any]) -> None:
    """Explain it. Raises CommandError for an unknown model, size or quality."""
    try:
        explanation = explain(
            options["model"],
            size=options["size"],
            quality=options["quality"],
            task=Task(options["task"]),
        )
    except ValueError as error:
        raise CommandError(str(error)) from None
    if options["json"]:
        stdout.write(json.dumps(_facts_of(explanation)))
        return
    words = " ".join(
        word
        for word in (explanation.model, explanation.size, explanation.quality, explanation.task)
        if word
    )
    stdout.write(f"a live request for {words}")
    for reason in explanation.refused:
        stdout.write(f"refused: {reason}")
    if explanation.serving:
        rows = [tuple(map(str, _row(serving).values())) for serving in explanation.serving]
        print_table(stdout, [COLUMNS, *rows])
    else:
        stdout.write("refused: no channel would be asked")
    for channel, reasons in explanation.others.items():
        stdout.write(f"not {channel}: {'; '.join(reasons)}")
    stdout.write(UNSEEN)


def _facts_of(explanation: Explanation) -> dict[str, Any]:
    return {
        "model": explanation.model,
        "size": explanation.size,
        "quality": explanation.quality,
        "task": explanation.task.value,
        "refused": explanation.refused,
        "serving": [
            {**_row(serving), "share": round(serving.share, 6)} for serving in explanation.serving
        ],
        "others": explanation.others,
        "not_looked_at": UNSEEN,
    }


def _row(serving: Serving) -> dict[str, Any]:
    cost = to_decimal(serving.cost.micros) if serving.cost.is_known else "unknown"
    values = (
        serving.channel,
        serving.rank,
        f"{100 * serving.share:.3g} %",
        serving.plan,
        serving.asked.model,
        serving.asked.size,
        serving.asked.quality or "none sent",
        cost,
    )
    return dict(zip(COLUMNS, values, strict=True))
