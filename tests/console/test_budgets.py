"""The number of statements of each public page in the URL map."""

import pytest

from tests.console.pages import public_paths
from tests.making.seeds import sow

QUERIES = 12


@pytest.mark.django_db
@pytest.mark.usefixtures("plain_static_files")
@pytest.mark.parametrize("path", public_paths())
def test_a_public_page_asks_the_database_little(
    client, settings, path, django_assert_max_num_queries
):
    settings.MAILBOX = True
    sow()
    client.get(path)  # loaded once a process

    with django_assert_max_num_queries(QUERIES):
        assert client.get(path).status_code == 200
