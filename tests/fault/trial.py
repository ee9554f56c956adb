"""One life of a daemon under the shim, and what must be true behind it."""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile

import harness
import script
from shim import Shim

# Few events make a checkpoint, so that many are made, and few pages a part of one.
FLAGS = ["--set", "storage.checkpoint_events=20", "--set", "storage.checkpoint_memory=32KiB",
         "--set", "storage.map_size=1GiB"]
# A commit on the thread, for every batch that can be sealed.
ASIDE = ["--set", "storage.commit_aside=1"]
# What differs from one data directory to the next.
UNSTABLE = ("at", "request", "invite", "expires_at", "expired_at", "since", "until")
GONE = (harness.Closed, ConnectionError)
DEDUPE_MS = 7 * 86_400_000


class Wrong(Exception):
    """Something acknowledged is lost, or something is there that should not be."""


def expect(condition, *text):
    if not condition:
        raise Wrong(*text)


RETRIES_MAX = 4


def plain(event):
    return {name: value for name, value in event.items() if name not in UNSTABLE}


def read_log(client):
    """All events, dense."""
    events = []
    while True:
        page = client.ask("event.read", after=len(events), limit=1000)
        for event in page["events"]:
            expect(event["seq"] == len(events) + 1, "the log has a gap", event, len(events))
            events.append(plain(event))
        if not page["events"]:
            expect(page["last_seq"] == len(events), "last_seq", page["last_seq"], len(events))
            return events


def verify(data, deep=True, online=False):
    """kithd --verify: its exit status, its lines, and its errors."""
    flags = ["--verify", "--json"] + ["--deep"] * deep + ["--online"] * online
    done = subprocess.run([harness.KITHD, "--data", data, *FLAGS, *flags], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=harness.TIMEOUT)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, lines, done.stderr.decode()


class Reference:
    """A run in which nothing went wrong."""

    def __init__(self):
        self.flights = script.make()
        self.commands = sum(len(message) for flight in self.flights for message in flight)
        with life() as one:
            one.daemon.start()
            self.sites_start = one.shim.count
            client = one.daemon.client()
            self.replies = {}
            for flight in self.flights:
                for command, reply in script.send(client, flight):
                    self.replies[command["id"]] = reply
            self.log = read_log(client)
            one.daemon.stop()
            self.sites = one.shim.count
            self.per_call = one.shim.per_call()
            status, lines, errors = verify(one.daemon.data)
            expect(status == 0, "the reference is not sound", lines, errors)


class Life:
    """A data directory, and the daemons that serve it one after the other."""

    def __init__(self, directory, flags=()):
        self.shim = Shim(directory)
        self.shim.arm(0)
        self.daemon = harness.Daemon(directory=directory, flags=[*FLAGS, *flags])
        self.daemon.environment = self.shim.environment()
        self.acknowledged = {}
        self.answered = set()

    def start(self):
        """True if it came up."""
        self.daemon.spawn()
        try:
            # Not for the word to the service manager: that may be what is lost.
            self.daemon.journal.wait(" serves ")
            return True
        except AssertionError:
            self.daemon.wait()
            return False

    def note(self, command, reply):
        self.answered.add(command["id"])
        if reply["ok"]:
            self.acknowledged.setdefault(command["id"], reply)

    def is_answered(self, flight):
        return all(command["id"] in self.answered for message in flight for command in message)

    def send_all(self, flights):
        """Send flights from the first that was not answered on, until the daemon is gone. True if it
        never was."""
        try:
            client = self.daemon.client()
            for flight in flights:
                if self.is_answered(flight):
                    continue
                for command, reply in script.send(client, flight):
                    self.note(command, reply)
            client.close()
            return True
        except GONE:
            return False

    def send_patiently(self, flights):
        """Send one message after the other, each again while the daemon says `unavailable` or drops
        the connection. False where it goes on saying so, or has ended."""
        client, tries = None, 0
        waiting = [[message] for flight in flights for message in flight
                   if not self.is_answered([message])]
        while waiting and tries <= RETRIES_MAX:
            try:
                client = client or self.daemon.client()
                answers = list(script.send(client, waiting[0]))
            except ConnectionRefusedError:
                self.daemon.wait()
                return False
            except GONE:
                client, tries = None, tries + 1
                continue
            codes = {reply["error"]["code"] for _, reply in answers if not reply["ok"]}
            if "unavailable" in codes:
                expect(len(codes) == 1 and not any(reply["ok"] for _, reply in answers),
                       "half of a message", answers)
                tries += 1
                continue
            expect("internal" not in codes, "internal", answers)
            for command, reply in answers:
                self.note(command, reply)
            waiting.pop(0)
            tries = 0
        if client:
            client.close()
        return not waiting

    def has_ended(self):
        return self.daemon.process.poll() is not None

    def start_anew(self):
        """As after a crash, with nothing in the way."""
        if self.daemon.process and not self.has_ended():
            self.daemon.kill()
        self.daemon.environment = {}
        self.daemon.start()

    def check(self, reference):
        """What was acknowledged is there once, the rest wholly or not at all."""
        client = self.daemon.client()
        log = read_log(client)
        count = len(log)
        expect(log == reference.log[:count], "the log is another",
               next((pair for pair in zip(log, reference.log) if pair[0] != pair[1]), None))
        if 0 < count < len(reference.log):
            cause = log[-1].get("cause")
            expect(cause is None or reference.log[count].get("cause") != cause,
                   "half of a command", log[-1])
        for id, reply in self.acknowledged.items():
            expect(reply["pos"] <= count, "acknowledged and lost", id, reply, count)
            # A command that was sent again into a longer log keeps the position of its first time.
            expect(reply["pos"] == reference.replies[id]["pos"], "another position", id, reply)
        self.look_up(client)
        client.close()
        return count

    def look_up(self, client):
        now = client.call("server.hello")["at"]
        kept = [(id, reply) for id, reply in self.acknowledged.items()
                if now - reply["at"] < DEDUPE_MS]
        for start in range(0, len(kept), 200):
            part = kept[start:start + 200]
            answers = client.batch([{"op": "command.lookup", "args": {"id": id}}
                                    for id, _ in part])
            for (id, reply), answer in zip(part, answers):
                outcome = answer["result"]
                expect(outcome and outcome["pos"] == reply["pos"], "no outcome is kept", id, answer)

    def finish(self, reference):
        """All that is missing, again with the same ids: in the end nothing is missing or twice."""
        expect(self.send_all(reference.flights), "the daemon went away")
        client = self.daemon.client()
        log = read_log(client)
        expect(log == reference.log, "the log is another in the end", len(log), len(reference.log),
               next((pair for pair in zip(log, reference.log) if pair[0] != pair[1]), log[-1]))
        client.close()
        self.daemon.kill()
        status, lines, errors = verify(self.daemon.data)
        expect(status == 0, "not sound", lines, errors)


@contextlib.contextmanager
def life(flags=()):
    directory = tempfile.mkdtemp(prefix="kith-")
    one = Life(directory, flags)
    try:
        yield one
    finally:
        one.daemon.close()
        shutil.rmtree(directory, ignore_errors=True)


def use_memory():
    """Data in memory where there is such a place: a kill does not care, and it is quicker."""
    if "TMPDIR" not in os.environ and os.access("/dev/shm", os.W_OK):
        os.environ["TMPDIR"] = tempfile.tempdir = "/dev/shm"
