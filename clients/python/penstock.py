# SPDX-License-Identifier: MIT
"""Penstock for Python: write tasks, submit jobs, wait for results.

One file on the standard library alone, for Python 3.9 and later; copy it beside your program.

    # tasks.py
    import penstock

    @penstock.task(max_attempts=5)
    def add(x: int, y: int) -> int:
        return x + y

    if __name__ == "__main__":
        penstock.run()

A worker starts it and keeps it, and hands it one job after the other:

    penstock worker --exec 'add=python3 tasks.py' --persistent

Any program submits and waits; here, one that can import the same file:

    job = add.submit(2, 3)                         # add.delay(2, 3) says the same
    add.using(priority=9, delay=10).submit(2, 3)   # options for one submit
    assert job.wait(timeout=30) == 5
    penstock.submit("resize", {"file": "a.png"})   # a task in any other language

Submitting and waiting go through the `penstock` program, which is looked for in PENSTOCK_BIN, then
in PATH; the store is the one of PENSTOCK_STORE. docs/programs.md has the protocol of `run()`.
"""
from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import datetime
import decimal
import functools
import inspect
import json
import os
import select
import subprocess
import sys
import threading
import traceback
import uuid
from typing import Any, Callable, Generic, Iterable, Iterator, Mapping, Optional, TypeVar, Union

__all__ = ["task", "run", "submit", "submit_many", "current", "Task", "Job", "Current", "Retry",
           "NoRetry", "Cancelled", "Error", "Invalid", "NotFound", "JobFailed", "TimedOut",
           "Unavailable", "Refused"]

R = TypeVar("R")
Seconds = Union[int, float, datetime.timedelta]


# --- what a task may raise ---------------------------------------------------------------------

class Retry(Exception):
    """Run the job again. With `after` (seconds) it comes back then and no attempt is used; without,
    it is a failure like any other, and the job's back-off says when."""

    def __init__(self, message: str = "asked for another try", after: Optional[Seconds] = None):
        super().__init__(message)
        self.after = after


class NoRetry(Exception):
    """The job failed, and no further attempt can help."""


class Cancelled(Exception):
    """The job is cancelled. Raised by `Current.check()` when somebody cancelled it."""


# --- what submitting and waiting may raise -----------------------------------------------------

class Error(Exception):
    """The penstock program said no; the text is what it said."""


class Invalid(Error):
    """A field of the request is wrong, or too large."""


class NotFound(Error):
    """There is no such job, or it is forgotten already."""


class JobFailed(Error):
    """The job that was waited for failed or was cancelled."""


class TimedOut(Error, TimeoutError):
    """The wait was over before the job."""


class Unavailable(Error):
    """The store did not answer; trying again may help."""


class Refused(Error):
    """Not in this state: the job has not ended, or has; the queue drains; a limit is met."""


_ERROR_OF_EXIT = {1: JobFailed, 2: Invalid, 3: NotFound, 4: Unavailable, 5: TimedOut, 6: Refused}


# --- tasks -------------------------------------------------------------------------------------

class Task(Generic[R]):
    """A function that can be a job. Calling it calls the function; `submit` makes a job of it.

    A job's payload is an object of the arguments by name, so that any other language can submit it:
    `add.submit(2, 3)` sends {"x": 2, "y": 3}. A list is taken as positional arguments, null as
    none, and any other value as the only argument. With `unpack=False` the payload is the one
    argument.
    """

    def __init__(self, function: Callable[..., R], name: str, options: Mapping[str, Any],
                 unpack: bool, no_retry_for: tuple):
        self.function, self.name, self.options = function, name, dict(options)
        self.no_retry_for = no_retry_for
        self._unpack = unpack
        self._signature = inspect.signature(function)
        self._is_async = inspect.iscoroutinefunction(function)
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> R:
        return self.function(*args, **kwargs)

    def using(self, **options: Any) -> Task[R]:
        """The same task with other submit options (those of `submit`)."""
        _check_options(options)
        return Task(self.function, self.name, {**self.options, **options}, self._unpack,
                    self.no_retry_for)

    def submit(self, *args: Any, **kwargs: Any) -> Job:
        """Submits a call of the function. Raises TypeError for arguments that it does not take."""
        return submit(self.name, self.payload(*args, **kwargs), **self.options)

    delay = submit

    def submit_many(self, calls: Iterable[tuple]) -> list[Job]:
        """Submits a call for each tuple of arguments, in one go."""
        return submit_many(self.name, [self.payload(*args) for args in calls], **self.options)

    def payload(self, *args: Any, **kwargs: Any) -> Any:
        """What a job with these arguments has as its payload."""
        bound = self._signature.bind(*args, **kwargs)
        if not self._unpack:
            return args[0] if args else next(iter(kwargs.values()), None)
        kinds = {parameter.kind for parameter in self._signature.parameters.values()}
        if inspect.Parameter.VAR_POSITIONAL in kinds or inspect.Parameter.POSITIONAL_ONLY in kinds:
            if kwargs:
                raise TypeError(f"{self.name} has positional parameters: submit it without names")
            return list(args)
        given = dict(bound.arguments)
        for parameter in self._signature.parameters.values():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                given.update(given.pop(parameter.name, {}))
        return given

    def run_payload(self, payload: Any) -> R:
        """Calls the function with what a job's payload says."""
        try:
            bound = self._bind(payload)
        except TypeError as error:
            raise NoRetry(f"payload of {self.name}: {error}") from None
        answer = self.function(*bound.args, **bound.kwargs)
        return asyncio.run(answer) if self._is_async else answer  # type: ignore

    def _bind(self, payload: Any) -> inspect.BoundArguments:
        if not self._unpack:
            return self._signature.bind(payload)
        if payload is None:
            return self._signature.bind()
        if isinstance(payload, dict):
            return self._signature.bind(**payload)
        if isinstance(payload, list):
            return self._signature.bind(*payload)
        return self._signature.bind(payload)


_tasks: dict[str, Task] = {}


def task(function: Optional[Callable[..., Any]] = None, *, name: Optional[str] = None,
         unpack: bool = True, no_retry_for: tuple = (), **options: Any) -> Any:
    """Makes a task of a function, plain or `async def`: `@task` or `@task(name="mail.send", ...)`.

    `no_retry_for`: exceptions after which no retry can help. The other options are defaults of its
    submits (those of `submit`); a job that is submitted elsewhere does not have them.
    """
    _check_options(options)

    def register(registered: Callable[..., R]) -> Task[R]:
        made = Task(registered, name or registered.__name__, options, unpack, no_retry_for)
        _tasks[made.name] = made
        return made

    return register(function) if function else register


# --- running -----------------------------------------------------------------------------------

@dataclasses.dataclass
class Current:
    """The job that this process runs now."""
    id: str
    task: str
    attempt: int
    fence: int  # Grows with every start of the job: other systems can refuse an older one.
    deadline: Optional[datetime.datetime]
    run: Optional[str]  # Of a step of a flow: its run, and its place in it, such as each#1[7].
    node: Optional[str]
    _program: Union[_Program, _Once]

    def progress(self, share: float, message: str = "") -> None:
        """How far the work is, 0 to 1."""
        self._program.say({"id": self.id, "progress": min(max(float(share), 0.0), 1.0),
                           "message": str(message)})

    def log(self, line: str) -> None:
        """Adds to the job's log. What the task prints is there too."""
        for one in str(line).splitlines():
            self._program.say({"id": self.id, "log": one})

    @property
    def cancelled(self) -> bool:
        """Whether the job was cancelled or is over its time. Cheap enough for a loop. A task that
        does not look is killed a few seconds later, with its child processes."""
        return self._program.is_cancelled(self.id)

    def check(self) -> None:
        """Raises Cancelled when `cancelled`."""
        if self.cancelled:
            raise Cancelled("stopped as asked")

    def remaining(self) -> Optional[float]:
        """Seconds until the job times out; None without a time-out."""
        if self.deadline is None:
            return None
        return (self.deadline - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


_current: Optional[Current] = None


def current() -> Current:
    """The job that runs now. Raises RuntimeError outside of one."""
    if _current is None:
        raise RuntimeError("no job runs here: current() is for code that a worker runs")
    return _current


class _Program:
    """One side of the persistent protocol: lines of JSON in on stdin, out on what was stdout."""

    def __init__(self, tasks: Mapping[str, Task]):
        self._tasks = tasks
        self._pid = os.getpid()
        self._rest = b""
        self._jobs: collections.deque[dict] = collections.deque()
        self._cancelled: set[str] = set()
        self._reading, self._writing = threading.Lock(), threading.Lock()
        self._in, self._out = _take_stdin(), _take_stdout()

    def say(self, message: Mapping[str, Any]) -> None:
        self._write(_encode(message))

    def _write(self, text: str) -> None:
        if os.getpid() != self._pid:
            return  # A child that was forked by a task speaks for nobody.
        line = memoryview((text + "\n").encode())
        with self._writing:
            while line:
                line = line[os.write(self._out, line):]

    def is_cancelled(self, job: str) -> bool:
        with self._reading:
            while select.select([self._in], [], [], 0)[0] and self._read():
                pass
        return job in self._cancelled

    def serve(self) -> None:
        self.say({"penstock": 1, "tasks": sorted(self._tasks)})
        while True:
            with self._reading:
                while not self._jobs:
                    if not self._read():
                        return
                job = self._jobs.popleft()
            self._run(job)
            _end_if_forked(self._pid)
            self._cancelled.discard(job["id"])

    def _read(self) -> bool:
        chunk = os.read(self._in, 1 << 16)
        if not chunk:
            return False
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "cancel" in message:
                self._cancelled.add(message["cancel"])
            else:
                self._jobs.append(message)
        return True

    def _run(self, job: dict) -> None:
        named = json.dumps(job["id"])
        with _as_current(Current(job["id"], job["task"], job["attempt"], job["fence"],
                                 _read_time(job.get("deadline")), job.get("run"),
                                 job.get("node"), self)) as running:
            try:
                result = _outcome(self._tasks, job["task"], job["payload"])
                self._write('{"id":' + named + ',"result":' + result + "}")
            except _Failure as failure:
                for line in failure.trace:
                    running.log(line)
                self.say({"id": job["id"], "error": failure.as_json()})


class _Once:
    """What a process that was started for one job says: its log is stderr."""

    def say(self, message: Mapping[str, Any]) -> None:
        if "log" in message:
            print(message["log"], file=sys.stderr, flush=True)

    def is_cancelled(self, _job: str) -> bool:
        return False  # It is told by a signal.


def _take_stdin() -> int:
    """A descriptor of what the worker writes. A task that reads stdin, or starts a program that
    does, finds nothing there: it would take the next job's line and wait for more."""
    taken, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return taken


def _end_if_forked(program: int) -> None:
    """Ends a child that a task has forked and that came back from it: it speaks for nobody, and
    must not take jobs."""
    if os.getpid() != program:
        os._exit(0)


def _take_stdout() -> int:
    """A descriptor of stdout for what the worker reads. Whatever else prints goes to stderr from
    now on, which is the job's log, and at once."""
    sys.stdout.flush()
    out = os.dup(1)
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return out


@contextlib.contextmanager
def _as_current(job: Current) -> Iterator[Current]:
    global _current
    _current = job
    try:
        yield job
    finally:
        _current = None
        sys.stdout.flush()
        sys.stderr.flush()


class _Failure(Exception):
    """How a job failed, as the protocol says it."""

    def __init__(self, message: str, retry: bool = True, cancelled: bool = False,
                 after: Optional[Seconds] = None, trace: Iterable[str] = ()):
        super().__init__(message)
        self.retry, self.cancelled, self.after, self.trace = retry, cancelled, after, trace

    def as_json(self) -> dict[str, Any]:
        error: dict[str, Any] = {"message": str(self), "retry": self.retry}
        if self.cancelled:
            error["cancelled"] = True
        if self.after is not None:
            error["after_ms"] = _milliseconds(self.after)
        return error


def _outcome(tasks: Mapping[str, Task], name: str, payload: Any) -> str:
    """The result of a job as JSON text, or _Failure."""
    known = tasks.get(name)
    if known is None:
        raise _Failure(f"no task named {name!r} in {sys.argv[0]} (there: {', '.join(tasks)})",
                       retry=False)
    try:
        result = known.run_payload(payload)
    except Retry as again:
        raise _Failure(str(again), after=again.after) from None
    except NoRetry as final:
        raise _Failure(str(final), retry=False) from None
    except Cancelled as cancelled:
        raise _Failure(str(cancelled), cancelled=True) from None
    except BaseException as error:  # SystemExit of a task is its failure, not this program's end.
        message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise _Failure(message, retry=not isinstance(error, known.no_retry_for),
                       trace=traceback.format_exc().splitlines()) from None
    try:
        return _encode(result)
    except (TypeError, ValueError) as error:
        raise _Failure(f"result of {name}: {error}", retry=False) from None


def run(*tasks: Task) -> None:
    """Runs the jobs that a worker hands over, until it closes stdin. Offers the given tasks, or all
    that were made. Works in both modes of a worker: persistent, and one process for each job."""
    offered = {one.name: one for one in tasks} or _tasks
    if "PENSTOCK_JOB_ID" in os.environ:
        sys.exit(_run_one(offered))
    if sys.stdin.isatty():
        named = " ".join(f"--exec {name}='python3 {sys.argv[0]}'" for name in sorted(offered))
        sys.exit(f"{sys.argv[0]} is run by a worker: penstock worker {named} --persistent")
    _Program(offered).serve()


# EX_TEMPFAIL and EX_DATAERR of sysexits.h: try again later, no attempt used; and never again.
_LATER_EXIT, _FINAL_EXIT = 75, 65


def _run_one(tasks: Mapping[str, Task]) -> int:
    out, pid = _take_stdout(), os.getpid()
    name, said = os.environ.get("PENSTOCK_TASK", ""), os.environ.get
    job = Current(said("PENSTOCK_JOB_ID", ""), name, int(said("PENSTOCK_ATTEMPT", "1")),
                  int(said("PENSTOCK_FENCE", "0")), _read_time(said("PENSTOCK_DEADLINE")),
                  said("PENSTOCK_RUN"), said("PENSTOCK_NODE"), _Once())
    with _as_current(job):
        try:
            result = _outcome(tasks, name, json.loads(sys.stdin.buffer.read() or b"null"))
        except _Failure as failure:
            _end_if_forked(pid)
            print(*failure.trace, failure, sep="\n", file=sys.stderr)
            if failure.after is not None:
                return _LATER_EXIT
            return 1 if failure.retry else _FINAL_EXIT
    _end_if_forked(pid)
    with os.fdopen(out, "w", encoding="utf-8") as stdout:
        stdout.write(result)
    return 0


# --- submitting and waiting --------------------------------------------------------------------

@dataclasses.dataclass(frozen=True)
class Job:
    """A submitted job, by its id."""
    id: str

    def wait(self, timeout: Optional[Seconds] = None) -> Any:
        """Its result, once it has ended. Raises JobFailed, TimedOut, NotFound, Unavailable."""
        flags = [] if timeout is None else ["--timeout", _duration(timeout)]
        return json.loads(_penstock("job", "wait", *flags, operands=[self.id]))

    get = wait

    def show(self) -> dict[str, Any]:
        """All that is known of it: state, attempt, progress, error, times and more."""
        return json.loads(_penstock("job", "show", "--json", operands=[self.id]))

    @property
    def state(self) -> str:
        """waiting, scheduled, ready, running, succeeded, failed or cancelled."""
        return self.show()["state"]

    def logs(self) -> list[str]:
        """The lines of its log."""
        lines = _penstock("job", "logs", "--json", operands=[self.id]).splitlines()
        return [json.loads(line)["text"] for line in lines]

    def cancel(self) -> None:
        """Ends it if it waits, tells it to stop if it runs. Raises Refused when it has ended."""
        _penstock("job", "cancel", operands=[self.id])

    def retry(self) -> None:
        """Makes it ready again after it failed or was cancelled."""
        _penstock("job", "retry", operands=[self.id])


def submit(task_name: str, payload: Any = None, **options: Any) -> Job:
    """Submits one job and returns it.

    Options: queue, pool, id, unique, idempotency_key, backoff ("exponential:1s..60s"), ack
    ("fsynced"), keep ("full"): text. priority (0 to 10, larger runs first), max_attempts: numbers.
    delay, retry_for, timeout, expires, result_ttl: seconds or timedelta. at: datetime with its
    zone. tags: a mapping of text to text. Raises Invalid, Refused, Unavailable.
    """
    said = _penstock("submit", *_flags(options), operands=[task_name, "-"], stdin=_encode(payload))
    return Job(said.strip())


def submit_many(task_name: str, payloads: Iterable[Any], **options: Any) -> list[Job]:
    """Submits a job for each payload, with the same options, and returns them in order. Raises
    Invalid when one was refused; the others are in."""
    if options.get("ack") is not None:
        raise TypeError("submit_many knows no ack: submit one by one to be told of each")
    named = {name: _field(name, value) for name, value in options.items() if value is not None}
    lines = [_encode({"task": task_name, "payload": payload, **named}) for payload in payloads]
    ids = _penstock("submit", "--batch", "-", stdin="\n".join(lines), quiet=False)
    return [Job(line) for line in ids.split()]


def _flags(options: Mapping[str, Any]) -> list[str]:
    flags: list[str] = []
    for name, value in options.items():
        if value is None:
            continue
        if name == "tags":
            flags += [f"--tag={key}={text}" for key, text in _field(name, value).items()]
        else:
            flags.append(f"--{name.replace('_', '-')}={_field(name, value)}")
    return flags


def _field(name: str, value: Any) -> Any:
    """The value of a submit option as the penstock program writes it."""
    _check_options([name])
    return _OPTIONS[name](value)


def _check_options(names: Iterable[str]) -> None:
    for name in names:
        if name not in _OPTIONS:
            raise TypeError(f"unknown option {name!r}: known are {', '.join(_OPTIONS)}")


def _penstock(*words: str, operands: Iterable[str] = (), stdin: Optional[str] = None,
              quiet: bool = True) -> str:
    """What the program prints. `operands` are what may look like a flag and is none."""
    program = os.environ.get("PENSTOCK_BIN", "penstock")
    command = [program, *words, *(["--quiet"] if quiet else []), "--", *operands]
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, check=False,
                              encoding="utf-8",
                              stdin=None if stdin is not None else subprocess.DEVNULL)
    except OSError as error:
        raise Unavailable(f"{program} cannot be run ({error.strerror}): put it into PATH, or its "
                          "path into PENSTOCK_BIN") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"{program} ended with {done.returncode}"]
        raise _ERROR_OF_EXIT.get(done.returncode, Error)(said[-1].removeprefix("error: "))
    return done.stdout


# --- values ------------------------------------------------------------------------------------

def _plain(value: Any) -> Any:
    """What JSON has no form for, as something that it has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (uuid.UUID, decimal.Decimal, os.PathLike)):
        return str(value)
    raise TypeError(f"a {type(value).__name__} has no form in JSON: return dicts, lists, text, "
                    "numbers, booleans or None")


def _encode(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False, default=_plain)


def _milliseconds(length: Seconds) -> int:
    seconds = length.total_seconds() if isinstance(length, datetime.timedelta) else float(length)
    return max(0, round(seconds * 1000))


def _duration(length: Seconds) -> str:
    return f"{_milliseconds(length)}ms"


def _tags(value: Mapping[str, str]) -> dict[str, str]:
    for key in value:
        if "=" in key:
            raise Invalid(f'tag key "{key}" is not valid: use 1 to 64 bytes without =')
    return dict(value)


def _time(value: datetime.datetime) -> str:
    if value.tzinfo is None:
        raise TypeError("at: a datetime needs its time zone, such as datetime.timezone.utc")
    return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _read_time(text: Optional[str]) -> Optional[datetime.datetime]:
    # Before 3.11 fromisoformat knows no Z.
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


# What submit() takes, and how the penstock program wants it.
_OPTIONS: dict[str, Callable[[Any], Any]] = {
    "queue": str, "pool": str, "id": str, "unique": str, "idempotency_key": str, "backoff": str,
    "ack": str, "keep": str, "priority": int, "max_attempts": int, "delay": _duration,
    "retry_for": _duration, "timeout": _duration, "expires": _duration, "result_ttl": _duration,
    "at": _time, "tags": _tags}
