# SPDX-License-Identifier: MIT
"""The books of a run: what was asked for, what was answered, what ran, what the store says.

Acknowledged and never ended: lost. Ran without having been asked for: unexpected. One number under
two ids, or ended twice: duplicated. Ended though its submit was never answered: recovered, which is
allowed, like running again after a crash.
"""
import collections

ENDED = {"succeeded", "failed", "cancelled"}
ENDINGS = {"4", "5", "6"}  # The same, as `endings` prints them.
MAX_CRASHES, MAX_ATTEMPTS = 3, 5

Run = collections.namedtuple("Run", "what number job attempt crashes fence pid at")


def read_runs(folder):
    runs = []
    for path in sorted(folder.glob("[0-9]*.log")):
        for line in path.read_text(encoding="ascii").splitlines():
            what, number, job, *rest = line.split(" ")
            runs.append(Run(what, int(number), job, *map(int, rest)))
    return sorted(runs, key=lambda run: run.at)


class Books:
    def __init__(self, runs, tried, acked, jobs, endings):
        self.starts = [run for run in runs if run.what == "S"]
        self.finished = {(run.job, run.fence) for run in runs if run.what == "E"}
        self.by_job = collections.defaultdict(list)
        for run in self.starts:
            self.by_job[run.job].append(run)
        self.tried, self.acked, self.jobs = tried, acked, jobs
        self.endings = collections.Counter(
            job for state, job in (line.split() for line in endings) if state in ENDINGS)
        self.faults = collections.defaultdict(list)  # What is wrong -> jobs.
        self.figures = {}

    def check(self, stopped, cancelled):
        self._totals()
        self._ends()
        self.faults["cancelled unasked"] += [name for name, job in self.jobs.items()
                                             if job["state"] == "cancelled"
                                             and name not in cancelled]
        self._bounds()
        self._fences(stopped)
        return self

    def _totals(self):
        ids = collections.defaultdict(set)
        for run in self.starts:
            ids[run.number].add(run.job)
        for number, name in self.acked.items():
            ids[number].add(name)
            if self.jobs.get(name, {}).get("state") not in ENDED:
                self.faults["lost"].append(name)
        self.faults["unexpected"] += [next(iter(ids[number])) for number in ids
                                      if number not in self.tried]
        self.faults["duplicated"] += [name for names in ids.values() if len(names) > 1
                                      for name in names]
        self.figures["recovered"] = len(ids.keys() - self.acked.keys())
        self.figures["ran more than once"] = sum(len(runs) > 1 for runs in self.by_job.values())

    def _ends(self):
        for name, job in self.jobs.items():
            if job["state"] not in ENDED:
                self.faults["never ended"].append(name)
            elif self.endings[name] > 1:
                self.faults["ended twice"].append(name)
            elif self.endings[name] == 0:
                self.faults["ended in silence"].append(name)
            if job["state"] == "succeeded":
                if not any((name, run.fence) in self.finished for run in self.by_job[name]):
                    self.faults["succeeded without running to its end"].append(name)

    def _bounds(self):
        for name, job in self.jobs.items():
            if job["crashes"] > MAX_CRASHES or job["attempt"] > MAX_ATTEMPTS:
                self.faults["past its bounds"].append(name)
            # Only who was killed three times may fail: everything else ends well in the end.
            if job["state"] == "failed" and job["crashes"] < MAX_CRASHES:
                self.faults["failed without need"].append(name)
        self.figures["cancelled"] = sum(job["state"] == "cancelled" for job in self.jobs.values())
        self.figures["failed as poison"] = sum(job["state"] == "failed"
                                               for job in self.jobs.values())

    def _fences(self, stopped):
        stale = 0
        for name, runs in self.by_job.items():
            highest = None
            for run in runs:
                if highest is not None and run.fence <= highest.fence:
                    # Stopped between its decision to start and the start: its writes are refused.
                    if run.pid in stopped and run.fence < highest.fence:
                        stale += 1
                        continue
                    self.faults["fence did not grow"].append(name)
                highest = run
        self.figures["zombie starts"] = stale

    def rerun_delays(self, kills):
        """Milliseconds from the death of a process to the next start of what ran in it, and the
        job, in rising order."""
        died = dict(kills)
        delays = []
        for runs in self.by_job.values():
            for run, after in zip(runs, runs[1:]):
                if (run.job, run.fence) in self.finished:
                    continue
                death = died.get(run.pid)
                if death is None and self.tried.get(run.number) == "crash" and run.crashes == 0:
                    death = run.at  # It killed its process itself.
                if death is not None and run.at <= death < after.at:
                    delays.append(((after.at - death) / 1e6, run.job))
        return sorted(delays)

    def history(self, name):
        lines = [f"  {self.jobs.get(name, 'the store does not know it')}"]
        for run in self.by_job[name]:
            end = "ran to its end" if (name, run.fence) in self.finished else "cut off"
            lines.append(f"  at {run.at / 1e9:.3f}: pid {run.pid} attempt {run.attempt} crashes "
                         f"{run.crashes} fence {run.fence}: {end}")
        return "\n".join(lines)
