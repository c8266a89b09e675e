"""Machine-readable marks: one XMP packet that says that a picture was made by a model.

Its one field is IPTC's Digital Source Type, with a word of IPTC's vocabulary. It names nobody.

Sources: IPTC Photo Metadata Standard 2025.1, "Digital Source Type", and
cv.iptc.org/newscodes/digitalsourcetype; XMP part 3 (ISO 16684-1), 1.1; RFC 9649, 2.7.
"""

from collections.abc import Callable, Iterator
from typing import Literal

from storage.containers import jpeg, png, webp
from storage.containers.pieces import ByteSource, ByteSpan, Piece
from storage.probe import ImageFacts

Mark = Literal["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"]
"""Made by a model from words alone, or with a picture of the caller's."""

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""IPTC's vocabulary, whose words these are."""


def packet(mark: Mark) -> bytes:
    """The XMP packet, less than 600 bytes of UTF-8."""
    return (
        '<?xpacket begin="\N{ZERO WIDTH NO-BREAK SPACE}" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about=""'
        ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        f' Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPES}{mark}"/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def marking(write: Callable[[bytes], object], mark: Mark) -> Callable[[bytes], None]:
    """A function that writes a png in pieces, with the packet after its header."""
    left = png.HEADER_END

    def take(data: bytes) -> None:
        nonlocal left
        if 0 < left <= len(data):
            write(data[:left])
            write(png.xmp_chunk(packet(mark)))
            write(data[left:])
        else:
            write(data)
        left -= len(data)

    return take


def marked(file: ByteSource, facts: ImageFacts, mark: Mark) -> Iterator[Piece]:
    """Yield the pieces of a stripped image of these facts, with the packet among them."""
    xmp = packet(mark)
    if facts.format == "webp":
        yield from webp.with_xmp(
            file, xmp, width=facts.width, height=facts.height, has_alpha=facts.has_alpha
        )
        return
    inserted, at = (
        (png.xmp_chunk(xmp), png.HEADER_END)
        if facts.format == "png"
        else (jpeg.xmp_segment(xmp), jpeg.after_jfif(file))
    )
    yield ByteSpan(0, at)
    yield inserted
    yield ByteSpan(at, file.size - at)
