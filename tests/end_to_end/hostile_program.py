# SPDX-License-Identifier: MIT
"""A program that does what it is told, good or bad: {"do": NAME, ...}.

Told by its input, it does one thing and ends; with --persistent it speaks the protocol, by hand,
one line of JSON at a time.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time


def work(job, say):
    """A result, out of what the job says and where it runs."""
    say(f"at work on {job.get('n')}")
    return {"n": job.get("n"), "pid": os.getpid()}


def surroundings(_job, _say):
    return {name: value for name, value in os.environ.items() if name.startswith("PENSTOCK_")}


def meet(job, _say):
    """Computes until another one of these does so at the same time."""
    folder, start = pathlib.Path(job["folder"]), time.monotonic()
    (folder / f"{os.getpid()}.met").touch()
    while len(list(folder.glob("*.met"))) < 2:
        sum(range(1000))
    return {"pid": os.getpid(), "start": start, "end": time.monotonic()}


def hang(_job, say):
    """Hangs, and so does a child of it."""
    say(f"child {subprocess.Popen(['sleep', '300']).pid} of {os.getpid()}")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(300)


def leave_a_child(job, say):
    say(f"child {subprocess.Popen(['sleep', '300']).pid} of {os.getpid()}")
    return work(job, lambda line: None)


def die(job, say):
    say("about to die")
    os.kill(os.getpid(), job["signal"])
    time.sleep(300)


def leave(job, say):
    say("about to leave")
    sys.stdout.flush()
    os._exit(job["code"])


def first_leave(job, say):
    """Asks to be run later, the first time."""
    mark = pathlib.Path(job["mark"])
    if not mark.exists():
        mark.touch()
        leave({"code": 75}, say)
    return int(os.environ["PENSTOCK_ATTEMPT"])


def eat(_job, _say):
    return len(bytearray(1 << 31))


def burn(_job, _say):
    while True:
        pass


def flood(_job, _say):
    while True:
        os.write(1, b"x" * 65536)


def babble(_job, _say):
    print("Hello, I am no protocol", flush=True)
    time.sleep(300)


def large(job, _say):
    return "x" * job["bytes"]


DEEDS = {deed.__name__: deed for deed in (
    work, surroundings, meet, hang, leave_a_child, die, leave, first_leave, eat, burn, flood,
    babble, large)}


def once():
    job = json.load(sys.stdin)
    print(json.dumps(DEEDS[job["do"]](job, lambda line: print(line, file=sys.stderr, flush=True))))


def forever():
    def tell(message):
        print(json.dumps(message), flush=True)

    tell({"penstock": 1, "tasks": ["stay"]})
    for line in sys.stdin:
        job = json.loads(line)
        if "cancel" in job:
            continue
        try:
            result = DEEDS[job["payload"]["do"]](
                job["payload"], lambda text, job=job: tell({"id": job["id"], "log": text}))
            tell({"id": job["id"], "result": result})
        except MemoryError:
            tell({"id": job["id"], "error": {"message": "MemoryError", "retry": False}})
    if "MARK" in os.environ:
        pathlib.Path(os.environ["MARK"]).touch()


if __name__ == "__main__":
    if "--persistent" in sys.argv:
        forever()
    else:
        once()
