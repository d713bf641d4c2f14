"""For your noxfile.py: `nox -s figures` tells which figures changed. FIGBOX_HOME is a clone of Figbox."""

import os

import nox


@nox.session
def figures(session: nox.Session) -> None:
    """Tell which figures changed."""
    session.install(f"{os.environ['FIGBOX_HOME']}[ci]")
    session.run("figbox", "check", "--local", *session.posargs)
