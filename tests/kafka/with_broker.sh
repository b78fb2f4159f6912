#!/usr/bin/env bash
# with_broker.sh [--nodes 1|3] COMMAND...: runs COMMAND with TW_KAFKA naming brokers of its own, which end with it. Exit 77: none can be
# had here.
set -uo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
nodes=1
if [ "${1:-}" = --nodes ]; then
  nodes="$2"
  shift 2
fi
folder="$(mktemp -d "${TMPDIR:-/tmp}/tradewind-kafka-XXXXXX")"
end() {
  "$here/kafka.sh" down "$folder"
  rm -rf "$folder"
}
trap end EXIT
trap 'exit 130' INT TERM
TW_KAFKA="$("$here/kafka.sh" up "$folder" "$nodes")" || { code=$?; echo "skipped: no broker could be started" >&2; exit $code; }
export TW_KAFKA TW_KAFKA_FOLDER="$folder"
"$@"
