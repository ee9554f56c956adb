"""Subscribers of every kind, the daemon killed under them: who sees what.

What test_subscribers.py does briefly and tests/soak/subscribers for as long as one likes.
"""
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
import uuid

import harness

KITH = os.environ.get("KITH", "kith")


class Proxy(threading.Thread):
    """Passes bytes on to a socket, and cuts all its connections when told to."""

    def __init__(self, path, target):
        super().__init__(daemon=True)
        self.target, self.pairs, self.lock = target, [], threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(16)
        self.start()

    def run(self):
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            there = socket.socket(socket.AF_UNIX)
            try:
                there.connect(self.target)
            except OSError:
                here.close()
                there.close()
                continue
            with self.lock:
                self.pairs.append((here, there))
            for one, other in ((here, there), (there, here)):
                threading.Thread(target=self.pump, args=(one, other), daemon=True).start()

    def pump(self, one, other):
        try:
            while data := one.recv(1 << 16):
                other.sendall(data)
        except OSError:
            pass
        self.end((one, other))
        one.close()

    @staticmethod
    def end(pair):
        for end in pair:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            self.end(pair)

    def close(self):
        self.listener.close()
        self.cut()


class Watcher:
    """`kith watch`, and what it told: every number once and in order, or it is broken."""

    def __init__(self, name, urls, *flags, resume=True):
        self.name, self.urls, self.flags, self.resume = name, urls, flags, resume
        self.last = self.repeats = 0
        self.broken = None
        self.gate, self.changed = threading.Event(), threading.Condition()
        self.gate.set()
        self.start()

    def start(self):
        flags = ["--from", str(self.last + 1)] if self.resume else []
        self.process = subprocess.Popen(
            [KITH, "--url", self.urls[0], "--events", self.urls[1], "--json", "watch", *flags,
             *self.flags], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.thread = threading.Thread(target=self.read, args=(self.process.stdout,), daemon=True)
        self.thread.start()

    def read(self, stream):
        for line in stream:
            self.gate.wait()
            if line.endswith(b"\n"):
                self.take(json.loads(line)["seq"])
        stream.close()

    def take(self, seq):
        with self.changed:
            if seq == self.last + 1:
                self.last = seq
            elif seq <= self.last and not self.resume:
                self.repeats += 1  # told again after a crash: the cursor is behind what was told
            else:
                self.broken = self.broken or f"{self.name}: {seq} came after {self.last}"
            self.changed.notify_all()

    def kill(self):
        self.gate.set()
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        self.thread.join()

    def restart(self):
        self.kill()
        self.start()

    def wait(self, last):
        until = harness.deadline()
        with self.changed:
            while self.last < last and not self.broken:
                if not self.changed.wait(until - time.monotonic()):
                    raise AssertionError(f"{self.name} stands at {self.last} of {last}")
        if self.broken:
            raise AssertionError(self.broken)


class Storm:
    """A daemon, work for it, and all kinds of subscribers."""

    def __init__(self, daemon, seed):
        self.daemon, self.random, self.members = daemon, random.Random(seed), 0
        names = [f"{daemon.directory}/proxy-{which}.ipc" for which in ("command", "events")]
        self.proxies = [Proxy(name, url[len("ipc://"):])
                        for name, url in zip(names, (daemon.command, daemon.events))]
        direct = (daemon.command, daemon.events)
        self.append(1)
        self.plain = Watcher("plain", direct)
        self.slow = Watcher("slow", direct)
        self.stopped = Watcher("stopped", direct)
        self.cut_off = Watcher("cut off", [f"ipc://{name}" for name in names])
        self.killed = Watcher("killed", direct)
        self.cursor = Watcher("with a cursor", direct, "--cursor", "storm", resume=False)
        self.feed = Watcher("a member's feed", direct, "--member", "m0")
        self.logs = [self.plain, self.slow, self.stopped, self.cut_off, self.killed, self.cursor]

    def append(self, count):
        """That many batches of members, and a connection of the first with each."""
        client = self.daemon.client()
        for _ in range(count):
            size = self.random.choice((1, 20, 200))
            items = []
            for number in range(self.members, self.members + size):
                items.append({"op": "member.register", "id": str(uuid.uuid4()),
                              "args": {"member": f"m{number}"}})
                items.append({"op": "connection.import", "id": str(uuid.uuid4()),
                              "args": {"pairs": [["m0", f"m{number}"]]}})
            for reply in client.batch(items):
                if not reply["ok"]:
                    raise AssertionError(reply)
            self.members += size
        client.close()

    def round(self):
        """Disturb everybody, kill the daemon, and start it again."""
        self.slow.gate.clear()
        self.stopped.process.send_signal(signal.SIGSTOP)
        self.append(self.random.randint(1, 8))
        for proxy in self.proxies:
            proxy.cut()
        self.killed.restart()
        self.cursor.restart()
        self.append(self.random.randint(1, 8))
        self.daemon.kill()
        self.daemon.start()
        self.append(1)
        self.slow.gate.set()
        self.stopped.process.send_signal(signal.SIGCONT)

    def finish(self):
        """Everybody must come to the end; how many events, and how many were told again."""
        client = self.daemon.client()
        last = client.ask("server.hello")["last_seq"]
        feed = client.ask("event.read", member="m0", end=True)["last_seq"]
        client.close()
        for watcher in self.logs:
            watcher.wait(last)
        self.feed.wait(feed)
        return last, feed, self.cursor.repeats

    def close(self):
        for watcher in (*self.logs, self.feed):
            watcher.kill()
        for proxy in self.proxies:
            proxy.close()
