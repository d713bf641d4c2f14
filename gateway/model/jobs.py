"""What every layer knows of a job before it runs: its code, its options, its limits and its environment.

Nothing here knows HTTP or the engine. What a job comes to is in `gateway.model.results`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

KiB = 1024
MiB = 1024 * KiB


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may use; every field is enforced from outside the guest.

    Attributes:
        wall_limit_s: Seconds from handing the job over to having the whole reply.
        memory_limit_bytes: Memory of the container, tmpfs included; there is no swap.
        tmpfs_limit_bytes: Size of the working directory; also the largest single file.
        tmpfs_inodes: Files and directories the working directory can hold.
        pids_limit: Processes and threads together.
        cpus: Cores' worth of time, e.g. 1.0.
        output_limit_bytes: Everything the container may write, prints included.
        pixel_limit: Width times height of the picture.
    """

    wall_limit_s: float = 30.0
    memory_limit_bytes: int = 1024 * MiB
    tmpfs_limit_bytes: int = 64 * MiB
    tmpfs_inodes: int = 4096
    pids_limit: int = 64
    cpus: float = 1.0
    output_limit_bytes: int = 16 * MiB
    pixel_limit: int = 50_000_000

    def lowered(self, wall_limit_s: float | None = None, memory_limit_bytes: int | None = None) -> Limits:
        """Return these limits with time and memory brought down to what is given, never up; None leaves one alone."""
        return replace(
            self,
            wall_limit_s=self.wall_limit_s if wall_limit_s is None else min(self.wall_limit_s, wall_limit_s),
            memory_limit_bytes=self.memory_limit_bytes
            if memory_limit_bytes is None
            else min(self.memory_limit_bytes, memory_limit_bytes),
        )


#: What a Matplotlib parameter may be set to.
RcValue = bool | int | float | str | tuple["RcValue", ...]

#: Seconds from the start of a container, or of a worker, until it is ready, where no setting says otherwise. A worker
#: takes 0.1 to 0.4 s where nothing else runs, a runner that imports a second.
START_LIMIT_S = 60.0

#: Name of the environment that is always there.
DEFAULT_ENVIRONMENT = "default"

#: What an environment may be called.
ENVIRONMENT_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"


class Format(StrEnum):
    """What a figure can be saved as; the last three hold the frames of its animation."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"
    JPEG = "jpeg"
    WEBP = "webp"
    GIF = "gif"
    APNG = "apng"
    AWEBP = "awebp"

    @property
    def ending(self) -> str:
        """How a file's name ends; WebP has one ending, whether animated or not, and a figure may be saved as both."""
        return "animated.webp" if self is Format.AWEBP else self.value


class Describe(StrEnum):
    """How much is said of each figure; each level has all that is in those before it.

    `SUMMARY` leaves out boxes of artists, styles, tick labels and the points that are missing; `DATA` adds values. The
    values of parts with names, such as bars and slices, are told at each level.
    """

    NONE = "none"
    SUMMARY = "summary"
    FULL = "full"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class SaveOptions:
    """How figures are saved; without any, as `fig.savefig` does with Matplotlib's own defaults.

    Attributes:
        formats: Each figure is saved in each of them; at least one, none twice.
        all_figures: Every open figure instead of the current one.
        dpi: Dots per inch; None means Matplotlib's own default.
        width_in: Width of the figure in inches, as in `figsize`; None leaves it to the code.
        height_in: Its height, likewise.
        bbox_inches: "tight", or None for the whole canvas.
        transparent: Whether backgrounds are left out.
        style: Names of Matplotlib style sheets, applied in order before the code runs.
        rc: Matplotlib parameters, set after the styles and before the code runs.
        describe: How much is said of each figure; of jobs that collect.
        embed_alt_text: Whether the files of PNG, SVG and PDF get the figure's alternative text.
    """

    formats: tuple[Format, ...] = (Format.PNG,)
    all_figures: bool = False
    dpi: float | None = None
    width_in: float | None = None
    height_in: float | None = None
    bbox_inches: str | None = None
    transparent: bool = False
    style: tuple[str, ...] = ()
    rc: Mapping[str, RcValue] = field(default_factory=dict)
    describe: Describe = Describe.NONE
    embed_alt_text: bool = False


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file beside the code, on its way in or out.

    Attributes:
        name: A path in the working directory, whose folders are separated by `/`; checked.
        data: Its bytes, all of them.
    """

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Job:
    """One submission: the code, what lies beside it, and how its figures are to be saved.

    Attributes:
        code: Python source.
        options: How figures are saved.
        files: Placed in the working directory before the code runs.
        environment: Name of the environment it runs in.
        wall_limit_s: Seconds it may take; None means what the environment allows, as does more than that.
        memory_limit_bytes: Memory it may use, likewise.
        seed: Random state of `random` and NumPy at the start; None leaves it random.
        collect: Whether files, text, warnings and figures without pyplot come back too, and no call waits for a person.
    """

    code: str
    options: SaveOptions = field(default_factory=SaveOptions)
    files: tuple[NamedFile, ...] = ()
    environment: str = DEFAULT_ENVIRONMENT
    wall_limit_s: float | None = None
    memory_limit_bytes: int | None = None
    seed: int | None = None
    collect: bool = False

    def __repr__(self) -> str:
        """Say how long the code is, never what it says: reprs end up in logs."""
        return f"Job(code=<{len(self.code)} chars>, files=<{len(self.files)}>, environment={self.environment!r})"


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """What one environment is: read from its image by our own code before any job, so it can be believed.

    Attributes:
        name: As requests name it.
        image_id: Digest of its image.
        runtime: OCI runtime, "default" for the engine's own.
        limits: What a job may use there.
        versions: Of what decides how pictures look: Python, Matplotlib, NumPy, FreeType and so on, by name.
        packages: Every distribution in the image and its version.
        fonts_sha256: Digest over the image's fonts.
    """

    name: str
    image_id: str
    runtime: str
    limits: Limits
    versions: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    fonts_sha256: str = ""
