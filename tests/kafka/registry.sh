#!/usr/bin/env bash
# registry.sh: a schema registry that is not ours, for the tests: Apicurio's, by its Confluent-compatible API.
#
#   registry.sh fetch          the program, once, into build/registry; afterwards nothing needs a network
#   registry.sh up FOLDER      starts it, with its schemas in memory; prints the address of its API
#   registry.sh start FOLDER   starts it again at the same port; what it held is gone
#   registry.sh down FOLDER    stops it
#
# TW_REGISTRY_VERSION: 3.3.3 where a Java of 21 or later is found, else 2.6.13.Final, which runs on 17. It listens on loopback only, on
# free ports. Exit 77: Java or the program cannot be had here.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
store="$root/build/registry"

say() { echo "registry.sh: $*" >&2; }

java_release() {  # PROGRAM: 17
  "$1" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -1
}

# The newest Java of this machine.
java="" release=0
for program in "${JAVA_HOME:+$JAVA_HOME/bin/java}" "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
  [ -n "$program" ] && [ -x "$program" ] || continue
  found="$(java_release "$program")"
  [ "${found:-0}" -gt "$release" ] && java="$program" release="$found"
done
version="${TW_REGISTRY_VERSION:-$([ "$release" -ge 21 ] && echo 3.3.3 || echo 2.6.13.Final)}"
program="$store/$version"

fetch() {
  [ -e "$program/complete" ] && return 0
  [ "$release" -ge 17 ] || { say "Java 17 or later is missing; install openjdk-17-jre-headless"; return 77; }
  command -v mvn >/dev/null || { say "mvn is missing; install maven"; return 77; }
  mkdir -p "$program"
  if ! mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -Dmdep.useBaseVersion=true \
      -Dartifact="io.apicurio:apicurio-registry-app:$version:tar.gz:all" -DoutputDirectory="$store" >"$store/fetch-$version.log" 2>&1; then
    say "Apicurio Registry $version could not be fetched; see build/registry/fetch-$version.log"
    return 77
  fi
  tar xzf "$store/apicurio-registry-app-$version-all.tar.gz" -C "$program"
  rm -f "$store/apicurio-registry-app-$version-all.tar.gz"
  touch "$program/complete"
}

start() {  # FOLDER
  local folder="$1" port health jar tries
  read -r port health <"$folder/ports"
  case "$version" in
    2.*) jar="$program/apicurio-registry-app-$version-runner.jar" health="$port" ;;
    *) jar="$program/quarkus-run.jar" ;;
  esac
  APICURIO_DATASOURCE_JDBC_INITIAL_SIZE=2 APICURIO_DATASOURCE_JDBC_MIN_SIZE=2 setsid "$java" -Xmx384m -XX:+UseSerialGC \
    -XX:TieredStopAtLevel=1 -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$port" -Dquarkus.management.host=127.0.0.1 \
    -Dquarkus.management.port="$health" -jar "$jar" >>"$folder/output" 2>&1 </dev/null &
  echo $! >"$folder/pid"
  for ((tries = 0; tries < 900; ++tries)); do
    curl -sf -o /dev/null "http://127.0.0.1:$health/health/ready" && break
    kill -0 "$(cat "$folder/pid")" 2>/dev/null || { say "it ended: $(tail -3 "$folder/output")"; return 1; }
    sleep 0.1
  done
  # It compares nothing before somebody says at which level.
  curl -sf -o /dev/null -X PUT -H 'content-type: application/vnd.schemaregistry.v1+json' -d '{"compatibility":"BACKWARD"}' \
    "http://127.0.0.1:$port/apis/ccompat/v7/config" || { say "it did not start in 90 s; see $folder/output"; return 1; }
  echo "http://127.0.0.1:$port/apis/ccompat/v7"
}

up() {  # FOLDER
  fetch || return $?
  python3 - >"$1/ports" <<'PY'
import socket
probes = [socket.socket() for _ in range(2)]
for probe in probes:
    probe.bind(("127.0.0.1", 0))
print(*(probe.getsockname()[1] for probe in probes))
PY
  start "$1"
}

down() {  # FOLDER
  local pid tries
  [ -e "$1/pid" ] || return 0
  pid="$(cat "$1/pid")"
  kill "$pid" 2>/dev/null || true
  for ((tries = 0; tries < 100; ++tries)); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$1/pid"
}

command="${1:-}"
folder="${2:-}"
case "$command" in up|start|down)
  [ -n "$folder" ] || { say "$command wants a folder"; exit 2; }
  mkdir -p "$folder"
  folder="$(cd "$folder" && pwd)" ;;
esac
case "$command" in
  fetch) fetch ;;
  up) up "$folder" ;;
  start) start "$folder" ;;
  down) down "$folder" ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
