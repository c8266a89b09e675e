"""Content Credentials of drawn pictures, by a certificate that is made with the first of them.

Without c2pa-python (`pictor[c2pa]`) nothing can be signed here.
"""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import Any, Final

CAN_SIGN: Final = find_spec("c2pa") is not None
_SOURCE: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_MADE: Final = {"action": "c2pa.created", "digitalSourceType": _SOURCE}
_MANIFEST: Final = {
    "claim_generator_info": [{"name": "Pictor sandbox", "version": "1"}],
    "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [_MADE]}}],
}


def signed(file: bytes, image_format: str) -> bytes:
    """The file of a png, jpeg or webp with a manifest."""
    result = BytesIO()
    builder = import_module("c2pa").Builder(_MANIFEST, context=_context())
    builder.sign(f"image/{image_format}", BytesIO(file), result)
    return result.getvalue()


@cache
def _context() -> Any:
    from sandbox import certificates  # noqa: PLC0415 - cryptography, for the few that sign

    c2pa, key = import_module("c2pa"), certificates.new_key()
    chain = "".join(certificates.chain_of(key))
    info = c2pa.C2paSignerInfo(b"es256", chain.encode(), certificates.pem_of(key), None)
    settings = {"builder": {"thumbnail": {"enabled": False}}}
    return c2pa.Context.from_dict(settings, signer=c2pa.Signer.from_info(info))
