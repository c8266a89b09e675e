"""A channel's key changes during a call: calls already begun end with the old key."""

from asyncio import StreamWriter

import pytest

from generation.catalogue import services
from generation.catalogue.snapshot import current_catalogue
from generation.models import Attempt, Channel
from pictor.kit.database import pools
from tests.fakes.raw_server import Received, says
from tests.generation.dispatch.carrying import ONE_IMAGE, carried
from tests.making.factories import ORIGIN


def swapped() -> int:
    services.set_channel(name="one", options={"api_key": "sk-2"}, actor="test")
    return services.swap(channel=Channel.objects.get(), actor="test", untested=True)


@pytest.mark.usefixtures("channel", "pooled_connections")
def test_a_call_under_way_ends_by_the_key_that_it_began_with_and_is_counted(queued, tmp_path):
    keys: list[str] = []
    under_way: list[int] = []

    async def swaps_meanwhile(request: Received, writer: StreamWriter) -> None:
        keys.append(request.headers["authorization"])
        under_way.append(await pools.database(swapped))
        await says(ONE_IMAGE)(request, writer)

    carried(queued, tmp_path, scripts={"one": swaps_meanwhile})

    (route,) = current_catalogue().routes_for(ORIGIN, livemode=True)
    assert (keys, under_way) == (["Bearer sk-upstream"], [1])
    assert (queued.state, Attempt.objects.get().attempt_class) == ("succeeded", "delivered")
    assert (route.api_key, route.reset_count) == ("sk-2", 1)
