#!/usr/bin/env bash
# Installs the client, with what `figbox check` may need, from hash-locked requirements, into an environment of its own:
# the project's Python stays as it is.
#
# The working directory is the project, perhaps a stranger's: Python is run with -I, or `venv.py` and `pip/` of the
# project would be run in place of its own modules. And a repository may have brought the folder along.
#
# PYTHON: a Python >= 3.11. FIGBOX_HOME: the clone. CHECK_FOLDER: a folder for the environment and for reports.
set -euo pipefail

: "${PYTHON:?}" "${FIGBOX_HOME:?}" "${CHECK_FOLDER:?}"
[[ ! -L $CHECK_FOLDER ]] || { echo "$CHECK_FOLDER is a symbolic link" >&2; exit 2; }
mkdir -p "$CHECK_FOLDER"
rm -rf -- "$CHECK_FOLDER/venv" "$CHECK_FOLDER/reports"
"$PYTHON" -I -m venv "$CHECK_FOLDER/venv"
pip=("$CHECK_FOLDER/venv/bin/python" -I -m pip --disable-pip-version-check --quiet install)
"${pip[@]}" --require-hashes -r "$FIGBOX_HOME/requirements/client.txt" -r "$FIGBOX_HOME/requirements/ci.txt"
# What builds the client's wheel is run, too: it is the locked one, not what an index has today.
"${pip[@]}" --require-hashes -r <(sed -n '/^setuptools==/,/# via/p' "$FIGBOX_HOME/requirements/dev.txt")
"${pip[@]}" --no-deps --no-build-isolation "$FIGBOX_HOME"
"$CHECK_FOLDER/venv/bin/figbox" --version
