#!/bin/sh
# Runs every fuzzer, on its corpus and beyond it, and fails when one finds something. Usage: run.sh BUILD_FOLDER [SECONDS each]
# What was found lies in BUILD_FOLDER/fuzz: the input that crashed NAME can be given to test/fuzz/fuzz_NAME by itself.
set -u
build=${1:?usage: run.sh BUILD_FOLDER [SECONDS]}
seconds=${2:-20}
here=$(dirname "$(readlink -f "$0")")
failed=0

for corpus in "$here"/corpus/*/; do
    name=$(basename "$corpus")
    found=$build/fuzz/$name
    grown=$(mktemp -d) || exit 1
    mkdir -p "$found"
    if "$build/test/fuzz/fuzz_$name" -max_total_time="$seconds" -max_len=8192 -timeout=10 -print_final_stats=1 \
        -artifact_prefix="$found/" "$grown" "$corpus" >"$found/log" 2>&1; then
        verdict=passed
    else
        verdict=FAILED
        failed=1
        grep -v '^#' "$found/log" | tail -n 40
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/log")
    echo "fuzz_$name: $verdict, ${runs:-0} runs"
    [ "${runs:-0}" -gt 0 ] || failed=1
    rm -rf "$grown"
done
exit $failed
