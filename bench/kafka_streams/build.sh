#!/usr/bin/env bash
# build.sh FOLDER: builds the Kafka Streams program into FOLDER, once, with Maven's packages; prints its class path. Exit 77: Java or
# Maven is missing, or the packages cannot be had.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
folder="${1:?build.sh wants a folder}"
for tool in javac mvn; do
  command -v "$tool" >/dev/null || { echo "build.sh: $tool is missing; install openjdk-17-jdk-headless and maven" >&2; exit 77; }
done
mkdir -p "$folder"
folder="$(cd "$folder" && pwd)"
source="$here/src/main/java/tradewind/bench/FiveQueries.java"
if [ ! -e "$folder/complete" ] || [ "$source" -nt "$folder/complete" ] || [ "$here/pom.xml" -nt "$folder/complete" ]; then
  if ! mvn -B -q -f "$here/pom.xml" -Dbuilt="$folder" compile \
      org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DincludeScope=runtime \
      -DoutputDirectory="$folder/lib" >"$folder/build.log" 2>&1; then
    echo "build.sh: the Kafka Streams program could not be built; see $folder/build.log" >&2
    exit 77
  fi
  touch "$folder/complete"
fi
echo "$folder/classes:$folder/lib/*"
