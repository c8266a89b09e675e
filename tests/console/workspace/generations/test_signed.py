"""A generation's page says who signed its pictures."""

from pathlib import Path

import sandbox
from pictor.kit.bytes.spool import SpoolBudget, Spools
from storage import manifest_checks
from storage.models import StoredImage
from storage.services import upload
from tests.console.answers import words_of
from tests.console.workspace.conftest import url

SIGNED = Path(sandbox.__file__).with_name("signed.png").read_bytes()


def test_the_page_says_who_signed_each_picture(acme, sign_in, delivered, tmp_path, monkeypatch):
    monkeypatch.setattr(manifest_checks, "PAGE_SECONDS", 60)  # this machine may be slow
    made = delivered(acme, sizes=((1024, 1024), (1024, 1024)))
    rows = StoredImage.objects.filter(generation_id=made.id)
    rows.filter(index=0).update(sha256="a" * 64, credentials="kept", size_bytes=len(SIGNED))
    spool = Spools(tmp_path / "signed", SpoolBudget(1_000_000)).new(max_bytes=1_000_000)
    spool.write(SIGNED)
    upload(rows.get(index=0).object_key, spool, content_type="image/png")

    page = words_of(sign_in(acme).get(url("generation", acme, made.public_id)))

    assert page.count("Content Credentials kept") == 1
    signed = "Signed by Pictor Sandbox with Pictor sandbox 1. Whole; signer not checked."
    assert page.count(signed) == 1
