"""What is sent gzipped."""

import gzip

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from pictor.web.compression import Compression

LONG = b"The same words again and again. " * 100


def sent(content_type: str, **headers: str) -> HttpResponse:
    answer = HttpResponse(LONG, content_type=content_type)
    request = RequestFactory().get("/", headers={"Accept-Encoding": "gzip", **headers})
    compressed = Compression(lambda _: answer)(request)
    assert isinstance(compressed, HttpResponse)
    return compressed


@pytest.mark.parametrize(
    "content_type", ["text/html; charset=utf-8", "text/css", "text/javascript", "application/json"]
)
def test_a_text_is_compressed(content_type):
    answer = sent(content_type)

    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) < len(LONG) / 10
    assert gzip.decompress(answer.content) == LONG


@pytest.mark.parametrize("content_type", ["image/webp", "font/woff2", "application/zip"])
def test_what_would_not_shrink_is_sent_as_it_is(content_type):
    assert "Content-Encoding" not in sent(content_type)


def test_whom_does_not_read_gzip_gets_plain_text():
    assert sent("text/html", **{"Accept-Encoding": "identity"}).content == LONG
