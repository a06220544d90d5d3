# SPDX-License-Identifier: MIT
"""The wire between clients and a server, which can be cut and can swallow replies.

A unix socket that passes everything on to another. `cut()` ends all connections at once;
`swallow()` lets commands through and drops what the server answers, until `speak()` ends the
connections that have lost something: no client ever sees half of a conversation as a whole one.
"""
import contextlib
import selectors
import socket
import threading


class Link:
    def __init__(self, path, server):
        self.path, self._server = str(path), str(server)
        self._lock = threading.Lock()
        self._pairs = {}  # Each end -> (the other end, whether it is the server's).
        self._tainted = set()  # Ends of connections that lost a reply.
        self._swallowing = self._blocked = False
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(64)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._over = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self):
        with self._lock:
            for end in list(self._pairs):
                self._shut(end)

    def block(self):
        """Cuts, and lets nobody in until unblock()."""
        self._blocked = True
        self.cut()

    def unblock(self):
        self._blocked = False

    def swallow(self):
        with self._lock:
            self._swallowing = True

    def speak(self):
        with self._lock:
            self._swallowing = False
            for end in list(self._tainted):
                self._shut(end)
            self._tainted.clear()

    def close(self):
        self._over = True
        self._thread.join(5)
        self.cut()
        self._listener.close()

    def _shut(self, end):
        # The thread that reads sees the end of the stream and forgets the pair.
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)

    def _run(self):
        while not self._over:
            for key, _ in self._selector.select(0.1):
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._pass(key.fileobj)

    def _accept(self):
        client, _ = self._listener.accept()
        server = socket.socket(socket.AF_UNIX)
        try:
            if self._blocked:
                raise ConnectionError("blocked")
            server.connect(self._server)
        except OSError:  # The server is down: so is what stands for it.
            client.close()
            server.close()
            return
        with self._lock:
            self._pairs[client] = (server, False)
            self._pairs[server] = (client, True)
        self._selector.register(client, selectors.EVENT_READ)
        self._selector.register(server, selectors.EVENT_READ)

    def _pass(self, end):
        with self._lock:
            if end not in self._pairs:
                return
            other, from_server = self._pairs[end]
        try:
            some = end.recv(1 << 16)
            with self._lock:
                drop = from_server and (self._swallowing or end in self._tainted)
                if drop and some:
                    self._tainted.add(end)
            if some and not drop:
                other.sendall(some)
        except OSError:
            some = b""
        if not some:
            self._forget(end, other)

    def _forget(self, *ends):
        with self._lock:
            for end in ends:
                self._pairs.pop(end, None)
                self._tainted.discard(end)
        for end in ends:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(end)
            end.close()
