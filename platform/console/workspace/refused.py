"""Requests refused: the workspace's own, with the answer and the limit that stopped each."""

from collections.abc import Mapping, Sequence
from functools import partial
from operator import attrgetter
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from accounts.models import ApiKey
from console.parts.cells import Cell, Column
from console.parts.list_filters import CODE, periods, span_in
from console.parts.listing import Filter, Listing, RowPage, Search, chosen, understood
from console.workspace.access import Permission, Workspace, keys_of, member
from console.workspace.shared.filters import TESTS
from generation.models import RefusedRequest
from generation.oversight.searching.refused import MAX_SCANNED_ROWS, RefusalFilter, page_of_refused
from pictor.kit.words import ids

KEPT = "Kept for 7 days (UTC), at most 20,000 a day; a crash of the database loses them."

NO_KEY = ("", "")


def _query(workspace: Workspace, search: Search[RefusedRequest]) -> RefusalFilter:
    meant, (since, until) = search.meant, span_in(search)
    return RefusalFilter(
        modes=("test",) if search.mode else ("live", "demo"),
        tenant_id=workspace.id,
        request_id=meant.get("request"),
        key_id=ids.parse(ids.KEY, meant.get("key", "")),
        model=meant.get("model", ""),
        code=meant.get("code", ""),
        since=since,
        until=until,
    )


def _read(sought: RefusalFilter, after: str, limit: int) -> RowPage[RefusedRequest]:
    page = page_of_refused(sought, after=ids.parse(ids.REQUEST, after), limit=limit)
    last = ids.public(ids.REQUEST, page.last) if page.last else ""
    return RowPage(page.rows, last, searched=MAX_SCANNED_ROWS if page.is_cut else 0)


def _answer(refused: RefusedRequest) -> Cell:
    page = f"{reverse('site:guide_errors')}#{refused.code}"
    return Cell(f"{refused.status} {refused.code}", page, note=refused.param)


def _columns(keys: Sequence[ApiKey]) -> list[Column[RefusedRequest]]:
    """The columns, with the names of these keys; others are left out."""
    names: dict[UUID | None, tuple[str, str]] = {
        key.id: (key.name or "Unnamed", key.public_id) for key in keys
    }
    same = {word: attrgetter(word) for word in ("status", "code", "param", "message", "model")}
    return [
        Column(title="At", cell=lambda refused: Cell(at=refused.at, note=refused.public_id)),
        Column(title="Answer", cell=_answer),
        Column(title="Message", cell=same["message"]),
        Column(title="Stopped by", cell=attrgetter("stopped_by")),
        Column(title="Model", cell=same["model"]),
        Column(title="Key", cell=lambda refused: names.get(refused.key_id, NO_KEY)[0]),
        Column(
            csv={
                "request": attrgetter("public_id"),
                "at": attrgetter("at"),
                **same,
                "stopped_by": attrgetter("stopped_by"),
                "key": lambda refused: names.get(refused.key_id, NO_KEY)[0],
                "key_id": lambda refused: names.get(refused.key_id, NO_KEY)[1],
            }
        ),
    ]


def _filters(
    workspace: Workspace, keys: Sequence[ApiKey], *, is_test: bool
) -> Mapping[str, Filter]:
    """The filters, with the keys of one mode to choose from."""
    names = {key.public_id: f"{key.name or 'Unnamed'} · {key.visible_prefix}" for key in keys}
    of_mode = [(key.public_id, names[key.public_id]) for key in keys if key.is_test == is_test]
    groups = [("Test keys" if is_test else "Live keys", of_mode)]
    return {
        "period": periods("Period", every="All that is kept", among=lambda _search: ("24h", "7d")),
        "code": CODE,
        "key": chosen("Key", names, groups=groups),
        "model": Filter(label="Model", suggests=lambda: [*workspace.catalogue.contracts]),
        "request": Filter(
            label="Request",
            read=understood(partial(ids.parse, ids.REQUEST), "“{}” is no id of a request."),
            words=partial(ids.public, ids.REQUEST),
            example="req_…",
        ),
    }


@member(Permission.SEE_GENERATIONS)
def listing(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Show refused requests, newest first, filtered by the query string; also as CSV."""
    keys = keys_of(workspace)
    refused = Listing[RefusedRequest](
        name="refused",
        title="Requests refused",
        lead="Requests that made nothing and cost nothing: what your code was told, and the limit"
        " that stopped it.",
        things="refused requests",
        needs=Permission.SEE_GENERATIONS,
        order="newest first",
        query=lambda search: _query(workspace, search),
        read=_read,
        modes={"": "Live keys", TESTS: "Test keys"},
        filters=_filters(workspace, keys, is_test=request.GET.get("mode") == TESTS),
        summary=lambda _search: KEPT,
        columns=_columns(keys),
        empty=("Nothing was refused", "Requests that were refused appear here, with the reason."),
        row_id=attrgetter("public_id"),
        cell_template="workspace/refused_cell.html",
    )
    return refused.answer(request, "workspace/base.html", {"workspace": workspace})
