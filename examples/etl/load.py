# SPDX-License-Identifier: MIT
"""Loads what is left."""
import json
import sys

rows = [row for row in json.load(sys.stdin)["rows"] if row]
print(json.dumps({"loaded": len(rows), "names": [row["name"] for row in rows]}))
