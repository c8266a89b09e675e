"""A form's body into a Body: for the few paths that take files."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass

from pictor.kit.bytes.multipart import FormInvalid, FormLimits, FormStream, FormTooLarge
from pictor.kit.bytes.spool import SpoolFile, SpoolFull, Spools
from pictor.kit.endpoints.body import Body
from pictor.kit.words.errors import InvalidRequest, RequestTooLarge, Unavailable

MEMORY_BYTES = 64 * 1024
"""Of each file: sixteen small ones are no more than one request may have in memory."""


@dataclass(frozen=True, slots=True)
class FormPaths:
    """Where forms are taken, and what they may hold there."""

    paths: Collection[str]
    limits: FormLimits

    def limits_at(self, path: str) -> FormLimits | None:
        """None where no form is taken."""
        return self.limits if path in self.paths else None


async def read_form(
    chunks: AsyncIterator[bytes], *, content_type: bytes, limits: FormLimits, spools: Spools
) -> Body:
    """The form. Raises InvalidRequest, RequestTooLarge or Unavailable."""

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
    except SpoolFull:
        raise Unavailable("There is no room for large requests just now.") from None
