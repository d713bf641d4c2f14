#!/usr/bin/env bash
# Starts a service, checks figures, ends the service, and leaves what was found in $CHECK_FOLDER/reports.
#
# All that is given comes by variables, so that no name of a branch or a file is ever read as shell or as an option.
#
# CHECK_FOLDER: as in install.sh. FIGBOX_HOME: the clone.
# CHECK_PATHS: what to check, one on a line; empty for what figbox.toml includes.
# CHECK_MODE: `accepted` or `base`. CHECK_BASE: the git state for `base`.
# CHECK_ENVIRONMENT: draws every figure, if given. CHECK_ENVIRONMENTS: what the service is to have, parted by spaces.
# CHECK_FAIL_ON: `changes`, `failures` (figures may change), or `nothing` (code may fail, too); the service must not.
# CHECK_ARGUMENTS: more options of `figbox check`, one on a line.
# CHECK_SUMMARY: a file to append a summary in Markdown to.
set -euo pipefail

: "${CHECK_FOLDER:?}" "${FIGBOX_HOME:?}"
figbox=$CHECK_FOLDER/venv/bin/figbox
reports=$CHECK_FOLDER/reports
mkdir -p "$reports"

refuse() {
    echo "$1" >&2
    exit 2
}

options=(--report "$reports/report.html" --junit "$reports/check.xml" --summary "${CHECK_SUMMARY:-$reports/check.md}")
case ${CHECK_MODE:=accepted} in
accepted) ;;
base) options+=("--base=${CHECK_BASE:?names the git state to compare with}") ;;
*) refuse "mode must be accepted or base, not '$CHECK_MODE'" ;;
esac
case ${CHECK_FAIL_ON:=changes} in
changes) ;;
failures | nothing) options+=(--exit-zero) ;;
*) refuse "fail-on must be changes, failures or nothing, not '$CHECK_FAIL_ON'" ;;
esac
[[ -z ${CHECK_ENVIRONMENT:-} ]] || options+=("--environment=$CHECK_ENVIRONMENT")
while IFS= read -r line; do
    [[ -z $line ]] || options+=("$line")
done <<< "${CHECK_ARGUMENTS:-}"
options+=(--)
while IFS= read -r line; do
    [[ -z $line ]] || options+=("$line")
done <<< "${CHECK_PATHS:-}"

read -ra environments <<< "${CHECK_ENVIRONMENTS:-}"
up=(--format env)
for name in "${environments[@]}"; do up+=("--environment=$name"); done
trap '"$figbox" down' EXIT
service=$("$figbox" up "${up[@]}")
while IFS= read -r line; do export "${line?}"; done <<< "$service"

status=0
"$figbox" check --json "${options[@]}" > "$reports/check.json" || status=$?
echo "$status" > "$reports/status"
if [[ $status == 1 && $CHECK_FAIL_ON == nothing ]]; then status=0; fi
exit "$status"
