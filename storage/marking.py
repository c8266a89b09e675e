"""Machine-readable marks: one XMP packet that says that a picture was made by a model.

Its one field is IPTC's Digital Source Type, with a word of IPTC's vocabulary. It names nobody.

Sources: IPTC Photo Metadata Standard 2025.1, "Digital Source Type", and
cv.iptc.org/newscodes/digitalsourcetype; XMP part 3 (ISO 16684-1), 1.1; RFC 9649, 2.7.
"""

from typing import Literal

from storage.containers import jpeg, png, webp
from storage.containers.pieces import ByteSource, View

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


def marked(file: ByteSource, image_format: str, mark: Mark) -> View:
    """A view of a stripped image, with the packet in it."""
    with_xmp = {"png": png.with_xmp, "jpeg": jpeg.with_xmp, "webp": webp.with_xmp}[image_format]
    return View(file, with_xmp(file, packet(mark)))
