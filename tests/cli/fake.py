"""A kithd played by the test, and a `kith` run against it.

Written from the protocol's description alone, with none of kith's code: msgpack over SP (the
protocol of nanomsg) on ipc sockets, raw REP and PUB. Nothing here sleeps: whoever waits, waits for
a line, a request or an end, for TIMEOUT at most, which only a failure meets.
"""
import json
import os
import pty
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

import msgpack

TIMEOUT = 120.0
KITH = os.environ.get("KITH", "kith")
REP, PUB = 0x31, 0x20

# code: (class, retry), of those that the tests use.
CODES = {
    "malformed": ("invalid", "never"),
    "unknown_op": ("invalid", "never"),
    "bad_argument": ("invalid", "never"),
    "note_not_allowed": ("invalid", "never"),
    "forbidden": ("denied", "never"),
    "no_such_member": ("not_found", "never"),
    "no_request": ("not_found", "never"),
    "already_pending": ("conflict", "never"),
    "already_connected": ("conflict", "never"),
    "quota_exceeded": ("quota", "new_id"),
    "busy": ("busy", "same_id"),
    "unavailable": ("unavailable", "same_id"),
    "internal": ("internal", "same_id"),
}


class Refusal(Exception):
    """What a handler raises to have its operation refused."""

    def __init__(self, code, text=None, **details):
        super().__init__(code)
        kind, retry = CODES[code]
        self.error = {"code": code, "class": kind, "retry": retry,
                      "text": text or f"the text of {code}", **details}


class Silence(Exception):
    """What a handler raises to give no answer at all."""


class Connection:
    """One accepted SP connection."""

    def __init__(self, sock, proto):
        self.sock = sock
        self.lock = threading.Lock()
        sock.sendall(struct.pack(">4sHH", b"\0SP\0", proto, 0))
        if len(self.read(8)) != 8:
            raise EOFError

    def read(self, size):
        data = b""
        while len(data) < size:
            part = self.sock.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def receive(self):
        kind, size = struct.unpack(">BQ", self.read(9))
        assert kind == 1, f"an ipc frame begins with 1, not {kind}"
        return self.read(size)

    def send(self, payload):
        with self.lock:
            self.sock.sendall(struct.pack(">BQ", 1, len(payload)) + payload)


class Fake:
    """A daemon: `on[op]` is a function of the arguments and returns the result.

    `requests` has (op, args, id) of all that came. Commands are remembered by id, so that a repeated
    one is answered as the first was, with `dup`."""

    def __init__(self, directory=None):
        self.directory = directory or tempfile.mkdtemp(prefix="kith-cli-")
        self.url = f"ipc://{self.directory}/command.ipc"
        self.events_url = f"ipc://{self.directory}/events.ipc"
        self.requests = []
        self.on = {"server.hello": self.hello, "event.read": self.event_read}
        self.outcomes = {}
        self.events = []
        self.epoch = 18107174946154063969
        self.pos = 0
        self.changed = threading.Condition()
        self.before_reply = lambda count: True  # False: the reply is lost
        self.connections = []
        self.listeners = []
        self.threads = []
        self.start()

    # --- life

    def start(self):
        self.listeners = [self._listen("command.ipc", REP, self._serve),
                          self._listen("events.ipc", PUB, self._publish_to)]

    def _listen(self, name, proto, serve):
        path = os.path.join(self.directory, name)
        if os.path.exists(path):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(64)
        self._spawn(self._accept, listener, proto, serve)
        return listener

    def _spawn(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def stop(self):
        """End at once, as by SIGKILL: whatever is under way is lost."""
        with self.changed:
            listeners, self.listeners = self.listeners, []
            connections, self.connections = self.connections, []
            self.changed.notify_all()
        for listener in listeners:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        for connection in connections:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.sock.close()

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _accept(self, listener, proto, serve):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self._spawn(self._welcome, listener, sock, proto, serve)

    def _welcome(self, listener, sock, proto, serve):
        try:
            connection = Connection(sock, proto)
            with self.changed:
                if listener not in self.listeners:
                    sock.close()
                    return
                self.connections.append(connection)
                self.changed.notify_all()
            serve(connection)
        except (EOFError, OSError):
            sock.close()

    # --- requests

    def _serve(self, connection):
        while True:
            frame = connection.receive()
            request = msgpack.unpackb(frame[4:], raw=False, strict_map_key=True)
            try:
                reply = self._answer(request)
            except Silence:
                continue
            with self.changed:
                send = self.before_reply(len(self.requests))
            if send:
                connection.send(frame[:4] + msgpack.packb(reply))

    def _answer(self, request):
        assert request["v"] == 1
        if "batch" in request:
            return {"v": 1, "batch": [self._answer_one(item) for item in request["batch"]]}
        return {"v": 1, **self._answer_one(request)}

    def _answer_one(self, request):
        op, args, key = request["op"], request.get("args", {}), request.get("id")
        with self.changed:
            self.requests.append((op, args, key))
            self.changed.notify_all()
        head = {"id": key, "pos": self.pos, "at": 1700000000000}
        if key in self.outcomes and key is not None:
            seen, result = self.outcomes[key]
            if seen != (op, args):
                return {**head, "ok": False, "error": {
                    "code": "idempotency_mismatch", "class": "conflict", "retry": "never",
                    "text": "this id was used otherwise"}}
            return {**head, "ok": True, "dup": True, "result": result}
        handler = self.on.get(op)
        try:
            if not handler:
                raise Refusal("unknown_op")
            result = handler(args)
        except Refusal as refusal:
            return {**head, "ok": False, "error": refusal.error}
        if key is not None:
            self.outcomes[key] = ((op, args), result)
        return {**head, "ok": True, "result": result}

    def wait_for(self, condition):
        """Wait until condition() of what came is true."""
        with self.changed:
            if not self.changed.wait_for(condition, TIMEOUT):
                raise TimeoutError("the fake daemon waited in vain")

    # --- events

    def hello(self, _):
        return {"server": "kithd", "version": "0.0.0", "protocol": 1, "features": ["batch"],
                "limits": {}, "epoch": self.epoch, "first_seq": 1, "last_seq": len(self.events)}

    def event_read(self, args):
        after = args.get("after", 0)
        if "since" in args:
            after = sum(event["at"] < args["since"] for event in self.events)
        if args.get("end"):
            after = len(self.events)
        if args.get("wait_ms"):
            # A long poll: not answered before there is something, or the daemon ends.
            with self.changed:
                listeners = self.listeners
                self.changed.wait_for(
                    lambda: len(self.events) > after or self.listeners is not listeners,
                    args["wait_ms"] / 1000)
        types = tuple(args.get("types", [""]))
        page = self.events[after:after + args.get("limit", 100)]
        return {"events": [event for event in page if event["type"].startswith(types)],
                "next": after + len(page), "last_seq": len(self.events)}

    def add_event(self, type, **fields):
        with self.changed:
            seq = len(self.events) + 1
            self.events.append({"v": 1, "seq": seq, "at": 1700000000000 + seq * 1000, "type": type,
                                "cause": f"c{seq}", **fields, "audience": [], "notify": True})
            self.changed.notify_all()

    def _publish_to(self, connection):
        """A subscriber: told a beat now, and an event as soon as there is one."""
        sent = len(self.events)
        while True:
            beat = {"epoch": self.epoch, "last_seq": len(self.events), "at": 1700000000000}
            connection.send(b"~beat\0" + msgpack.packb(beat))
            with self.changed:
                self.changed.wait_for(
                    lambda: len(self.events) > sent or connection not in self.connections, 1.0)
                if connection not in self.connections:
                    return
                news = self.events[sent:]
                sent += len(news)
            for event in news:
                connection.send(event["type"].encode() + b"\0" + msgpack.packb(event))


class Case(unittest.TestCase):
    """A test with a fake daemon of its own."""

    def setUp(self):
        self.fake = Fake()
        self.addCleanup(self.fake.close)

    def environment(self):
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith("KITH_") and name not in ("NO_COLOR", "XDG_RUNTIME_DIR")}
        return {**kept, "KITH_URL": self.fake.url, "KITH_EVENTS_URL": self.fake.events_url,
                "TZ": "UTC", "TERM": "xterm", "LC_ALL": "C.UTF-8"}

    def kith(self, *words, input=None, env=None):
        """Run it to its end, its output in a pipe."""
        return subprocess.run([KITH, *words], input=input, capture_output=True, timeout=TIMEOUT,
                              env={**self.environment(), **(env or {})})

    def ok(self, *words, input=None):
        """Run it, demand success, and return its lines of JSON."""
        done = self.kith(*words, input=input)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.decode().splitlines()]

    def start(self, *words):
        """Start it, with pipes; ended at the test's end."""
        process = subprocess.Popen([KITH, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=self.environment())
        self.addCleanup(self._end, process)
        return process

    @staticmethod
    def _end(process):
        process.kill()
        process.communicate()

    def on_terminal(self, *words, env=None):
        """Run it with a terminal for output; the code and all that stood there."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([KITH, *words], stdin=subprocess.DEVNULL, stdout=theirs,
                                   stderr=theirs, env={**self.environment(), **(env or {})})
        os.close(theirs)
        output = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux says so when the last writer is gone.
                break
            if not part:
                break
            output += part
        os.close(ours)
        return process.wait(TIMEOUT), output.decode().replace("\r\n", "\n")

    def last_args(self):
        return self.fake.requests[-1][1]
