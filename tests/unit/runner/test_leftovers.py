"""Calls for a window or a keyboard that people leave in scripts don't hang, and the figure is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.runner import size_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.runner import Reply

ENDLESS_ANIMATION = """
from matplotlib.animation import FuncAnimation
fig, ax = plt.subplots()
a = FuncAnimation(fig, lambda n: ax.plot([n]), frames=10**9, interval=1, cache_frame_data=False); plt.show()
"""
NOBODY = "\nNobody is there to answer: plot.py runs without input, so give it the values it asks for.\n"


@pytest.mark.parametrize(
    "code",
    [
        "plt.ion(); plt.plot([1]); plt.draw(); plt.ioff()",
        "plt.plot([1]); plt.show(block=True); plt.show()",
        "plt.plot([1]); plt.pause(3600)",
        "fig, ax = plt.subplots()\nfor n in range(100): ax.plot([n]); plt.draw(); plt.pause(60)",
        "plt.plot([1]); assert plt.ginput(1, timeout=-1) == []",
        "plt.plot([1]); assert plt.ginput(timeout=0) == []",
        "plt.plot([1]); assert plt.waitforbuttonpress() is None",
        "plt.plot([1]); plt.gcf().waitforbuttonpress(timeout=-1)",
        "plt.plot([1]); plt.gcf().canvas.start_event_loop()",
        "plt.plot([1]); plt.gcf().show()",
        "plt.plot([1]); plt.get_current_fig_manager().full_screen_toggle()",
        "plt.plot([1]); plt.gcf().canvas.mpl_connect('button_press_event', print)",
        "plt.plot([1]); plt.gcf().canvas.manager.set_window_title('t')",
        "fig, ax = plt.subplots(); c = ax.contour(np.eye(5)); c.clabel(manual=True)",
        "from matplotlib.widgets import Slider\nfig, ax = plt.subplots(); s = Slider(ax, 's', 0, 1); plt.show()",
        ENDLESS_ANIMATION,
        "import matplotlib; matplotlib.use('Agg', force=True); plt.plot([1])",
        "import io; plt.plot([1]); b = io.BytesIO(); plt.savefig(b); assert b.getvalue().startswith(b'\\x89PNG')",
        "plt.plot([1]); plt.savefig('a.svg'); plt.gcf().savefig('a.jpg', dpi=10)",
        "with plt.xkcd(): plt.plot([1, 2])",
        "import threading; t = threading.Timer(3600, print); t.daemon = True; t.start(); plt.figure()",
    ],
)
def test_it_ends_and_draws(collect: Callable[..., Reply], code: str) -> None:
    """Waiting for a person ends at once, as after a timeout."""
    reply = collect(code)
    assert reply.end["outcome"] == "ok", reply.end
    assert size_of(reply.png) == (320, 240)


@pytest.mark.parametrize(
    "call", ["input('How many? ')", "input()", "int(input())", "import getpass; getpass.getpass()"]
)
def test_a_question_to_an_absent_user_is_told(collect: Callable[..., Reply], call: str) -> None:
    """Code that asks for text fails at once, with its line and a reason."""
    reply = collect(f"plt.plot([1])\nn = 1; {call}\n")
    assert reply.end["outcome"] == "program_error"
    assert (reply.end["fault"]["type"], reply.end["fault"]["line"]) == ("EOFError", 2)
    assert reply.end["error"].endswith(NOBODY)


def test_the_old_interface_tells_first_what_it_did(draw: Callable[..., Reply]) -> None:
    """Without collecting the error is the traceback, with what helps behind it."""
    traceback, _, helpful = draw("input()").end["error"].partition("\n\n")
    assert traceback.endswith("EOFError: EOF when reading a line")
    assert helpful.startswith("Nobody is there to answer")


def test_a_breakpoint_ends_the_program(collect: Callable[..., Reply]) -> None:
    """A debugger without input quits."""
    reply = collect("plt.plot([1])\nbreakpoint()\nx = 1\n")
    assert reply.end["outcome"] == "program_error"
    assert reply.end["fault"]["type"] == "BdbQuit"


def test_show_shows_the_state_at_the_end(collect: Callable[..., Reply]) -> None:
    """The picture is the figure at the end of the program, not at a call of show."""
    shown = collect("plt.plot([1, 2]); plt.show(); plt.title('later')")
    assert shown.png == collect("plt.plot([1, 2]); plt.title('later')").png
    assert shown.stderr == ""
