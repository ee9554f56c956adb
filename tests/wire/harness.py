"""The daemon as a whole, from outside: start it, talk to it in raw bytes, end it in every way.

Written from the protocol's description alone, with none of kith's code: msgpack over SP (the
protocol of nanomsg), REQ with raw REP, SUB with PUB. Nothing sleeps: whoever waits, waits for a
datagram, a line or a byte, for TIMEOUT at most, which only a failure meets.
"""
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

import msgpack

TIMEOUT = 60.0
PROTO_SUB, PROTO_REQ = 0x21, 0x30
FRAME_MAX = 16 << 20
KITHD = os.environ.get("KITHD", "kithd")


class Closed(Exception):
    """The other side closed the connection."""


def deadline():
    return time.monotonic() + TIMEOUT


def free_port(family=socket.AF_INET):
    """A port that nobody listens on; another process might take it, so a failed bind is retried."""
    with socket.socket(family) as probe:
        probe.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        return probe.getsockname()[1]


class Connection:
    """One SP connection over ipc or tcp, in bytes."""

    def __init__(self, url, proto, handshake=None):
        self.ipc = url.startswith("ipc://")
        if self.ipc:
            self.sock = socket.socket(socket.AF_UNIX)
            address = url[len("ipc://"):]
        else:
            host, port = re.fullmatch(r"tcp://\[?([^\]]*)\]?:(\d+)", url).groups()
            self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            address = (host, int(port))
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(address)
        self.buffer = bytearray()
        if handshake is None:
            handshake = b"\0SP\0" + struct.pack(">HH", proto, 0)
        try:
            self.sock.sendall(handshake)
            if proto:
                self.read(8)
        except (Closed, ConnectionError):
            self.sock.close()
            raise

    def read(self, size):
        while len(self.buffer) < size:
            try:
                data = self.sock.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            if not data:
                raise Closed()
            self.buffer += data
        out, self.buffer = bytes(self.buffer[:size]), self.buffer[size:]
        return out

    def send_raw(self, data):
        self.sock.sendall(data)

    def frame(self, payload):
        return (b"\1" if self.ipc else b"") + struct.pack(">Q", len(payload)) + payload

    def send(self, payload):
        self.sock.sendall(self.frame(payload))

    def receive(self):
        if self.ipc and self.read(1) != b"\1":
            raise AssertionError("an ipc frame must begin with 01")
        size, = struct.unpack(">Q", self.read(8))
        if size > FRAME_MAX:
            raise AssertionError(f"a frame of {size} bytes")
        return self.read(size)

    def readable(self, timeout):
        return bool(self.buffer) or bool(select.select([self.sock], [], [], timeout)[0])

    def wait_closed(self):
        """Read until the other side closes."""
        try:
            while True:
                self.read(1)
        except Closed:
            pass

    def close(self):
        self.sock.close()


def unpack(body):
    return msgpack.unpackb(body, raw=False, strict_map_key=False)


class Client:
    """Requests and replies; several may be on their way."""

    def __init__(self, url):
        self.connection = Connection(url, PROTO_REQ)
        self.next = 1
        self.replies = {}

    def send(self, body):
        """Send a body, and return the number to wait for."""
        number = self.next
        self.next += 1
        self.connection.send(struct.pack(">I", number | 0x80000000) + body)
        return number

    def take(self):
        """Take one more reply off the connection."""
        payload = self.connection.receive()
        head, = struct.unpack(">I", payload[:4])
        if not head & 0x80000000:
            raise AssertionError("a reply without its request's id")
        self.replies[head & 0x7fffffff] = payload[4:]

    def wait(self, number):
        """The body of the reply to that number."""
        while number not in self.replies:
            self.take()
        return self.replies.pop(number)

    def wait_any(self):
        """The body of some reply, in the order they come."""
        while not self.replies:
            self.take()
        return self.replies.pop(next(iter(self.replies)))

    def raw(self, body):
        return unpack(self.wait(self.send(body)))

    def pack(self, op, args=None, id=None, **envelope):
        request = {"v": 1, "op": op, **envelope}
        if args is not None:
            request["args"] = args
        if id is not None:
            request["id"] = id
        return msgpack.packb(request)

    def start(self, op, args=None, id=None, **envelope):
        return self.send(self.pack(op, args, id, **envelope))

    def call(self, op, args=None, id=None, **envelope):
        """The whole reply."""
        return self.raw(self.pack(op, args, id, **envelope))

    def do(self, op, id=None, **args):
        """A command: with an id, and it must succeed. Its result."""
        reply = self.call(op, args, id or str(uuid.uuid4()))
        if not reply["ok"]:
            raise AssertionError(f"{op} {args}: {reply['error']}")
        return reply["result"]

    def ask(self, op, **args):
        """A query, which must succeed. Its result."""
        reply = self.call(op, args)
        if not reply["ok"]:
            raise AssertionError(f"{op} {args}: {reply['error']}")
        return reply["result"]

    def batch(self, items):
        return self.raw(msgpack.packb({"v": 1, "batch": items}))["batch"]

    def close(self):
        self.connection.close()


class Subscriber:
    def __init__(self, url):
        self.connection = Connection(url, PROTO_SUB)

    def next(self):
        topic, body = self.connection.receive().split(b"\0", 1)
        return topic.decode(), unpack(body)

    def next_event(self):
        """The next frame that is no beat."""
        while True:
            topic, event = self.next()
            if topic != "~beat":
                return topic, event

    def next_beat(self):
        while True:
            topic, beat = self.next()
            if topic == "~beat":
                return beat

    def close(self):
        self.connection.close()


class Journal(threading.Thread):
    """The lines that the daemon writes, as they come."""

    def __init__(self, stream):
        super().__init__(daemon=True)
        self.stream, self.lines, self.ended = stream, [], False
        self.changed = threading.Condition()
        self.start()

    def run(self):
        for line in self.stream:
            with self.changed:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()
        self.stream.close()

    def text(self):
        with self.changed:
            return "\n".join(self.lines)

    def wait(self, pattern, after=0):
        """The first line from line number `after` on that matches; an error if none comes."""
        until = deadline()
        with self.changed:
            while True:
                for line in self.lines[after:]:
                    if re.search(pattern, line):
                        return line
                if self.ended or not self.changed.wait(until - time.monotonic()):
                    raise AssertionError(
                        f"no line with {pattern!r} in the journal:\n" + "\n".join(self.lines))

    def count(self):
        with self.changed:
            return len(self.lines)


class Daemon:
    """kithd in a directory of its own; a service manager is played for it."""

    def __init__(self, directory=None, clock="manual", flags=(), urls=True, environment=None):
        self.directory = directory or tempfile.mkdtemp(prefix="kith-")
        self.own_directory = directory is None
        self.data = os.path.join(self.directory, "data")
        self.command = f"ipc://{self.directory}/command.ipc"
        self.events = f"ipc://{self.directory}/events.ipc"
        # However slow the machine, nothing is turned away but by the test that asks for it.
        self.flags = ["--data", self.data, "--clock", clock, "--set", "net.wait_max=10m", *flags]
        if urls:
            self.flags += ["--command", self.command, "--events", self.events]
        self.environment = environment or {}
        self.process = self.journal = None
        self.end = None  # readable once the process has ended
        self.notes = []
        path = os.path.join(self.directory, f"notify-{uuid.uuid4().hex[:8]}")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(path)
        self.notify_path = path

    def spawn(self, *flags, under=()):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("KITH_") and name not in (
                           "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CONFIGURATION_DIRECTORY",
                           "JOURNAL_STREAM", "WATCHDOG_USEC", "WATCHDOG_PID")}
        # A sanitizer's own status is 1, which is also that of a daemon that does not start.
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            environment[name] = environment.get(name, "") + ":exitcode=99"
        environment.update(self.environment, NOTIFY_SOCKET=self.notify_path)
        self.drain_notes()  # what an earlier one has left
        self.notes = []
        self.process = subprocess.Popen([*under, KITHD, *self.flags, *flags], env=environment,
                                        cwd=self.directory, stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)
        self.journal = Journal(self.process.stderr)
        self.forget_end()
        self.end = os.pidfd_open(self.process.pid)
        return self

    def forget_end(self):
        if self.end is not None:
            os.close(self.end)
        self.end = None

    def start(self, *flags):
        self.spawn(*flags)
        self.wait_note("READY=1")
        return self

    def start_failing(self, *faults):
        """Start it where some of its system calls fail, by what strace takes. (-D: the process that
        is started is the daemon, and not strace.)"""
        self.spawn(under=["strace", "--quiet=all", "-D", "-f", "-o", f"{self.directory}/strace",
                          "-e", "trace=none", *faults])
        self.wait_note("READY=1")
        return self

    def wait_note(self, wanted, after=0):
        """Wait for a datagram with that line; returns how many have come until then."""
        until = deadline()
        while not any(wanted in note.split("\n") for note in self.notes[after:]):
            ready = select.select([self.notify, self.end], [], [],
                                  max(0, until - time.monotonic()))[0]
            if self.notify in ready:
                self.notes.append(self.notify.recv(65536).decode())
            elif ready:
                raise AssertionError(f"kithd ended with {self.wait()}:\n" + self.journal.text())
            else:
                raise AssertionError(f"no {wanted}, only {self.notes}")
        return len(self.notes)

    def drain_notes(self):
        while select.select([self.notify], [], [], 0)[0]:
            self.notes.append(self.notify.recv(65536).decode())
        return self.notes

    def client(self):
        return Client(self.command)

    def subscriber(self):
        """A subscriber that is known to be heard: it has seen a beat."""
        subscriber = Subscriber(self.events)
        subscriber.next_beat()
        return subscriber

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Its exit status, once it has ended."""
        if not select.select([self.end], [], [], TIMEOUT)[0]:
            raise AssertionError("kithd does not end:\n" + self.journal.text())
        status = self.process.wait()
        self.journal.join(TIMEOUT)
        return status

    def stop(self, number=signal.SIGTERM):
        """End it kindly; it must end well."""
        self.send_signal(number)
        status = self.wait()
        if status != 0:
            raise AssertionError(f"kithd ended with {status}:\n{self.journal.text()}")

    def kill(self):
        self.process.kill()
        self.wait()

    def tell_if_crashed(self):
        if self.process and self.process.poll() not in (None, 0, 1, 2, -signal.SIGKILL):
            self.journal.join(TIMEOUT)
            print(f"kithd ended with {self.process.returncode}:\n{self.journal.text()}",
                  file=sys.stderr)

    def reload(self):
        """HUP, and wait until it is done. Returns the lines that it wrote."""
        before, lines = len(self.drain_notes()), self.journal.count()
        self.send_signal(signal.SIGHUP)
        self.wait_note("READY=1", before)
        self.journal.wait(r"reload: (done|\d+ mistakes)", lines)
        return self.journal.lines[lines:]

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        self.tell_if_crashed()
        self.forget_end()
        self.notify.close()
        if self.own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)


class Case(unittest.TestCase):
    """A test with daemons that end with it."""

    def daemon(self, **options):
        daemon = Daemon(**options)
        self.addCleanup(daemon.close)
        return daemon

    def client(self, daemon):
        client = daemon.client()
        self.addCleanup(client.close)
        return client

    def subscriber(self, daemon):
        subscriber = daemon.subscriber()
        self.addCleanup(subscriber.close)
        return subscriber

    def assert_error(self, reply, code):
        self.assertFalse(reply["ok"], reply)
        self.assertEqual(reply["error"]["code"], code, reply)


def run(flags, environment=None):
    """kithd with flags that make it end by itself: status, standard output, standard error."""
    done = subprocess.run([KITHD, *flags], env={**os.environ, **(environment or {})},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=TIMEOUT)
    return done.returncode, done.stdout, done.stderr


def main():
    unittest.main(verbosity=2, argv=sys.argv)
