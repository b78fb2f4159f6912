#!/usr/bin/env bash
# Each fuzz target has a bug planted in it and must find it. planted.sh [SECONDS, default 60]; run from the root.
set -uo pipefail
seconds="${1:-60}"
targets="avro_fuzz json_fuzz journal_fuzz sql_fuzz http_fuzz"
build=build/fuzz-planted
mkdir -p build
cmake --preset fuzz -B $build -DTW_PLANTED_BUG=ON >build/configure-planted.log 2>&1 &&
  cmake --build $build --target $targets >build/build-planted.log 2>&1 || { tail -40 build/build-planted.log >&2; exit 1; }
found=0 missed=0
for name in $targets; do
  mkdir -p "$build/corpus/$name"
  seeds=("$build/corpus/$name")
  [ -d "tests/fuzz/seeds/$name" ] && seeds+=("tests/fuzz/seeds/$name")
  began=$(date +%s%N)
  "$build/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 -seed=1 \
    -artifact_prefix="$build/" "${seeds[@]}" >"$build/$name.log" 2>&1
  code=$?
  took=$((($(date +%s%N) - began) / 1000000))
  runs=$(grep -oE '^#[0-9]+' "$build/$name.log" | tail -1)
  if [ $code -ne 0 ] && grep -q "libFuzzer: deadly signal" "$build/$name.log"; then
    found=$((found + 1)); verdict="found after $((took / 1000)).$(printf %03d $((took % 1000))) s"
  else
    missed=$((missed + 1)); verdict="NOT FOUND in $seconds s"
  fi
  printf '%-14s %-24s last count %s\n' "$name" "$verdict" "${runs:-#0}"
done
echo "$found passed, $missed failed"
[ $missed -eq 0 ]
