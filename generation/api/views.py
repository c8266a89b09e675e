"""The images endpoints that do not wait: lists, one generation, its end."""

from uuid import UUID

from accounts import rates
from accounts.callers import Caller
from accounts.endpoint import Answer, Endpoint, operation
from generation.api import render
from generation.api.objects import DeletedObject, GenerationList, GenerationObject
from generation.api.shown import shown_generation
from generation.selectors import Finished
from generation.tenants import services
from pictor.kit.endpoints.objects import Page
from pictor.kit.endpoints.queries import AfterField, ApiQuery, PageLimitField
from pictor.kit.words import clock, ids
from pictor.kit.words.errors import NotCancelable, NotFound


class PageQuery(ApiQuery):
    """A page of a list."""

    limit = PageLimitField()
    after = AfterField(ids.GENERATION, "a generation")


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
    def get(self, caller: Caller, limit: int, after: UUID | None) -> Answer:
        """The workspace's generations, newest first: tests for a test key, else live ones."""
        rows, has_more = services.page_of(
            caller.tenant_id, livemode=caller.livemode, limit=limit, after=after
        )
        ids_of = [row.generation.public_id for row in rows]
        return Answer(Page([shown_generation(row) for row in rows], ids_of, has_more))


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
