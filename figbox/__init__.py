"""Client of Figbox: sends Matplotlib code to a gateway and returns what it drew.

What this module exports is the interface; its submodules may change.
"""

from figbox.client import AsyncClient, Client
from figbox.errors import (
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
    "BadResponse",
    "Busy",
    "Client",
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
]

__version__ = "0.1.0"
