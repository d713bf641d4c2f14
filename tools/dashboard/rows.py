"""What the dashboard shows, row by row."""

from __future__ import annotations

from tools.dashboard import balancer, inside, serving

ROWS = (*serving.ROWS, *inside.ROWS, balancer.BALANCER)
