"""`manage.py channel explain`: the channels for a request now, and the reasons against others."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.management.operator import OperatorCommand, print_table
from generation.catalogue.snapshot import current_catalogue
from generation.channels.declaration import Task
from generation.oversight.route_order import AskedRequest, Explanation, Serving, explain
from pictor.kit.words.money import to_decimal

COLUMNS = (
    "channel", "rank", "share", "plan", "model", "size", "quality", "orders", "cost", "ignored",
)  # fmt: skip
UNSEEN = (
    "Not considered: Retry-After gates and calls in flight, which each worker tracks for itself. A"
    " channel held back by them, or by an open breaker, is called after the others."
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
    parser.add_argument("--n", default="1", help="the number of images; default: 1")
    parser.add_argument("--references", metavar="N", default="0", help="reference images")
    parser.add_argument("--fields", metavar="A,B", help="its other fields, such as style")
    parser.add_argument("--json", action="store_true")


def run(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    """Explain it. Raises CommandError for an unknown model, size or quality."""
    try:
        explanation = explain(AskedRequest.typed(options), current_catalogue().contracts)
    except ValueError as error:
        raise CommandError(str(error)) from None
    if options["json"]:
        command.tell(options, _facts_of(explanation))
        return
    asked, stdout = explanation.asked, command.stdout
    words = " ".join(filter(None, (asked.model, asked.size, asked.quality, asked.task)))
    stdout.write(f"a live request for {words}")
    for reason in explanation.refused:
        stdout.write(f"refused: {reason}")
    if explanation.serving:
        rows = [tuple(map(str, _row(serving).values())) for serving in explanation.serving]
        print_table(stdout, [COLUMNS, *rows])
        told = [f"{one.channel} sends {line}" for one in explanation.serving for line in one.told]
        stdout.write("".join(f"{line}\n" for line in told), ending="")
    else:
        stdout.write("refused: no channel would be asked")
    for channel, reasons in explanation.others.items():
        stdout.write(f"not {channel}: {'; '.join(reasons)}")
    for channel, seconds in explanation.breakers.items():
        stdout.write(f"the breaker of {channel} is open; next probe: {_wait(seconds)}")
    stdout.write(UNSEEN)


def _facts_of(explanation: Explanation) -> dict[str, Any]:
    return {
        **asdict(explanation.asked),
        "refused": explanation.refused,
        "serving": [
            {
                **_row(serving),
                "share": round(serving.share, 6),
                "ignored": serving.ignored,
                "field_map": serving.told,
            }
            for serving in explanation.serving
        ],
        "others": explanation.others,
        "breakers": explanation.breakers,
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
        serving.orders,
        cost,
        ", ".join(serving.ignored) or "none",
    )
    return dict(zip(COLUMNS, values, strict=True))


def _wait(seconds: float) -> str:
    return f"in {math.ceil(seconds)} s, by one call" if seconds > 0 else "by the next request"
