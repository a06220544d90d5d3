# SPDX-License-Identifier: MIT
"""Compares the sum of what was loaded with the control sum, in cents, when there is one."""
import json
import sys

job = json.load(sys.stdin)
loaded, control = job["loaded"], job["control"]
if control is not None and control != loaded["cents"]:
    sys.exit(f"the orders sum up to {loaded['cents']} cents, and should to {control}")
print(json.dumps(loaded))
