"""A runner's reply: assembled frame by frame, and trusted in nothing.

Each kind of frame has its place, its number and its bounds. A reply that breaks any of them is malformed, whether a
program forged it or a bug of ours wrote it; an honest runner keeps all of them. Text is made printable and cut here, so
that later code need not care; pictures are still to be checked.
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.launcher.runner.frames import (
    END,
    EXPLANATIONS,
    FILE,
    PICTURE,
    STDERR,
    STDOUT,
    FrameReader,
    MalformedReply,
    split_head,
)
from gateway.model.collector import collector_paused
from gateway.model.explanation import claim_limit_bytes
from gateway.model.jobs import Describe, Format, KiB, NamedFile
from gateway.model.results import (
    ERROR_TEXT_LIMIT,
    HINT_LIMIT,
    Outcome,
    ProgramError,
    PythonWarning,
    Text,
    printable,
    printed,
)
from gateway.model.strict_json import check_structure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.model.jobs import Job

#: The outcomes a runner may claim; all others are decided from outside.
CLAIMABLE = frozenset({Outcome.OK, Outcome.PROGRAM_ERROR, Outcome.NO_FIGURE, Outcome.INVALID_OUTPUT})

#: Longest payload of an END frame: the error text, each character at most six bytes of JSON (`\\uXXXX`), and as much as
#: the runner needs for everything else.
END_LIMIT = 6 * ERROR_TEXT_LIMIT + 256 * KiB

#: Figures in a reply if all are asked for, and files.
FIGURE_LIMIT = 100
FILE_LIMIT = 64

#: Warnings in a reply.
WARNING_LIMIT = 100

#: Bytes kept of what a job prints to one stream.
TEXT_LIMIT = 64 * KiB

#: Frames of printed text: an honest runner sends some thousands, and each costs us time.
TEXT_FRAME_LIMIT = 100_000

#: Characters of names and labels, of an error's message, of a line of code or a warning, and of a file's path.
NAME_LIMIT = 200
MESSAGE_LIMIT = 4000
SOURCE_LIMIT = 1000
PATH_LIMIT = 255

#: Bytes of a picture's head: its label, each character at most six bytes of JSON, and room for the rest.
HEAD_LIMIT = 6 * NAME_LIMIT + 512

#: Largest line, column, figure number or count accepted.
NUMBER_LIMIT = 2**31 - 1

#: Most pixels that a reply may say a picture would have had.
PIXELS_LIMIT = 2**53

#: One folder or file in a file's path; the runner has the same rule. Excluded is what could lead elsewhere, forge a
#: line or a header, or display as another name: separators, control characters, marks that turn the direction of text.
_PART = re.compile("[^\0-\x1f\x7f-\x9f/\\\\\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]+")
_SHA256 = re.compile("[0-9a-f]{64}")
_ON_ONE_LINE = str.maketrans(dict.fromkeys("\n\r\x0b\x0c\u2028\u2029", " "))


@dataclass(frozen=True, slots=True)
class ClaimedPicture:
    """A picture as the runner describes it, unchecked; see `gateway.model.results.Figure`."""

    number: int
    label: str
    format: Format
    data: bytes = field(repr=False)
    pixels_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimedExplanations:
    """What a runner says of its figures, unread.

    Attributes:
        level: How much it was asked to say.
        text: What it says, as JSON; empty if that is lost.
        lost: Why it is, the end of a sentence; None if it isn't.
    """

    level: Describe
    text: bytes = field(default=b"", repr=False)
    lost: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete reply as the runner claims it; its pictures are not checked yet.

    Attributes:
        explanations: What follows it; None if nothing was asked for. The executor adds it.
    """

    outcome: Outcome
    pictures: tuple[ClaimedPicture, ...] = ()
    error: str = field(default="", repr=False)
    files: tuple[NamedFile, ...] = ()
    files_left_out: bool = False
    figures_left_out: bool = False
    warnings: tuple[PythonWarning, ...] = ()
    program_error: ProgramError | None = None
    figures_drawn: int | None = None
    pixels: int | None = None
    explanations: ClaimedExplanations | None = None


class ReplyReader:
    """Assembles one reply from a container's stdout.

    Args:
        job: Decides what the reply may contain.
        output_limit_bytes: Longest picture or file.

    Attributes:
        level: How much is to follow the reply about its figures.
    """

    def __init__(self, job: Job, output_limit_bytes: int) -> None:
        limits = {PICTURE: output_limit_bytes, END: END_LIMIT}
        if job.collect:
            limits |= {STDOUT: output_limit_bytes, STDERR: output_limit_bytes, FILE: output_limit_bytes}
        self.level = job.options.describe if job.collect else Describe.NONE
        self._frames = FrameReader(limits)
        self._formats = job.options.formats
        self._figure_limit = FIGURE_LIMIT if job.options.all_figures else 1
        self._pictures: list[ClaimedPicture] = []
        self._files: dict[str, NamedFile] = {}
        self._prints = {STDOUT: _Prints(), STDERR: _Prints()}

    @property
    def stdout(self) -> Text:
        """What the job has printed to stdout so far."""
        return self._prints[STDOUT].text()

    @property
    def stderr(self) -> Text:
        """What the job has printed to stderr so far."""
        return self._prints[STDERR].text()

    def feed(self, piece: bytes | memoryview) -> Reply | None:
        """Return the reply once `piece` completes it; what follows the END frame is left for `feed_explanations`.

        Raises:
            MalformedReply: It can no longer become a valid reply.
        """
        for kind, payload in self._frames.feed(piece):
            if kind == END:
                return self._finish(_read_object(payload))
            if kind == PICTURE:
                self._take_picture(payload)
            elif kind == FILE:
                self._take_file(payload)
            else:
                self._prints[kind].take(payload)
        return None

    def feed_explanations(self, piece: bytes | memoryview) -> bytes | None:
        """Return what is said of the figures once `piece` completes it; the reply must be complete.

        Raises:
            OutputExceeded: It is too long.
            MalformedReply: Something else comes.
        """
        self._frames.accept({EXPLANATIONS: claim_limit_bytes(self.level)})
        return next((payload for _, payload in self._frames.feed(piece)), None)

    def _take_picture(self, payload: bytes) -> None:
        """Take the next picture: figure by figure, each in the requested formats in their order."""
        count = len(self._pictures)
        if self._files or count >= self._figure_limit * len(self._formats):
            raise MalformedReply("it sent more pictures than asked for")
        head, data = split_head(payload)
        if len(head) > HEAD_LIMIT:
            raise MalformedReply("a part of its reply is too long")
        claim = _read_object(head)
        picture = ClaimedPicture(
            _read_number(claim, "figure", least=-NUMBER_LIMIT),
            _read_line(claim, "label", NAME_LIMIT),
            self._formats[count % len(self._formats)],
            data,
            _read_digest(claim),
        )
        if claim.get("format") != picture.format:
            raise MalformedReply("it sent a picture in another format than asked for")
        if count % len(self._formats):
            before = self._pictures[-1]
            if (before.number, before.label) != (picture.number, picture.label):
                raise MalformedReply("it began another figure before this one was complete")
        self._pictures.append(picture)

    def _take_file(self, payload: bytes) -> None:
        name, data = split_head(payload)
        try:
            path = name.decode()
        except UnicodeDecodeError as error:
            raise MalformedReply("a file's name is not UTF-8") from error
        if not is_path(path) or path in self._files or len(self._files) >= FILE_LIMIT:
            raise MalformedReply("it sent a file with a bad name, or too many files")
        self._files[path] = NamedFile(path, data)

    def _finish(self, claim: dict[str, Any]) -> Reply:
        """Return the reply that ends with this claim."""
        try:
            outcome = Outcome(claim.get("outcome"))  # type: ignore[arg-type]  # any value is fine
        except ValueError as error:
            raise MalformedReply("the end of its reply is malformed") from error
        if outcome not in CLAIMABLE:
            raise MalformedReply("the end of its reply is malformed")
        count = len(self._pictures)
        if count % len(self._formats) or (count == 0) == (outcome is Outcome.OK):
            raise MalformedReply("its pictures don't match its outcome")
        return Reply(
            outcome,
            tuple(self._pictures),
            printable(_read_text(claim, "error")),
            tuple(sorted(self._files.values(), key=lambda file: file.name)),
            files_left_out=claim.get("files_left_out") is True,
            figures_left_out=claim.get("figures_left_out") is True,
            warnings=_read_warnings(claim.get("notices", [])),
            program_error=_read_program_error(claim["fault"]) if "fault" in claim else None,
            figures_drawn=_read_number(claim, "figures_drawn") if outcome is Outcome.NO_FIGURE else None,
            pixels=_read_number(claim, "pixels", most=PIXELS_LIMIT) if outcome is Outcome.INVALID_OUTPUT else None,
        )


class _Prints:
    """What was printed to one stream: the beginning, and whether there was more."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._truncated = False
        self._frames = 0

    def take(self, piece: bytes) -> None:
        self._frames += 1
        if not piece or self._frames > TEXT_FRAME_LIMIT:
            raise MalformedReply("it printed in too many pieces")
        room = TEXT_LIMIT - len(self._kept)
        self._kept += piece[:room]
        self._truncated |= len(piece) > room

    def text(self) -> Text:
        """Return it as text; a character that the limit cuts in two is left out."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        return Text(printed(decoder.decode(self._kept, final=not self._truncated)), self._truncated)


def is_path(path: str) -> bool:
    """Tell whether a path is safe for a file that the code wrote: within its folder, and displayed as what it is."""
    parts = path.split("/")
    return len(path) <= PATH_LIMIT and all(_PART.fullmatch(part) and not part.startswith(".") for part in parts)


def _read_object(payload: bytes) -> dict[str, Any]:
    """Return an object; one that holds more than any reply is refused before it is parsed."""
    try:
        check_structure(payload)
        with collector_paused():
            claim = json.loads(payload.decode())
    except (ValueError, RecursionError) as error:  # the former includes what isn't UTF-8
        raise MalformedReply("a part of its reply is not JSON") from error
    if not isinstance(claim, dict):
        raise MalformedReply("a part of its reply is not an object")
    return claim


def _read_text(claim: Mapping[str, Any], name: str) -> str:
    text = claim.get(name, "")
    if not isinstance(text, str):
        raise MalformedReply("a text in its reply is not a string")
    return text


def _read_line(claim: Mapping[str, Any], name: str, limit: int) -> str:
    """Return the beginning of a text, as one line."""
    return printed(_read_text(claim, name)[:limit]).translate(_ON_ONE_LINE)


def _read_source(claim: Mapping[str, Any]) -> str | None:
    """Return a line of code; what ends lines elsewhere doesn't in Python."""
    if claim.get("source") is None:
        return None
    return printed(_read_text(claim, "source")[:SOURCE_LIMIT]).translate({ord("\n"): " ", ord("\r"): " "})


def _read_hint(claim: Mapping[str, Any]) -> str | None:
    """Return what helps; None if there is nothing to read."""
    if claim.get("hint") is None:
        return None
    return _read_line(claim, "hint", HINT_LIMIT).replace("\t", " ").strip() or None


def _read_number(claim: Mapping[str, Any], name: str, least: int = 0, most: int = NUMBER_LIMIT) -> int:
    number = claim.get(name)
    if type(number) is not int or not least <= number <= most:
        raise MalformedReply("a number in its reply is malformed or too large")
    return number


def _read_place(claim: Mapping[str, Any], name: str) -> int | None:
    """Return a line or column, counted from 1."""
    return None if claim.get(name) is None else _read_number(claim, name, least=1)


def _read_digest(claim: Mapping[str, Any]) -> str | None:
    digest = claim.get("pixels_sha256")
    if digest is not None and not (isinstance(digest, str) and _SHA256.fullmatch(digest)):
        raise MalformedReply("a digest in its reply is malformed")
    return digest


def _read_program_error(claim: Any) -> ProgramError:
    if not isinstance(claim, dict):
        raise MalformedReply("the end of its reply is malformed")
    return ProgramError(
        _read_line(claim, "type", NAME_LIMIT),
        printable(_read_text(claim, "message")[:MESSAGE_LIMIT]),
        _read_place(claim, "line"),
        _read_place(claim, "column"),
        _read_source(claim),
        _read_hint(claim),
    )


def _read_warnings(claim: Any) -> tuple[PythonWarning, ...]:
    if not isinstance(claim, list) or len(claim) > WARNING_LIMIT:
        raise MalformedReply("a warning in its reply is malformed, or there are too many")
    warnings = []
    for entry in claim:
        if not isinstance(entry, list) or len(entry) != 3:  # noqa: PLR2004 - category, message, line
            raise MalformedReply("a warning in its reply is malformed, or there are too many")
        fields = dict(zip(("category", "message", "line"), entry, strict=True))
        message = printable(_read_text(fields, "message")[:SOURCE_LIMIT])
        warnings.append(PythonWarning(_read_line(fields, "category", NAME_LIMIT), message, _read_place(fields, "line")))
    return tuple(warnings)
