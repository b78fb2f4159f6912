#!/usr/bin/env bash
# Thirteen deliberate faults of the commit path and of recovery: each must make a test fail. mutants.sh BUILD_DIR
set -uo pipefail
build="${1:?mutants.sh BUILD_DIR (one made with -DTW_MUTANTS=ON)}"
names=("" "places are not in the commit" "state frames are not in the commit" "outputs are committed before frames and places"
  "stream time is not restored" "restored places are one record too far" "a snapshot trims before it is complete"
  "a snapshot ends after its first slice" "half an atomic group is taken at recovery" "producers' sequences are not kept"
  "a fenced transaction commits" "readers are given what was rewritten before it is durable"
  "segments go before it is on the disk why" "tombstones go at once")
missed=0
TW_MUTANT=0 "$build/tests/simulate_test" >/dev/null 2>&1 && TW_MUTANT=0 "$build/src/log_test" >/dev/null 2>&1 ||
  { echo "the tests fail without any mutant"; exit 1; }
for n in $(seq 1 13); do
  caught=""
  TW_MUTANT=$n timeout 120 "$build/tests/simulate_test" >"$build/mutant-$n.log" 2>&1 || caught="simulate_test"
  [ -n "$caught" ] || TW_MUTANT=$n timeout 120 "$build/src/log_test" >"$build/mutant-$n.log" 2>&1 || caught="log_test"
  printf '%2d %-50s %s\n' "$n" "${names[$n]}" "${caught:+caught by $caught}"
  [ -n "$caught" ] || { missed=$((missed + 1)); echo "   NOT CAUGHT"; }
done
echo "$((13 - missed)) passed, $missed failed"
[ $missed -eq 0 ]
