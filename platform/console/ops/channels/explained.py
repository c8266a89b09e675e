"""An explanation of which channels would serve a request, and why the others would not."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse

from console.ops.access import Operator, Permission, rendered, staff
from console.parts.page_query import meant_by, word_of
from console.parts.periods import number_of
from generation.catalogue.contracts import ContractTerms
from generation.catalogue.services import routes_of
from generation.catalogue.snapshot import current_catalogue
from generation.channels.declaration import Task
from generation.models import Channel
from generation.oversight.route_order import AskedRequest, Explanation, explain
from generation.selectors import channel_by_id

NAMES = ("model", "size", "quality", "task", "n", "references", "fields")


@staff(Permission.SEE)
def explanation(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Explain the routing of a live request, and of one channel if the address names it."""
    query = {name: request.GET.get(name, "").replace("\0", "").strip() for name in NAMES}
    catalogue = current_catalogue()
    offered = catalogue.offered
    channel = meant_by(request.GET, "channel", lambda word: channel_by_id(number_of(word)))
    query["model"] = query["model"] or _usual(channel, [contract.model for contract in offered])
    query["task"] = word_of(request.GET, "task", [*Task], Task.GENERATE)
    explained, complaint = _explanation(query, catalogue.contracts)
    context = {
        "query": query,
        "channel": channel,
        "found": explained,
        "complaint": complaint,
        "models": [contract.model for contract in offered],
        "chosen": next(
            (contract for contract in offered if contract.model == query["model"]), None
        ),
        "tasks": [task.value for task in Task],
        "serving": [(serving, 100 * serving.share) for serving in explained.serving]
        if explained
        else [],
        "why_not": explained.others.get(channel.name, []) if explained and channel else [],
    }
    return rendered(request, operator, "ops/channel_explain.html", context, refused=complaint)


def _explanation(
    query: dict[str, str], contracts: Mapping[str, ContractTerms]
) -> tuple[Explanation | None, str]:
    """Return an explanation, or the reason why there is none."""
    if not query["model"]:
        return None, ""
    try:
        return explain(AskedRequest.typed(query), contracts), ""
    except ValueError as error:
        return None, str(error)


def _usual(channel: Channel | None, offered: list[str]) -> str:
    """Return the model to explain if the address names none."""
    served = routes_of(channel) if channel else {}
    return next((model for model in offered if model in served), offered[0] if offered else "")
