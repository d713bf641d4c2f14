#!/usr/bin/env bash
# The images that draw, and a CI's cache.
#
#   image.sh key           prints a name for what they are made of
#   image.sh load FILE     gives them to the engine, if FILE is there
#   image.sh save FILE     writes them to FILE, uncompressed, since caches compress
#
# A cache that is stale or broken does no harm: `figbox up` builds what isn't as the clone says.
#
# FIGBOX_HOME: the clone. CHECK_ENVIRONMENTS: names of environments besides the default one, parted by spaces.
# FIGBOX_IMAGE: the name of the default one's image, with its tag.
set -euo pipefail

: "${FIGBOX_HOME:?}"
read -ra environments <<< "${CHECK_ENVIRONMENTS:-}"
runner=${FIGBOX_IMAGE:-figbox-runner:latest}
tags=("$runner")
for name in "${environments[@]}"; do
    [[ $name =~ ^[a-z][a-z0-9-]*$ ]] || { echo "'$name' can't be an environment" >&2; exit 2; }
    [[ $name == default ]] || tags+=("${runner%:*}-$name:${runner##*:}")
done

case ${1:-} in
key)
    cd "$FIGBOX_HOME"
    digest=$(find runner-image bootstrap/images -type f -not -path '*/__pycache__/*' -print0 | LC_ALL=C sort -z |
        xargs -0 sha256sum | sha256sum | cut -c 1-32)
    echo "figbox-$(uname -m)-$digest-${environments[*]:-default}" | tr ' ' +
    ;;
load)
    if [[ -f ${2:?} ]]; then
        docker load --quiet --input "$2" || echo "the cached images can't be used, and are built" >&2
    fi
    ;;
save)
    mkdir -p "$(dirname "${2:?}")"
    docker save --output "$2" "${tags[@]}"
    ;;
*)
    echo "image.sh key | load FILE | save FILE" >&2
    exit 2
    ;;
esac
