#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs the build in $1 into a folder of its own, builds the project in $2 against what was
# installed, and runs a job through it.
set -e
build=$1
project=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$build" --prefix "$folder/prefix" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
test "$("$folder/prefix/bin/penstock" --version)" = "$("$build/bin/penstock" --version)"
cmake -G Ninja -S "$project" -B "$folder/build" -DCMAKE_PREFIX_PATH="$folder/prefix" \
  >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
cmake --build "$folder/build" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
export PENSTOCK_STORE="sqlite:$folder/jobs.db"
hello=$folder/build/hello
test "$("$hello" greet)" = "hello you"
test "$(GREETING_NAME=ada "$hello" greet)" = "hello ada"
test "$(GREETING_NAME=ada PENSTOCK_WHOM=bob "$hello" greet)" = "hello bob"
test "$(PENSTOCK_WHOM=bob "$hello" greet --whom cleo)" = "hello cleo"
printf '[hello]\nwhom = "dora"\n' >"$folder/penstock.toml"
test "$("$hello" --config "$folder/penstock.toml" greet)" = "hello dora"
id=$("$hello" submit hello '"world"' --quiet)
"$hello" worker --burst --quiet --log-level error
result=$("$hello" job result "$id")
test "$result" = '"hello world"' || { echo "got $result"; exit 1; }
PYTHONPATH=$folder/prefix/share/penstock/python python3 -B -c 'import penstock; penstock.task'
