"""The images endpoints that do not wait: lists, one generation, its end."""

from uuid import UUID

from accounts import rates
from accounts.callers import Caller
from accounts.endpoint import Answer, Endpoint, operation
from generation.api import render
from generation.api.objects import (
    DeletedObject,
    GenerationList,
    GenerationObject,
    ProvenanceObject,
)
from generation.api.requests import ProvenanceForm, ProvenanceRequest
from generation.api.shown import shown_generation
from generation.lifecycle.outcome import FAILURES
from generation.models import State
from generation.selectors import Finished
from generation.tenants import services
from generation.tenants.searching import Criteria
from pictor.kit.bytes.multipart import FormFile
from pictor.kit.endpoints.objects import Page
from pictor.kit.endpoints.queries import AfterField, ApiQuery, OneWordField, PageLimitField
from pictor.kit.words import clock, ids
from pictor.kit.words.errors import NotCancelable, NotFound


class PageQuery(ApiQuery):
    """A page of a list."""

    limit = PageLimitField()
    after = AfterField(ids.GENERATION, "a generation")
    status = OneWordField(
        State.values, "Those with this status; `succeeded` includes `deleted` ones."
    )
    error = OneWordField(FAILURES, "Those that failed with this error's `code`.")


class GenerationsView(Endpoint):
    """/v1/images/generations, but for POST, which waits: create.py."""

    @operation(
        "list_generations",
        summary="List generations",
        scope="images:read",
        query=PageQuery,
        answer=GenerationList,
        rate=rates.take_query,
    )
    def get(
        self, caller: Caller, limit: int, after: UUID | None, status: str | None, error: str | None
    ) -> Answer:
        """The workspace's generations, newest first: tests for a test key, else live ones.

        A filter looks through 20,000 generations at a time, so a page may have fewer than `limit`,
        even none, while `has_more` is true: go on after its `last_id`.
        """
        wanted = Criteria(livemode=caller.livemode, status=status or "", error=error or "")
        rows, last = services.page_of(caller.tenant_id, wanted, limit=limit, after=after)
        ids_of = [row.generation.public_id for row in rows]
        shown = [shown_generation(row) for row in rows]
        last_id = ids.public(ids.GENERATION, last) if last else None
        return Answer(Page(shown, ids_of, last is not None, last_id))


class GenerationView(Endpoint):
    """/v1/images/generations/{id}."""

    @operation(
        "retrieve_generation",
        summary="Retrieve a generation",
        scope="images:read",
        answer=GenerationObject,
        errors=[NotFound],
        headers=render.about_one([200]),
    )
    def get(self, caller: Caller, public_id: str) -> Answer:
        """One generation, with its result once it has one."""
        return _reply(services.generation_of(caller.tenant_id, public_id, livemode=caller.livemode))

    @operation(
        "delete_generation",
        summary="Delete a generation",
        scope="images:write",
        answer=DeletedObject,
        errors=[NotFound, NotCancelable],
        headers=render.about_one([200]),
    )
    def delete(self, caller: Caller, public_id: str) -> Answer:
        """Delete the prompt, tags and images of a generation that has ended.

        Reference images and partial images are deleted too. The charge and the id stay.
        """
        generation = services.delete(
            caller.tenant_id, public_id, livemode=caller.livemode, now=clock.now()
        )
        return Answer(generation, render.headers_of(generation))


class ProvenanceView(Endpoint):
    """/v1/images/provenance."""

    @operation(
        "find_provenance",
        summary="Was this made here?",
        scope="images:read",
        body=ProvenanceRequest,
        form=ProvenanceForm,
        answer=ProvenanceObject,
        rate=rates.take_query,
    )
    def post(self, caller: Caller, sha256: str = "", file: FormFile | None = None) -> Answer:
        """Whether a file was made for the workspace: by tests for a test key, else by others.

        Send a form with the `file`, which is not kept, or its `sha256`. An image is found by the
        digest of its delivered bytes, five minutes after its delivery at the latest, and even once
        it has expired; and by its Content Credentials if other bytes of the file have changed. It
        is not found once its generation is deleted, or its prompt has expired.
        """
        spool = file.spool if file else None
        found = services.made_here(
            caller.tenant_id, sha256=sha256, file=spool, livemode=caller.livemode
        )
        as_delivered = found is not None and found.is_as_delivered
        return Answer({"made_here": bool(found), "as_delivered": as_delivered, "found": found})


class CancellationView(Endpoint):
    """/v1/images/generations/{id}/cancel."""

    @operation(
        "cancel_generation",
        summary="Cancel a generation",
        scope="images:write",
        answer=GenerationObject,
        errors=[NotFound, NotCancelable],
        headers=render.about_one([200]),
    )
    def post(self, caller: Caller, public_id: str) -> Answer:
        """Cancel a generation that no worker has started, and release its hold."""
        canceled = services.cancel(
            caller.tenant_id, public_id, livemode=caller.livemode, now=clock.now()
        )
        return _reply(canceled)


def _reply(finished: Finished) -> Answer:
    return Answer(shown_generation(finished), render.headers_of(finished.generation))
