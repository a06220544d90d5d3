# SPDX-License-Identifier: MIT
"""Tasks of a small shop. A worker runs this file, any number of processes of it:

    penstock worker --persistent \\
        --exec 'price=python3 tasks.py' --exec 'invoice=python3 tasks.py' \\
        --exec 'ship=python3 tasks.py'

`penstock` is clients/python/penstock.py, copied beside this file or found in PYTHONPATH.
"""
import penstock


@penstock.task
def price(item: str, count: int = 1) -> float:
    return count * {"lamp": 24.5, "chair": 80.0}[item]


@penstock.task(max_attempts=5, no_retry_for=(ValueError,))
def invoice(customer: str, items: list) -> dict:
    job = penstock.current()
    total = 0.0
    for number, item in enumerate(items, 1):
        total += price(item)  # A task is a function, too.
        job.progress(number / len(items), f"{number} of {len(items)}")
    print(f"invoice for {customer}: {total}")  # In the job's log.
    return {"customer": customer, "total": total}


@penstock.task(timeout=60)
def ship(order: int) -> str:
    if penstock.current().attempt == 1:
        raise ConnectionError("the carrier does not answer")  # Tried again by the back-off.
    return f"order {order} is on its way"


if __name__ == "__main__":
    penstock.run()
