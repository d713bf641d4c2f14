"""The old way, as a server that runs code by `exec` in its own process: `python -m benchmarks.contenders.old_way PORT`.

It shows the least that drawing costs. There is no isolation: a program can do whatever the server can. The server ends
when its stdin does, so it can't outlive the benchmark.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys

import matplotlib as mpl
from aiohttp import web

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np


async def render(request: web.Request) -> web.Response:
    """Draw the current figure of the code; blocks the loop, as pyplot is not made for threads."""
    code = (await request.json())["code"]
    picture = io.BytesIO()
    try:
        exec(compile(code, "plot.py", "exec"), {"plt": plt, "np": np, "__name__": "__main__"})  # noqa: S102 - its point
        plt.gcf().savefig(picture, format="png", dpi=200, bbox_inches="tight")
    finally:
        plt.close("all")
    return web.Response(body=picture.getvalue(), content_type="image/png")


async def serve(port: int) -> None:
    """Serve until stdin ends."""
    app = web.Application()
    app.router.add_post("/render-matplotlib", render)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    ended = asyncio.Event()

    def notice_end() -> None:
        if not os.read(0, 4096):
            ended.set()

    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), notice_end)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await ended.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
