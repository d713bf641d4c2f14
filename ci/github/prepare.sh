#!/usr/bin/env bash
# Tells the other steps of the action where things are, and by which name the cache has the images.
#
# CHECK_ENVIRONMENTS: as in image.sh. The rest comes from GitHub.
set -euo pipefail

home=$(cd "$GITHUB_ACTION_PATH/../.." && pwd)
{
    echo "home=$home"
    echo "folder=$RUNNER_TEMP/figbox"
    echo "key=$(FIGBOX_HOME=$home bash "$home/ci/steps/image.sh" key)"
} >> "$GITHUB_OUTPUT"
