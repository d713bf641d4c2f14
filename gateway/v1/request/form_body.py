"""`multipart/form-data`: code, data files and options as parts of a form.

The part `code` is the code, each part `file` or `files` with a filename is a data file, and every other part is an
option as text, as in a query. A form is read piece by piece, so that its limits are checked before anything is kept.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from multipart import MultipartError, MultipartSegment, ParserError, PushMultipartParser

from gateway.model.code import code_too_long, find_code_error
from gateway.model.errors import BodyTooLarge, InvalidRequest, OptionError
from gateway.model.file_paths import find_clash
from gateway.model.jobs import KiB
from gateway.v1.request.file_names import displayed, find_name_error
from gateway.v1.request.json_body import FILES_LIMIT
from gateway.v1.request.options import Options
from gateway.v1.request.text_options import PAIRS_LIMIT, options_from_text
from gateway.v1.request.validation import validated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.model.jobs import Job
    from gateway.v1.request.options import Terms

BROKEN = "Body is not valid multipart/form-data"

CODE = "code"
FILES = ("file", "files")

#: Longest line in the head of a part, and most lines; a filename of 255 characters can take 1020 bytes.
HEAD_LINE_LIMIT_BYTES = 2 * KiB
HEAD_LINES_LIMIT = 8

#: Longest option: a JSON object of parameters.
OPTION_LIMIT_BYTES = 64 * KiB

#: Bytes that the parser gets at once; it copies them.
PIECE_BYTES = 64 * KiB

#: Accepted values of `Content-Transfer-Encoding`; others are deprecated (RFC 7578, 4.7).
_PLAIN_ENCODINGS = ("binary", "8bit", "7bit")


class _Parser(PushMultipartParser):  # type: ignore[misc]  # the library has no types
    """The library's parser, restricted to heads that can be read in one way only."""

    def _on_segment_headerline(self, line: bytes) -> None:
        """Refuse folded lines, and line ends within a line, which the parser accepts if the line comes in one piece."""
        if b"\n" in line or b"\r" in line or line[:1] in {b" ", b"\t"}:
            raise ParserError("Invalid line break in segment header")
        super()._on_segment_headerline(line)


class FormReader:
    """Reads a form piece by piece.

    Args:
        boundary: From the request's content type.
        code_limit_bytes: The longest code.

    Raises:
        InvalidRequest: The boundary is malformed.
    """

    def __init__(self, boundary: str, code_limit_bytes: int) -> None:
        self._code_limit_bytes = code_limit_bytes
        self._part: MultipartSegment | None = None
        self._data = bytearray()
        self._code: bytes | None = None
        self._files: dict[str, bytes] = {}
        self._pairs: list[tuple[str, str]] = []
        self._errors: list[OptionError] = []
        try:
            self._parser = _Parser(
                boundary,
                max_header_size=HEAD_LINE_LIMIT_BYTES,
                max_header_count=HEAD_LINES_LIMIT,
                max_segment_count=1 + FILES_LIMIT + PAIRS_LIMIT,
                # In strict mode the line break after the last boundary is an error if it arrives on its own.
                strict=False,
            )
        except MultipartError as error:
            raise InvalidRequest(BROKEN) from error
        self._opening = b"--" + self._parser.boundary

    def take(self, chunk: bytes) -> None:
        """Read the next bytes of the form.

        Raises:
            InvalidRequest: It is malformed, or has too many parts.
            BodyTooLarge: The code or an option is too long.
        """
        # How the parser reads text before the first boundary depends on the chunks; honest clients send none.
        opening = self._opening[: len(chunk)]
        if not chunk.startswith(opening):
            raise InvalidRequest(BROKEN)
        self._opening = self._opening[len(opening) :]
        try:
            for event in self._parser.parse(chunk):
                if isinstance(event, MultipartSegment):
                    self._begin(event)
                elif self._part is not None and event is not None:
                    self._extend(self._part.name, event)
                elif self._part is not None:
                    data, self._data = bytes(self._data), bytearray()  # not kept twice until the next part
                    self._finish(self._part.name or "", self._part.filename, data)
        except MultipartError as error:
            raise InvalidRequest(BROKEN) from error

    def job(
        self,
        query: Mapping[str, Any],
        errors: Sequence[OptionError],
        defaults: Mapping[str, Any] = MappingProxyType({}),
    ) -> tuple[Job, Terms]:
        """Return the job that the whole form asks for, and on which terms.

        Args:
            query: Options given in the query; they override the form's.
            errors: What is wrong with those.
            defaults: Options that count where neither has them.

        Raises:
            InvalidRequest: The form is incomplete.
            InvalidOptions: Parts of it are wrong.
        """
        if not self._parser.closed:
            try:
                self._parser.close()
            except MultipartError as error:
                raise InvalidRequest(BROKEN) from error
        if (clash := find_clash(self._files)) is not None:
            self._add_error(f"files.{clash[0]}", clash[1])
        raw, text_errors = options_from_text(self._pairs)
        code, code_errors = code_from_bytes(self._code)
        options = validated(Options, {**defaults, **raw, **query}, [*errors, *self._errors, *text_errors, *code_errors])
        return options.job(code, self._files), options.terms

    def _begin(self, part: MultipartSegment) -> None:
        if (part.header("Content-Transfer-Encoding") or "binary").lower() not in _PLAIN_ENCODINGS:
            raise InvalidRequest("Content-Transfer-Encoding of a part must be binary")
        self._part, self._data = part, bytearray()

    def _extend(self, name: str, data: bytes) -> None:
        self._data += data
        if name == CODE and len(self._data) > self._code_limit_bytes:
            raise code_too_long(self._code_limit_bytes)
        if name != CODE and name not in FILES and len(self._data) > OPTION_LIMIT_BYTES:
            raise BodyTooLarge(f"An option is longer than {OPTION_LIMIT_BYTES} bytes")

    def _finish(self, name: str, filename: str | None, data: bytes) -> None:
        if name == CODE:
            if self._code is not None:
                self._add_error(name, "is given twice")
            self._code = data
        elif name in FILES:
            self._keep_file(filename, data)
        elif filename is not None:
            self._add_error(name, "takes text, not a file; data files are parts named file")
        else:
            try:
                self._pairs.append((name, data.decode()))
            except UnicodeDecodeError:
                self._add_error(name, "must be UTF-8")

    def _keep_file(self, filename: str | None, data: bytes) -> None:
        if filename is None and not data:
            return  # a field that was left empty
        if filename is None:
            self._add_error("files", "each needs a filename")
        elif filename == "" and not data:
            return  # a browser's form in which no file was chosen
        elif message := find_name_error(filename):
            self._add_error(f"files.{filename}", message)
        elif filename in self._files:
            self._add_error(f"files.{filename}", "is given twice")
        elif len(self._files) >= FILES_LIMIT:
            self._add_error(f"files.{filename}", f"there may be at most {FILES_LIMIT} files")
        else:
            self._files[filename] = data

    def _add_error(self, option: str, message: str) -> None:
        self._errors.append(OptionError(displayed(option), message))


def read_form(
    body: bytes,
    boundary: str,
    code_limit_bytes: int,
    query: Mapping[str, Any],
    errors: Sequence[OptionError],
    *,
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Job, Terms]:
    """Return the job that a form asks for, and on which terms; see `FormReader`."""
    form = FormReader(boundary, code_limit_bytes)
    for start in range(0, len(body), PIECE_BYTES):
        form.take(body[start : start + PIECE_BYTES])
    return form.job(query, errors, defaults)


def code_from_bytes(data: bytes | None) -> tuple[str, list[OptionError]]:
    """Return code given as bytes, and what is wrong with it."""
    if data is None:
        return "", [OptionError(CODE, "is missing")]
    try:
        code = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "", [OptionError(CODE, "must be UTF-8")]
    message = find_code_error(code)
    return code, [OptionError(CODE, message)] if message is not None else []
