# SPDX-License-Identifier: MIT
"""Splits lines into fields. A payload on standard input, a result on standard output."""
import json
import sys

print(json.dumps([line.split(",") for line in json.load(sys.stdin)["rows"]]))
