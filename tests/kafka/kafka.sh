#!/usr/bin/env bash
# kafka.sh: a Kafka cluster of this machine for the tests, from Maven's packages.
#
#   kafka.sh fetch                  the packages, once, into build/kafka; afterwards nothing needs a network
#   kafka.sh up FOLDER [1|3]        starts one node or three, with their data in FOLDER; prints HOST:PORT[,HOST:PORT]...
#   kafka.sh down FOLDER            stops them
#   kafka.sh crash FOLDER N         kills node N (1 to 3) without a word
#   kafka.sh start FOLDER N         starts node N again
#
# TW_KAFKA_VERSION: 4.3.1 (default) or 3.9.2. Nodes listen on loopback only, on free ports that stay theirs as long as FOLDER is
# there. A FOLDER that is there already goes on with its data. TW_KAFKA_MORE names a file of further settings of each node,
# TW_KAFKA_SCRAM a NAME=SECRET that SCRAM knows, TW_KAFKA_HEAP the memory of a node (512m). Exit 77: Java or the packages cannot be had here.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
version="${TW_KAFKA_VERSION:-4.3.1}"
store="$root/build/kafka"
jars="$store/lib-$version"

say() { echo "kafka.sh: $*" >&2; }

fetch() {
  [ -e "$jars/complete" ] && return 0
  command -v java >/dev/null || { say "java is missing; install openjdk-17-jre-headless"; return 77; }
  command -v mvn >/dev/null || { say "mvn is missing; install maven"; return 77; }
  local logging
  case "$version" in
    4.*) logging='<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.3</version></dependency>
         <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>2.25.3</version></dependency>' ;;
    *) logging='<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-reload4j</artifactId><version>1.7.36</version></dependency>' ;;
  esac
  mkdir -p "$store/pom-$version" "$jars"
  awk -v version="$version" -v logging="$logging" '{gsub(/@VERSION@/, version); gsub(/@LOGGING@/, logging); print}' \
    "$here/pom.xml.in" >"$store/pom-$version/pom.xml"
  if ! mvn -B -q -f "$store/pom-$version/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
      -DincludeScope=runtime -DoutputDirectory="$jars" >"$store/fetch-$version.log" 2>&1; then
    say "Kafka $version could not be fetched; see build/kafka/fetch-$version.log"
    return 77
  fi
  touch "$jars/complete"
}

run_java() {  # quick to start: these programs live for a moment
  java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile="$here/log4j2-quiet.properties" \
    -Dlog4j.configuration="file:$here/log4j-quiet.properties" -cp "$jars/*" "$@"
}

free_ports() {  # COUNT
  python3 - "$1" <<'PY'
import socket, sys
probes = [socket.socket() for _ in range(int(sys.argv[1]))]
for probe in probes:
    probe.bind(("127.0.0.1", 0))
print(*(probe.getsockname()[1] for probe in probes))
PY
}

random_id() {  # as Kafka writes them; one that begins with a dash would pass for a flag
  python3 -c 'import base64, uuid; print(base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("="))'
}

prepare() {  # FOLDER COUNT: ports, settings and formatted disks
  local folder="$1" count="$2" replicas=1 insync=1 quorum="" ports node
  [ "$count" -eq 3 ] && replicas=3 insync=2
  read -ra ports <<<"$(free_ports $((2 * count)))"
  local voters="" cluster
  for ((node = 1; node <= count; ++node)); do
    quorum+="${quorum:+,}127.0.0.1:${ports[2 * node - 1]}"
    [ "$count" -eq 1 ] || voters+="${voters:+,}$node@127.0.0.1:${ports[2 * node - 1]}:$(random_id)"
  done
  cluster="TradewindTestsAAAAAAAA"
  for ((node = 1; node <= count; ++node)); do
    mkdir -p "$folder/node$node"
    sed "s|@ID@|$node|g; s|@PORT@|${ports[2 * node - 2]}|g; s|@CONTROLLER@|${ports[2 * node - 1]}|g; s|@QUORUM@|$quorum|g
         s|@REPLICAS@|$replicas|g; s|@INSYNC@|$insync|g; s|@FOLDER@|$folder/node$node|g" \
      "$here/node.properties.in" ${TW_KAFKA_MORE:+"$TW_KAFKA_MORE"} >"$folder/node$node/node.properties"
    local who=(--standalone)
    [ "$count" -eq 1 ] || who=(--initial-controllers "$voters")
    [ -z "${TW_KAFKA_SCRAM:-}" ] ||
      for kind in 256 512; do who+=(--add-scram "SCRAM-SHA-$kind=[name=${TW_KAFKA_SCRAM%%=*},password=${TW_KAFKA_SCRAM#*=}]"); done
    run_java kafka.tools.StorageTool format --cluster-id "$cluster" --config "$folder/node$node/node.properties" "${who[@]}" \
      >"$folder/node$node/format.log" 2>&1 || { say "node $node could not be formatted: $(tail -1 "$folder/node$node/format.log")"; return 1; }
    echo "127.0.0.1:${ports[2 * node - 2]}" >"$folder/node$node/address"
  done
  echo "$count" >"$folder/count"
}

start_node() {  # FOLDER N
  local at="$1/node$2"
  [ -s "$at/output" ] && mv "$at/output" "$at/output.before"
  : >"$at/output"
  local machine=(-Xms256m -Xmx"${TW_KAFKA_HEAP:-512m}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1) other=()
  # The memory of Kafka's own script, the collector that Java takes on one core; what was deleted goes, and before the next measurement.
  if [ -n "${TW_KAFKA_BENCH:-}" ]; then
    machine=(-Xms1g -Xmx1g -XX:+UseSerialGC)
    other=(--override log.cleaner.backoff.ms=15000 --override log.initial.task.delay.ms=30000 --override log.segment.delete.delay.ms=1000)
  fi
  setsid java "${machine[@]}" -Dlog4j2.configurationFile="$here/log4j2.properties" \
    -Dlog4j.configuration="file:$here/log4j.properties" -Dkafka.logs.dir="$at/logs" -cp "$jars/*" \
    kafka.Kafka "$at/node.properties" "${other[@]}" >>"$at/output" 2>&1 </dev/null &
  echo $! >"$at/pid"
}

wait_for_node() {  # FOLDER N
  local at="$1/node$2" tries
  for ((tries = 0; tries < 900; ++tries)); do
    grep -q 'Kafka Server started' "$at/output" && return 0
    kill -0 "$(cat "$at/pid")" 2>/dev/null || { say "node $2 ended: $(tail -3 "$at/output")"; return 1; }
    sleep 0.1
  done
  say "node $2 did not start in 90 s; see $at/output"
  return 1
}

up() {
  local folder="$1" count="${2:-1}" node
  fetch || return $?
  mkdir -p "$folder"
  [ -e "$folder/count" ] || prepare "$folder" "$count"
  count="$(cat "$folder/count")"
  for ((node = 1; node <= count; ++node)); do start_node "$folder" "$node"; done
  for ((node = 1; node <= count; ++node)); do wait_for_node "$folder" "$node"; done
  cat "$folder"/node*/address | paste -sd,
}

down() {  # all are asked at once: one after the other leaves the last without a quorum, and it hangs
  local folder="$1" file tries
  for file in "$folder"/node*/pid; do
    [ -e "$file" ] && kill "$(cat "$file")" 2>/dev/null || true
  done
  for file in "$folder"/node*/pid; do
    [ -e "$file" ] || continue
    for ((tries = 0; tries < 150; ++tries)); do
      kill -0 "$(cat "$file")" 2>/dev/null || break
      sleep 0.1
    done
    kill -9 "$(cat "$file")" 2>/dev/null || true
    rm -f "$file"
  done
}

command="${1:-}"
folder="${2:-}"
case "$command" in up|down|crash|start)
  [ -n "$folder" ] || { say "$command wants a folder"; exit 2; }
  mkdir -p "$folder"
  folder="$(cd "$folder" && pwd)" ;;
esac
case "$command" in
  fetch) fetch ;;
  up) up "$folder" "${3:-1}" ;;
  down) down "$folder" ;;
  crash) kill -9 "$(cat "$folder/node${3:?crash wants the number of a node}/pid")" ;;
  start) start_node "$folder" "${3:?start wants the number of a node}" && wait_for_node "$folder" "$3" ;;
  *) sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
