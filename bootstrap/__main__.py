"""`python3 -m bootstrap STEP…` does the named steps of the set-up in this order, each only as far as needed.

It runs under any Python >= 3.11 with the standard library alone. Only the steps that build images need Docker's SDK;
they are run by the virtual environment's Python.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this is what refuses an older one
    sys.exit(
        f"Figbox needs Python >= 3.11, and this is {sys.version.split()[0]}: install a newer one and start "
        "again with `make PYTHON=/path/to/python3 ...`."
    )

from bootstrap.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
