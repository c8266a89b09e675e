"""The export of all data of a workspace, requested on its settings page."""

from datetime import timedelta

from pictor.kit.words import clock
from storage.models import TenantExport
from tests.console.answers import words_of
from tests.console.workspace.conftest import url


def test_one_export_at_a_time_can_be_requested(acme, sign_in):
    client = sign_in(acme, "admin")
    assert "Export everything" in words_of(client.get(url("settings", acme)))

    answer = client.post(url("export_ask", acme))
    again = client.post(url("export_ask", acme))

    assert answer["Location"] == url("settings", acme) + "#export"
    assert again.status_code == 422
    assert "An export is already being made." in words_of(again)
    export = TenantExport.objects.get()
    assert export.page_url == "http://testserver" + url("settings", acme)
    page = words_of(client.get(url("settings", acme)))
    assert "Being made" in page
    assert "by admin@acme.example" in page
    assert "Export everything" not in page
    assert client.get(url("export", acme, export.public_id)).status_code == 404


def test_the_link_leads_to_the_file_for_a_day(acme, sign_in):
    client = sign_in(acme)
    client.post(url("export_ask", acme))
    export = TenantExport.objects.get()
    rows = TenantExport.objects.filter(id=export.id)
    rows.update(
        ready_at=clock.now(),
        expires_at=clock.now() + timedelta(hours=24),
        size_bytes=2_000_000,
        object_key="exports/20261122/7f3/c41/export.zip",
    )
    address = url("export", acme, export.public_id)

    page = words_of(client.get(url("settings", acme)))
    answer = client.get(address)
    rows.update(expires_at=clock.now())

    assert f'href="{address}">Download' in page
    assert "1.9 MB, until" in page
    assert "/exports/20261122/7f3/c41/export.zip?" in answer["Location"]
    assert "response-content-disposition=attachment" in answer["Location"]
    assert client.get(address).status_code == 404
