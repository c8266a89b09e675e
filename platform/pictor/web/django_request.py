"""Django's request, with headers and forms that clients may write as they like."""

from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import MediaType
from django.utils.functional import cached_property
from django.utils.http import parse_header_parameters
from typing_extensions import override

from pictor.kit.bytes.charsets import MAX_TYPE_BYTES


class TolerantRequest(ASGIRequest):
    """A request without the errors that Django raises for some headers, and answers with a 500.

    A type that cannot be read counts as none, given or accepted; so does one that is so long that
    Django reads it in quadratic time. Text is UTF-8 whatever charset is given: `hex` is a codec for
    Python, and no encoding of text.
    """

    @cached_property
    @override
    def accepted_types(self) -> list[MediaType]:
        if len(self.META.get("HTTP_ACCEPT", "")) > MAX_TYPE_BYTES:
            return []
        try:
            return list(super().accepted_types)
        except (TypeError, ValueError):
            return []

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        given = meta.get("CONTENT_TYPE", "")
        try:
            read = parse_header_parameters(given if len(given) <= MAX_TYPE_BYTES else "")
        except (TypeError, ValueError):
            read = "", {}
        self.content_type, self.content_params = read

    @override
    def parse_file_upload(self, META: Any, post_data: Any) -> Any:
        try:
            return super().parse_file_upload(META, post_data)
        except TypeError as error:  # a part's header gives a parameter twice, as in RFC 2231
            raise MultiPartParserError("a part's header cannot be read") from error
