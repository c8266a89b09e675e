"""The newest images, painted by the real sandbox and kept on real storage."""

import pytest

from generation.management import seeding
from generation.management.history import demo_pictures
from generation.management.seeding import SeedOptions
from generation.models import Channel, Generation
from generation.oversight.ledger.findings import generation_findings
from pictor.kit.words import clock
from storage.models import StoredImage
from storage.services import open_stream

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def demo(transactional_db: None, options: SeedOptions) -> None:
    """A demo workspace whose history is committed, since the painter has its own connections."""
    seeding.seed(options)


def stored_bytes(object_key: str) -> int:
    with open_stream(object_key) as stream:
        return sum(map(len, stream.chunks()))


def test_a_few_dozen_of_the_newest_are_really_there_and_painted_once(demo):
    painted = demo_pictures.paint()

    kept = StoredImage.objects.filter(deleted_at=None)

    assert kept.count() == painted
    assert 40 <= painted <= 43
    assert not kept.filter(expires_at__lt=clock.now()).exists()
    some = kept[::7]
    assert [stored_bytes(one.object_key) for one in some] == [one.size_bytes for one in some]
    made = Generation.objects.filter(state="succeeded").order_by("-id")[:10]
    assert StoredImage.objects.filter(generation_id__in=made, deleted_at=None).count() >= 10
    assert generation_findings() == []
    assert demo_pictures.paint() == 0


def test_without_a_channel_they_stay_away(demo):
    Channel.objects.update(is_enabled=False)

    assert demo_pictures.paint() == 0


def test_without_demo_data_there_is_nothing_to_paint(db):
    assert demo_pictures.paint() == 0
