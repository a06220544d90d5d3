# SPDX-License-Identifier: MIT
"""What slow checks found clean, so that they do not look at it again.

A set of digests of everything that the answer depends on. What was not asked for in a run is
forgotten, so the file stays as small as the checkout.
"""
import hashlib


class Memory:
    def __init__(self, path):
        self._path = path
        self._old = set(path.read_text().split()) if path.is_file() else set()
        self._new = set()

    @staticmethod
    def digest(*parts):
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def knows(self, digest):
        if digest in self._old:
            self._new.add(digest)
        return digest in self._new

    def add(self, digest):
        self._new.add(digest)

    def save(self):
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text("\n".join(sorted(self._new)))
