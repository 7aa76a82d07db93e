#!/usr/bin/env bash
# readme.sh FILE: runs what a document shows in its ```sh blocks, in order and in one shell, as its reader would. It installs and writes to /etc,
# so only on a machine that is there for it (scripts/debian.sh).
set -euo pipefail
commands=$(awk '/^```sh$/ {on = 1; next} /^```$/ {on = 0; next} on' "$1")
[ -n "$commands" ] || { echo "$1 shows no commands" >&2; exit 1; }
exec bash -euxo pipefail -c "$commands"
