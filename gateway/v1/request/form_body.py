"""`multipart/form-data`: the code, data files and options as parts of a form; read while it arrives.

The part `code` is the code, every part `file` or `files` that has a filename is a data file, and any other part an
option as text, as a query has it. What sets a limit is counted before it is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multipart import MultipartError, MultipartSegment, ParserError, PushMultipartParser

from gateway.model.errors import BodyTooLarge, InvalidRequest, OptionError
from gateway.model.jobs import KiB, NamedFile
from gateway.server.body import code_too_long
from gateway.v1.request import file_names
from gateway.v1.request.code import find_code_error
from gateway.v1.request.json_body import FILES_LIMIT
from gateway.v1.request.options import Options
from gateway.v1.request.text_options import PAIRS_LIMIT, options_from_text
from gateway.v1.request.validation import validated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.model.jobs import Job

BROKEN = "Body is not valid multipart/form-data"

CODE = "code"
FILES = ("file", "files")

#: Longest line in a part's head, and how many lines it may have; a filename of 128 characters can take 512 bytes.
HEAD_LINE_LIMIT_BYTES = 2 * KiB
HEAD_LINES_LIMIT = 8

#: Longest option: a JSON object of parameters.
OPTION_LIMIT_BYTES = 64 * KiB

#: What `Content-Transfer-Encoding` may say; forms have used it for nothing else for long (RFC 7578, 4.7).
_PLAIN_ENCODINGS = ("binary", "8bit", "7bit")


class _Parser(PushMultipartParser):  # type: ignore[misc]  # the library has no types
    """The library's parser, with lines of heads that can be read in one way only."""

    def _on_segment_headerline(self, line: bytes) -> None:
        """Refuse a line end within a line, which the parser takes if the line comes in one piece, and folded lines."""
        if b"\n" in line or b"\r" in line or line[:1] in {b" ", b"\t"}:
            raise ParserError("Invalid line break in segment header")
        super()._on_segment_headerline(line)


class FormReader:
    """Takes a form's bytes as they come, and says what it asks for.

    Args:
        boundary: From the request's content type.
        code_limit_bytes: How long the code may be.

    Raises:
        InvalidRequest: The boundary is no boundary.
    """

    def __init__(self, boundary: str, code_limit_bytes: int) -> None:
        self._code_limit_bytes = code_limit_bytes
        self._part: MultipartSegment | None = None
        self._data = bytearray()
        self._code: bytes | None = None
        self._files: dict[str, bytes] = {}
        self._pairs: list[tuple[str, str]] = []
        self._faults: list[OptionError] = []
        try:
            self._parser = _Parser(
                boundary,
                max_header_size=HEAD_LINE_LIMIT_BYTES,
                max_header_count=HEAD_LINES_LIMIT,
                max_segment_count=1 + FILES_LIMIT + PAIRS_LIMIT,
                # Strictly, the line break behind the last boundary would be an error whenever it comes on its own.
                strict=False,
            )
        except MultipartError as error:
            raise InvalidRequest(BROKEN) from error
        self._opening = b"--" + self._parser.boundary

    def take(self, chunk: bytes) -> None:
        """Read the next bytes of the form.

        Raises:
            InvalidRequest: It is no form, or has more parts than one may have.
            BodyTooLarge: The code or an option is too long.
        """
        # What stands before the first boundary is read differently by the parser, as it is cut; nobody sends anything.
        opening = self._opening[: len(chunk)]
        if not chunk.startswith(opening):
            raise InvalidRequest(BROKEN)
        self._opening = self._opening[len(opening) :]
        try:
            for event in self._parser.parse(chunk):
                if isinstance(event, MultipartSegment):
                    self._begin(event)
                elif event is not None:
                    self._go_on(event)
                else:
                    self._end()
        except MultipartError as error:
            raise InvalidRequest(BROKEN) from error

    def job(self, query: Mapping[str, Any], found: Sequence[OptionError]) -> tuple[Job, bool]:
        """Return the job that the whole form asks for, and whether it allows the cache.

        Args:
            query: Options given in the query; they take the place of the form's.
            found: What was wrong with those.

        Raises:
            InvalidRequest: The form isn't whole.
            InvalidOptions: Parts of it are wrong.
        """
        if not self._parser.closed:
            try:
                self._parser.close()
            except MultipartError as error:
                raise InvalidRequest(BROKEN) from error
        raw, faults = options_from_text(self._pairs)
        code, code_faults = code_from_bytes(self._code)
        options = validated(Options, {**raw, **query}, [*found, *self._faults, *faults, *code_faults])
        files = tuple(NamedFile(name, data) for name, data in sorted(self._files.items()))
        return options.job(code, files), options.cache

    def _begin(self, part: MultipartSegment) -> None:
        if (part.header("Content-Transfer-Encoding") or "binary").lower() not in _PLAIN_ENCODINGS:
            raise InvalidRequest("Content-Transfer-Encoding of a part must be binary")
        self._part = part
        self._data = bytearray()

    def _go_on(self, data: bytes) -> None:
        assert self._part is not None  # noqa: S101 - the parser gives a part's head first
        self._data += data
        name = self._part.name
        if name == CODE and len(self._data) > self._code_limit_bytes:
            raise code_too_long(self._code_limit_bytes)
        if name != CODE and name not in FILES and len(self._data) > OPTION_LIMIT_BYTES:
            raise BodyTooLarge(f"An option is longer than {OPTION_LIMIT_BYTES} bytes")

    def _end(self) -> None:
        assert self._part is not None  # noqa: S101 - the parser gives a part's head first
        name, filename, data = self._part.name or "", self._part.filename, bytes(self._data)
        self._part, self._data = None, bytearray()
        if name == CODE:
            if self._code is not None:
                self._fault(name, "is given twice")
            self._code = data
        elif name in FILES:
            self._keep_file(filename, data)
        elif filename is not None:
            self._fault(name, "takes text, not a file; data files are parts named file")
        else:
            self._keep_option(name, data)

    def _keep_file(self, filename: str | None, data: bytes) -> None:
        if filename == "" and not data:
            return  # a browser's form with nothing chosen
        if filename is None:
            self._fault("files", "each needs a filename")
            return
        fault = file_names.find_fault(filename)
        if fault is None and filename in self._files:
            fault = "is given twice"
        if fault is None and len(self._files) >= FILES_LIMIT:
            fault = f"is one of more than {FILES_LIMIT} files"
        if fault is not None:
            self._fault(f"files.{filename}", fault)
            return
        self._files[filename] = data

    def _keep_option(self, name: str, data: bytes) -> None:
        try:
            self._pairs.append((name, data.decode()))
        except UnicodeDecodeError:
            self._fault(name, "must be UTF-8")

    def _fault(self, option: str, message: str) -> None:
        self._faults.append(OptionError(file_names.shown(option), message))


def code_from_bytes(data: bytes | None) -> tuple[str, list[OptionError]]:
    """Return code that came as bytes, and what is wrong with it."""
    if data is None:
        return "", [OptionError(CODE, "is missing")]
    try:
        code = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "", [OptionError(CODE, "must be UTF-8")]
    error = find_code_error(code)
    return code, [OptionError(CODE, error)] if error is not None else []
