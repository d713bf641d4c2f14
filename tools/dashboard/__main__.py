"""`python -m tools.dashboard > deploy/grafana/figbox.json`: print the dashboard that people import."""

from __future__ import annotations

import sys

from tools.dashboard.model import dashboard_json
from tools.dashboard.rows import ROWS

if __name__ == "__main__":
    sys.stdout.write(dashboard_json(ROWS))
