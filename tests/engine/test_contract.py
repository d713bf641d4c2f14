"""The contract of `POST /render-matplotlib`, line by line, through a live gateway on a real engine."""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.fakes import KEY

if TYPE_CHECKING:
    from tests.support.live import LiveGateway, Response

pytestmark = [pytest.mark.engine, pytest.mark.core, pytest.mark.both_ways, pytest.mark.deployed]


def picture_of(response: Response) -> Image.Image:
    """Return the picture of a response, which must be one."""
    assert response.status == 200, response.body[:2000]
    return Image.open(io.BytesIO(response.body))


def program(code: str) -> str:
    """Return an indented literal as a script."""
    return textwrap.dedent(code).lstrip("\n")


async def test_a_picture_is_served_as_ours(gateway: LiveGateway) -> None:
    """A figure comes back as `image/png` with our headers and no others that matter."""
    response = await gateway.render("plt.plot(np.arange(5))")
    assert response.status == 200
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Server"] == "figbox"
    assert len(response.headers["X-Request-ID"]) == 32
    stages = [part.split(";")[0] for part in response.headers["Server-Timing"].split(", ")]
    assert stages == ["queue", "acquire", "run", "check"]


async def test_figures_are_saved_at_200_dpi(gateway: LiveGateway) -> None:
    """A figure of four inches has 200 pixels an inch; the tight box adds the tick labels outside."""
    picture = picture_of(
        await gateway.render("plt.figure(figsize=(4, 3)).add_axes((0, 0, 1, 1)).imshow(np.eye(2), aspect='auto')")
    )
    assert picture.info["dpi"] == pytest.approx((200, 200), abs=0.1)
    assert 4 * 200 < picture.width < 5 * 200


async def test_the_box_is_tight(gateway: LiveGateway) -> None:
    """What lies outside the figure's canvas is in the picture, because the bounding box is tight."""
    wide = picture_of(await gateway.render("plt.figure(figsize=(2, 2)); plt.plot([1]); plt.figtext(3, .5, 'outside')"))
    assert wide.width > 2 * 200 * 2
    narrow = picture_of(await gateway.render("plt.figure(figsize=(2, 2)).text(.5, .5, 'x')"))
    assert narrow.width < 100


async def test_plt_and_np_are_bound(gateway: LiveGateway) -> None:
    """Code may use `plt` and `np` without importing them, and they are the real modules."""
    response = await gateway.render(
        program("""
            import matplotlib.pyplot, numpy
            assert plt is matplotlib.pyplot and np is numpy
            plt.plot([1])
        """)
    )
    assert response.status == 200


async def test_code_runs_as_main(gateway: LiveGateway) -> None:
    """An ordinary script with a main guard and `plt.show()` gives its picture."""
    response = await gateway.render(
        program("""
            import matplotlib.pyplot as plt
            def main():
                plt.plot([1, 2])
                plt.show()
            if __name__ == "__main__":
                main()
        """)
    )
    assert response.status == 200


async def test_code_may_save_by_itself(gateway: LiveGateway) -> None:
    """A script that calls `savefig` works, and the response is the figure in our own form."""
    response = await gateway.render("plt.plot([1]); plt.savefig('a.png'); plt.savefig('b.svg', dpi=50)")
    assert picture_of(response).info["dpi"] == pytest.approx((200, 200), abs=0.1)


async def test_the_current_figure_is_drawn(gateway: LiveGateway) -> None:
    """Of several figures the current one is drawn: the last made, or the one chosen."""
    two = "plt.figure(figsize=(2, 2)).add_axes((0, 0, 1, 1)); plt.figure(figsize=(6, 1)).add_axes((0, 0, 1, 1))"
    last = picture_of(await gateway.render(two))
    assert last.width > 3 * last.height
    chosen = picture_of(await gateway.render(two + "; plt.figure(1)"))
    assert chosen.width < 2 * chosen.height


async def test_after_closing_one_figure_the_other_is_drawn(gateway: LiveGateway) -> None:
    """When the current figure was closed, the one that becomes current is drawn."""
    response = await gateway.render("plt.figure(figsize=(6, 1)).add_axes((0, 0, 1, 1)); plt.figure(); plt.close()")
    picture = picture_of(response)
    assert picture.width > 3 * picture.height


@pytest.mark.parametrize("code", ["x = 1", "plt.plot([1]); plt.close()", "plt.plot([1]); plt.close('all')"])
async def test_no_figure_is_an_error_that_says_so(gateway: LiveGateway, code: str) -> None:
    """Code that leaves no open figure gets an error that says so, not a blank picture."""
    response = await gateway.render(code)
    assert (response.status, response.json["outcome"]) == (500, "no_figure")
    assert "figure" in response.json["error"]


async def test_an_exception_shows_the_clients_own_lines(gateway: LiveGateway) -> None:
    """The traceback shows the client's frames with line numbers and source, and none of ours."""
    response = await gateway.render(
        program("""
            def inner(values):
                raise ValueError("Simulated error")

            inner([1])
        """)
    )
    error = response.json["error"]
    assert (response.status, response.json["outcome"]) == (500, "program_error")
    assert response.json["request_id"] == response.headers["X-Request-ID"]
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "line 4, in <module>" in error
    assert "    inner([1])" in error
    assert "line 2, in inner" in error
    assert error.rstrip().endswith("ValueError: Simulated error")
    for ours in ("runner", "/opt/", "figbox", "exec("):
        assert ours not in error


async def test_an_exception_inside_a_library_names_the_clients_line(gateway: LiveGateway) -> None:
    """An error that Matplotlib raises is shown at the client's call, with its message."""
    response = await gateway.render("x = [1, 2]\nplt.plot(x, [1, 2, 3])\n")
    assert "line 2, in <module>" in response.json["error"]
    assert "must have same first dimension" in response.json["error"]
    assert "/opt/" not in response.json["error"]


async def test_an_error_in_drawing_is_explained(gateway: LiveGateway) -> None:
    """What only fails when the figure is drawn, outside the client's lines, still says what is wrong."""
    response = await gateway.render(r"plt.title(r'$\frac{1$')")
    assert (response.status, response.json["outcome"]) == (500, "program_error")
    assert "ParseFatalException" in response.json["error"] or "Expected" in response.json["error"]


async def test_a_syntax_error_shows_its_place(gateway: LiveGateway) -> None:
    """A SyntaxError names line and text."""
    response = await gateway.render("x = 1\nplt.plot([1, 2\n")
    assert response.json["outcome"] == "program_error"
    assert "line 2" in response.json["error"]
    assert "plt.plot([1, 2" in response.json["error"]
    assert "SyntaxError" in response.json["error"]


async def test_sys_exit_ends_the_script(gateway: LiveGateway) -> None:
    """`sys.exit()` is a normal end, so the figure drawn before is served."""
    response = await gateway.render("import sys\nplt.plot([1])\nsys.exit()\n1/0\n")
    assert response.status == 200


async def test_sys_exit_with_an_error_is_an_error(gateway: LiveGateway) -> None:
    """`sys.exit("text")` and a non-zero status say that the script failed."""
    for call in ("sys.exit('no data')", "sys.exit(3)"):
        response = await gateway.render(f"import sys\nplt.plot([1])\n{call}\n")
        assert (response.status, response.json["outcome"]) == (500, "program_error")


async def test_prints_do_not_disturb(gateway: LiveGateway) -> None:
    """Whatever a script prints, bytes on the raw descriptor included, its picture comes."""
    response = await gateway.render(
        program("""
            import os, sys
            print("hello"); sys.stdout.buffer.write(bytes(range(256))); os.write(1, b"PE" * 100)
            print("oops", file=sys.stderr)
            plt.plot([1])
        """)
    )
    assert response.status == 200


@pytest.mark.parametrize("code", ["import os; os._exit(0)", "import os; plt.plot([1]); os._exit(3)"])
async def test_no_output_is_no_picture(gateway: LiveGateway, code: str) -> None:
    """A process that ends without a reply gave no picture, whatever its exit status says."""
    response = await gateway.render(code)
    assert (response.status, response.json["outcome"]) == (500, "invalid_output")


#: Guest code that finds the runner's private descriptor and writes what it likes to it.
FORGE = """
import json, os, struct, fcntl, stat
def send(*frames):
    for fd in range(3, 256):
        try:
            if stat.S_ISFIFO(os.fstat(fd).st_mode) and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
                for kind, payload in frames:
                    os.write(fd, struct.pack(">cI", kind, len(payload)) + payload)
        except OSError:
            pass
OK = (b"E", b'{"outcome": "ok"}')
def picture(data, **claim):
    head = json.dumps({"figure": 1, "label": "", "format": "png", "pixels_sha256": None, **claim}).encode()
    return b"P", struct.pack(">H", len(head)) + head + data
"""


@pytest.mark.parametrize(
    "frames",
    [
        'send(picture(b"<html><script>alert(1)</script>"), OK)',
        'send(picture(b"\\x89PNG\\r\\n\\x1a\\n" + bytes(100)), OK)',
        'send(picture(b"<svg/>", format="svg"), OK)',
        'send((b"P", b"\\0"), OK)',
        'send((b"O", b"a print"), OK)',
        'send((b"F", b"\\0\\1f"), OK)',
        'send((b"X", b"?"))',
        "send(OK)",
        'send((b"E", b"[" * 60000))',
        'send((b"E", b\'{"outcome": "time_limit", "error": "lie"}\'))',
        'send(picture(b"a"), picture(b"b"), OK)',
    ],
)
async def test_output_that_is_no_picture_is_not_served(gateway: LiveGateway, frames: str) -> None:
    """Whatever a guest writes to the runner's own descriptor, only a valid PNG is ever served as one."""
    response = await gateway.render(FORGE + frames + "\nos._exit(0)\n")
    assert (response.status, response.json["outcome"]) == (500, "invalid_output")
    assert b"<script>" not in response.body


async def test_a_half_written_answer_is_no_answer(gateway: LiveGateway) -> None:
    """A frame that is shorter than it promises is invalid output, not a hang or a picture."""
    code = FORGE + 'send(picture(b"x" * 10))\n' + "plt.plot([1])\nos._exit(0)\n"
    response = await gateway.render(code)
    assert (response.status, response.json["outcome"]) == (500, "invalid_output")


async def test_guests_text_is_made_printable(gateway: LiveGateway) -> None:
    """Control characters of a guest's message don't reach the client raw, nor the log."""
    response = await gateway.render("raise ValueError('a\\x1b[31mb\\r\\nforged line\\u2028c')")
    assert "\x1b" not in response.json["error"]
    assert "\r" not in response.json["error"]
    assert "forged line" not in gateway.log_text()


async def test_jobs_leave_one_line_each_in_the_log(gateway: LiveGateway) -> None:
    """A job is one JSON line with its id, outcome and milliseconds, and neither code nor key."""
    response = await gateway.render("secret_marker = 1; plt.plot([secret_marker])")
    lines = [line for line in gateway.log_text().splitlines() if response.headers["X-Request-ID"] in line]
    assert len(lines) == 1
    for name in ("outcome", "queue_ms", "acquire_ms", "run_ms", "check_ms", "total_ms"):
        assert f'"{name}"' in lines[0]
    assert "secret_marker" not in gateway.log_text()
    assert KEY not in gateway.log_text()
