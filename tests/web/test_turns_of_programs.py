"""Programs at /ops/v1/ wait for each other, and keep nobody at their address waiting."""

import asyncio

import pytest

from pictor.web.site import SiteHandler
from tests.web import routes
from tests.web.conftest import body_of, call

pytestmark = pytest.mark.anyio


async def test_programs_leave_turns_for_their_offices_browsers(settings):
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.ROOT_URLCONF = routes.__name__
    inside: list[str] = []
    go_on = asyncio.Event()

    async def app(scope, receive, send):
        inside.append(scope["path"])
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    handler, host = SiteHandler(app), {"Host": "localhost:8000"}
    calls = [
        asyncio.create_task(call(handler, path=path, headers=host, messages=body_of(b"")))
        for path in ["/ops/v1/lists/audit"] * 8 + ["/ops/"] * 3
    ]
    for _ in range(20):
        await asyncio.sleep(0)

    assert sorted(inside) == ["/ops/"] * 3 + ["/ops/v1/lists/audit"] * 2
    go_on.set()
    assert [one.status for one in await asyncio.gather(*calls)] == [200] * 11
