#!/usr/bin/env bash
# Installs the client, with what `figbox check` may need, from hash-locked requirements, into an environment of its own:
# the project's Python stays as it is.
#
# PYTHON: a Python >= 3.11. FIGBOX_HOME: the clone. CHECK_FOLDER: a folder for the environment and for reports.
set -euo pipefail

: "${PYTHON:?}" "${FIGBOX_HOME:?}" "${CHECK_FOLDER:?}"
mkdir -p "$CHECK_FOLDER"
"$PYTHON" -m venv "$CHECK_FOLDER/venv"
pip=("$CHECK_FOLDER/venv/bin/python" -m pip --disable-pip-version-check --quiet install)
"${pip[@]}" --require-hashes -r "$FIGBOX_HOME/requirements/client.txt" -r "$FIGBOX_HOME/requirements/ci.txt"
"${pip[@]}" --no-deps "$FIGBOX_HOME"
"$CHECK_FOLDER/venv/bin/figbox" --version
