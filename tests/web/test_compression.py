"""Answers that are sent gzipped."""

import gzip
import zlib
from collections.abc import AsyncIterator

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse, StreamingHttpResponse
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
def test_an_incompressible_answer_is_sent_unchanged(content_type):
    assert "Content-Encoding" not in sent(content_type)


def test_a_stream_is_one_file_of_which_a_browser_reads_all():
    async def lines() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"%d," % number + LONG

    async def whole(answer: StreamingHttpResponse) -> bytes:
        return b"".join([chunk async for chunk in answer])

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    request = RequestFactory().get("/", headers={"Accept-Encoding": "gzip"})
    compressed = Compression(lambda _: answer)(request)
    assert isinstance(compressed, StreamingHttpResponse)
    first_file = zlib.decompressobj(wbits=31)
    text = first_file.decompress(async_to_sync(whole)(compressed))

    assert compressed["Content-Encoding"] == "gzip"
    assert text == b"0," + LONG + b"1," + LONG + b"2," + LONG
    assert (first_file.eof, first_file.unused_data) == (True, b"")


def test_whom_does_not_read_gzip_gets_plain_text():
    assert sent("text/html", **{"Accept-Encoding": "identity"}).content == LONG
