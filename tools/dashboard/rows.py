"""What the dashboard shows, row by row."""

from __future__ import annotations

from tools.dashboard import inside, serving

ROWS = (*serving.ROWS, *inside.ROWS)
