"""The threads in which a path's methods run."""

import asyncio
import threading

import pytest
from django.http import HttpResponse
from django.test import AsyncRequestFactory
from rest_framework.request import Request
from rest_framework.views import APIView

from pictor.kit.database import pools
from pictor.kit.endpoints.paths import route

pytestmark = pytest.mark.anyio


async def test_other_requests_are_answered_while_deletions_wait_for_storage(pooled_connections):
    goes_on = threading.Event()

    class Removes(APIView):
        authentication_classes = ()
        permission_classes = ()

        def get(self, request: Request) -> HttpResponse:
            return HttpResponse(headers={"X-Did": "there"})

        def delete(self, request: Request) -> HttpResponse:
            goes_on.wait(30)
            return HttpResponse(headers={"X-Did": "gone"})

    view = route(Removes, delete_in=pools.removals)
    asked = AsyncRequestFactory()
    deletions = [asyncio.create_task(view(asked.delete("/"))) for _ in range(20)]
    await asyncio.sleep(0)

    got = await asyncio.wait_for(view(asked.get("/")), 10)

    is_any_gone = any(deletion.done() for deletion in deletions)
    goes_on.set()
    gone = await asyncio.gather(*deletions)
    assert (got["X-Did"], is_any_gone) == ("there", False)
    assert {answer["X-Did"] for answer in gone} == {"gone"}
