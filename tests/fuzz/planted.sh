#!/usr/bin/env bash
# What each fuzz target feeds has a bug planted in it (planted() in src), which the target must find. planted.sh
# [SECONDS, default 60]; run from the root.
set -uo pipefail
seconds="${1:-60}"
targets="avro_fuzz json_fuzz journal_fuzz sql_fuzz http_fuzz"
build=build/fuzz
mkdir -p build
cmake --preset fuzz >build/configure-fuzz.log 2>&1 &&
  cmake --build $build --target $targets >build/build-fuzz.log 2>&1 || { tail -40 build/build-fuzz.log >&2; exit 1; }
export TW_PLANTED_BUG=1
found=0 missed=0
for name in $targets; do
  # From nothing but the seeds: what an earlier run found would make it easy.
  rm -rf "$build/planted/$name" && mkdir -p "$build/planted/$name"
  arguments=("$build/planted/$name")
  [ -d "tests/fuzz/seeds/$name" ] && arguments+=("tests/fuzz/seeds/$name")
  [ -f "tests/fuzz/dictionaries/$name" ] && arguments+=("-dict=tests/fuzz/dictionaries/$name")
  began=$(date +%s%N)
  "$build/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 -seed=1 \
    -artifact_prefix="$build/planted/" "${arguments[@]}" >"$build/planted/$name.log" 2>&1
  code=$?
  took=$((($(date +%s%N) - began) / 1000000))
  runs=$(grep -oE '^#[0-9]+' "$build/planted/$name.log" | tail -1)
  if [ $code -ne 0 ] && grep -qE "^SUMMARY: (AddressSanitizer|UndefinedBehaviorSanitizer|libFuzzer: deadly signal)" "$build/planted/$name.log"; then
    found=$((found + 1)); verdict="found after $((took / 1000)).$(printf %03d $((took % 1000))) s"
  else
    missed=$((missed + 1)); verdict="NOT FOUND in $seconds s"
  fi
  printf '%-14s %-24s last count %s\n' "$name" "$verdict" "${runs:-#0}"
done
echo "$found passed, $missed failed"
[ $missed -eq 0 ]
