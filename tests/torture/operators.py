# SPDX-License-Identifier: MIT
"""Somebody who cancels jobs and pauses the queue in the middle of it all."""
import subprocess
import time

from crew import PROGRAM


class Operator:
    def __init__(self, environment, producers, dice):
        self._environment, self._producers, self._dice = environment, producers, dice
        self.cancelled = set()  # Ids that were asked for; whether it was in time is another matter.

    def _say(self, *words):
        return subprocess.run([PROGRAM, *words, "--quiet"], env=self._environment, check=False,
                              capture_output=True, timeout=60).returncode

    def cancel_some(self):
        # The newest: most of the others have ended.
        acked = list(self._dice.choice(self._producers).acked.values())[-200:]
        for name in self._dice.sample(acked, min(len(acked), 5)):
            self.cancelled.add(name)
            self._say("job", "cancel", name)

    def pause_for_a_while(self):
        self._say("queue", "pause", "default")
        time.sleep(self._dice.uniform(0.1, 1))
        self.resume()

    def resume(self):
        give_up = time.monotonic() + 60
        while self._say("queue", "resume", "default") != 0 and time.monotonic() < give_up:
            time.sleep(0.1)
