"""Reading of a form into a Body, on the few paths that accept forms."""

from collections.abc import AsyncIterator

from pictor.kit.bytes.multipart import (
    FormInvalid,
    FormLimits,
    FormStream,
    FormTooLarge,
    FormUnknown,
)
from pictor.kit.bytes.spool import SpoolFile, SpoolFull, Spools
from pictor.kit.endpoints.body import Body
from pictor.kit.words.errors import InvalidRequest, RequestTooLarge, Unavailable, unknown

MEMORY_BYTES = 64 * 1024
"""Memory for each file: sixteen small ones stay within a request's share."""


async def read_form(
    chunks: AsyncIterator[bytes], *, content_type: bytes, limits: FormLimits, spools: Spools
) -> Body:
    """Return the form as a Body. Raises InvalidRequest, RequestTooLarge or Unavailable."""

    def new_spool() -> SpoolFile:
        return spools.new(max_bytes=limits.max_file_bytes, memory_bytes=MEMORY_BYTES)

    try:
        stream = FormStream(content_type, limits=limits, new_spool=new_spool)
        async for chunk in chunks:
            stream.feed(chunk)
        return Body(form=stream.finish())
    except FormTooLarge as error:
        raise RequestTooLarge(f"The form is refused: {error}.", param=error.param) from None
    except FormInvalid as error:
        raise InvalidRequest(f"The form is refused: {error}.", param=error.param) from None
    except FormUnknown as error:
        raise unknown(error.param or "", limits.file_fields) from None
    except SpoolFull:
        raise Unavailable("There is no room for large requests just now.") from None
