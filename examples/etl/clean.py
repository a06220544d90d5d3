# SPDX-License-Identifier: MIT
"""Makes a record of one row; a row without a name is refused."""
import json
import sys

name, age = json.load(sys.stdin)
if not name:
    sys.exit("a row has no name")
print(json.dumps({"name": name, "age": int(age)}))
