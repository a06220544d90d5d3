#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs the greeting example as its header says, on a database of its own.
set -e
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PENSTOCK_STORE="sqlite:$folder/jobs.db"
id=$("$program" submit greet '{"name":"you","times":2}' --quiet)
"$program" worker --burst --quiet --log-level error
result=$("$program" job result "$id")
test "$result" = '"hello you, hello you"' || { echo "got $result"; exit 1; }
"$program" job logs "$id" | grep -q 'greeted you'
