#!/usr/bin/env bash
# Checks, and tells the other steps the exit status and how many figures there are of each verdict.
#
# PYTHON, and what ci/steps/check.sh takes; the base may be empty. The rest comes from GitHub.
set -euo pipefail

if [[ $CHECK_MODE == base && -z $CHECK_BASE ]]; then
    if [[ -z ${GITHUB_BASE_REF:-} ]]; then
        echo "mode 'base' needs the input 'base' outside of pull requests" >&2
        exit 2
    fi
    export CHECK_BASE="origin/$GITHUB_BASE_REF"
fi
reports=$CHECK_FOLDER/reports
rm -rf "$reports"
export CHECK_SUMMARY=$GITHUB_STEP_SUMMARY

ending=0
bash "$FIGBOX_HOME/ci/steps/check.sh" || ending=$?
if [[ -f $reports/status ]]; then
    echo "status=$(< "$reports/status")" >> "$GITHUB_OUTPUT"
fi
if [[ -s $reports/check.json ]]; then
    "$PYTHON" -I "$GITHUB_ACTION_PATH/counts.py" "$reports/check.json" >> "$GITHUB_OUTPUT"
fi
exit "$ending"
