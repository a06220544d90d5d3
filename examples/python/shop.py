# SPDX-License-Identifier: MIT
"""Submits to the tasks of tasks.py and waits: what a web page or another job would do."""
import penstock
import tasks

order = tasks.invoice.delay("Ada", ["lamp", "chair", "lamp"])
urgent = tasks.price.using(priority=9).submit("chair", count=3)
shipped = tasks.ship.using(backoff="fixed:1ms").submit(71)
print(urgent.get(timeout=30))
print(order.get(timeout=30)["total"])
print(shipped.get(timeout=30))
try:
    tasks.price.using(max_attempts=1).submit("sofa").get(timeout=30)
except penstock.JobFailed as failed:
    print("failed:", "KeyError" in str(failed))
