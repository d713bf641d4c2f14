"""Print how many figures there are of each verdict in a report of `figbox check --json`, as outputs of a step."""

from __future__ import annotations

import json
import sys
from pathlib import Path

for name, count in json.loads(Path(sys.argv[1]).read_text("utf-8"))["summary"].items():
    if isinstance(count, int) and name.isidentifier():
        sys.stdout.write(f"{name}={count}\n")
