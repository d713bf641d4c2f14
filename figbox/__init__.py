"""Client of Figbox: sends Matplotlib code to a gateway and returns what it drew.

What this module exports is the interface; its submodules may change.
"""

from figbox.client import AsyncClient, Client
from figbox.comparison import Change, ChangeKind, Comparison, Verdict, as_document, compare
from figbox.errors import (
    BadDocument,
    BadResponse,
    Busy,
    FigboxError,
    Refused,
    RenderFailed,
    Unauthorized,
    Unreachable,
)
from figbox.model import (
    Environment,
    Fault,
    Figure,
    FigureCount,
    File,
    Finding,
    Limit,
    OptionError,
    Outcome,
    Package,
    Picture,
    Printed,
    Readiness,
    Render,
    RenderWarning,
)
from figbox.options import Options
from figbox.retries import Retries

__all__ = [
    "AsyncClient",
    "BadDocument",
    "BadResponse",
    "Busy",
    "Change",
    "ChangeKind",
    "Client",
    "Comparison",
    "Environment",
    "Fault",
    "FigboxError",
    "Figure",
    "FigureCount",
    "File",
    "Finding",
    "Limit",
    "OptionError",
    "Options",
    "Outcome",
    "Package",
    "Picture",
    "Printed",
    "Readiness",
    "Refused",
    "Render",
    "RenderFailed",
    "RenderWarning",
    "Retries",
    "Unauthorized",
    "Unreachable",
    "Verdict",
    "as_document",
    "compare",
]

__version__ = "0.1.0"
