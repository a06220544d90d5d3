# SPDX-License-Identifier: MIT
"""Makes an order of one row, its amount in cents; what cannot be one is refused."""
import decimal
import json
import sys

row = json.load(sys.stdin)
customer = row["customer"].strip()
if not customer:
    sys.exit(f"no customer in order {row['order']}")
try:
    cents = int(decimal.Decimal(row["amount"].strip()) * 100)
except decimal.InvalidOperation:
    sys.exit(f"no number in order {row['order']}: {row['amount']!r}")
print(json.dumps({"order": int(row["order"]), "customer": customer, "cents": cents}))
