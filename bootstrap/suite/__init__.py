"""Runs a project's own pytest suite in the image for suites: the pinned renderer, with pytest and pytest-mpl.

Theory of operation. `python -m bootstrap.suite` makes what is missing, as the set-up does: the virtual environment, an
engine, the runner image, the image for suites, and a folder with what else the suite imports. Then it becomes
`docker run`, so that the terminal, signals and the exit status are the container's, with nothing in between. The
project is mounted at its own path, so paths mean the same on both sides.

The code is the user's own and trusted: the container keeps the suite's surroundings the same everywhere, and it isn't
the sandbox that the gateway's jobs are in.
"""
