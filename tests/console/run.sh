#!/bin/sh
# Starts console.mjs where Node is there.
command -v node >/dev/null || { echo "skipped: Node is not there; ./test installs it where Debian's packages can be reached"; exit 77; }
exec node "$(dirname "$0")/console.mjs" "$@"
