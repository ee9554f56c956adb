"""`kithd --verify` beside a running daemon: sound is sound under load, damage is found and named
while the daemon goes on, and a verifier that is killed leaves nothing behind.
"""
import json
import os
import shutil
import struct
import subprocess
import threading
import unittest

import harness
from harness import Case

PAGE = 4096
LEAF = 0x02
HEAD_SIZE, NODE_SIZE = 16, 8  # of a page and of a row in LMDB's files
GROUP = 200
SMALL = ("--set", "storage.checkpoint_events=100")


def verify(daemon, *flags):
    """Its exit status, its findings, the lines around them, and what went to standard error."""
    status, out, errors = harness.run(["--verify", "--json", "--data", daemon.data, *flags])
    lines = [json.loads(line) for line in out.splitlines()]
    findings = [line for line in lines if "finding" in line]
    return status, findings, [line for line in lines if "finding" not in line], errors


def register(client, count, word="member"):
    """Members with names of their own, in messages of many: each message is one commit."""
    for start in range(0, count, GROUP):
        items = [{"op": "member.register", "id": f"{word}-{number}",
                  "args": {"member": f"{word}-{number:06}", "tier": "unlimited"}}
                 for number in range(start, min(count, start + GROUP))]
        for answer in client.batch(items):
            assert answer["ok"], answer


def flip(path, word):
    """Flip a bit wherever the word stands. LMDB may have left older copies of a page."""
    with open(path, "r+b") as file:
        content = file.read()
        at = content.find(word)
        assert at >= 0, f"{word} is not in {path}"
        while at >= 0:
            file.seek(at)
            file.write(bytes([content[at] ^ 1]))
            at = content.find(word, at + 1)


def event_pages(path):
    """Pages with events that are there once: {the page's offset: its first and last event}."""
    with open(path, "rb") as file:
        content = file.read()
    found = {}
    for offset in range(2 * PAGE, len(content), PAGE):
        flags, lower = struct.unpack_from("=HH", content, offset + 10)
        if flags != LEAF or (lower - HEAD_SIZE) // 2 < 2:
            continue
        numbers = []
        for node in struct.unpack_from(f"={(lower - HEAD_SIZE) // 2}H", content, offset + HEAD_SIZE):
            key_size, = struct.unpack_from("=H", content, offset + node + NODE_SIZE - 2)
            if key_size != 8:
                break
            numbers.append(struct.unpack_from(">Q", content, offset + node + NODE_SIZE)[0])
        else:
            if all(one + 1 == next for one, next in zip(numbers, numbers[1:])):
                found[offset] = (numbers[0], numbers[-1])
    firsts = [first for first, _ in found.values()]
    return {offset: pair for offset, pair in found.items() if firsts.count(pair[0]) == 1}


def swap(path, one, other):
    with open(path, "r+b") as file:
        file.seek(one)
        first = file.read(PAGE)
        file.seek(other)
        second = file.read(PAGE)
        file.seek(other)
        file.write(first)
        file.seek(one)
        file.write(second)


def zero(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(bytes(PAGE))


def readers(data, name):
    """The processes that have a snapshot of it open."""
    done = subprocess.run(["mdb_stat", "-r", os.path.join(data, name)], capture_output=True,
                          text=True, timeout=harness.TIMEOUT)
    assert "Reader Table Status" in done.stdout, done
    rows = (line.split() for line in done.stdout.splitlines())
    return {int(row[0]) for row in rows if len(row) == 3 and row[0].isdigit()}


class Online(Case):
    def filled(self, count=1200, flags=SMALL):
        """A daemon whose views are on disk as far as they go, and a client."""
        daemon = self.daemon(flags=flags).start()
        client = self.client(daemon)
        register(client, count)
        daemon.stop()
        daemon.start()
        return daemon, self.client(daemon)

    def assert_serves(self, client):
        client.do("member.register", member="somebody", tier="free")
        self.assertEqual(client.ask("member.get", member="somebody")["member"], "somebody")

    def test_sound_under_load(self):
        daemon, _ = self.filled()
        stop = threading.Event()
        rounds, failures = [], []

        def load():
            client = daemon.client()
            try:
                while not stop.is_set():
                    register(client, GROUP, f"load{len(rounds)}")
                    rounds.append(GROUP)
            except (AssertionError, OSError, harness.Closed) as failure:
                failures.append(failure)
            client.close()

        thread = threading.Thread(target=load)
        thread.start()
        try:
            last_seq = 0
            for _ in range(5):
                status, findings, lines, errors = verify(daemon)
                self.assertEqual((status, findings), (0, []), errors)
                self.assertEqual(lines[0], {"online": True, "process": daemon.process.pid})
                self.assertGreaterEqual(lines[-1]["last_seq"], max(last_seq, 1200))
                self.assertLessEqual(lines[-1]["applied"], lines[-1]["last_seq"])
                last_seq = lines[-1]["last_seq"]
        finally:
            stop.set()
            thread.join()
        self.assertEqual(failures, [])
        self.assertTrue(rounds)
        daemon.stop()
        status, findings, lines, errors = verify(daemon, "--deep")
        self.assertEqual((status, findings, len(lines)), (0, [], 1), errors)

    def test_a_record_of_the_log(self):
        daemon, client = self.filled()
        flip(f"{daemon.data}/log/data.mdb", b"member-000600")
        status, findings, _, errors = verify(daemon)
        self.assertEqual(status, 1, errors)
        self.assertEqual([(finding["first_seq"], finding["last_seq"]) for finding in findings],
                         [(601, 601)], findings)
        self.assertIn("log: the record is damaged", findings[0]["finding"])
        self.assert_serves(client)

    def test_a_row_of_the_views(self):
        daemon, client = self.filled()
        flip(f"{daemon.data}/views/data.mdb", b"member-000600")
        status, findings, _, errors = verify(daemon)
        self.assertEqual(status, 1, errors)
        texts = [finding["finding"] for finding in findings]
        self.assertTrue(any(text.startswith("views: table member") for text in texts), texts)
        self.assertFalse(any(text.startswith("log") for text in texts), texts)
        self.assert_serves(client)

    def assert_lost(self, daemon, *ranges):
        """These events, and no others, are named."""
        status, findings, _, errors = verify(daemon)
        self.assertEqual(status, 1, errors)
        named = {number for finding in findings if "first_seq" in finding
                 for number in range(finding["first_seq"], finding["last_seq"] + 1)}
        # The one behind a gap cannot be vouched for either.
        lost = {number for first, last in ranges for number in range(first, last + 2)}
        self.assertEqual(named, lost, findings)

    def test_pages_of_the_log_that_change_places(self):
        daemon, client = self.filled()
        path = f"{daemon.data}/log/data.mdb"
        pages = sorted(event_pages(path).items(), key=lambda page: page[1])
        (one, first), (other, second) = pages[len(pages) // 3], pages[len(pages) // 2]
        swap(path, one, other)
        self.assert_lost(daemon, first, second)
        self.assert_serves(client)

    def test_a_page_of_the_log_that_is_gone(self):
        daemon, client = self.filled()
        path = f"{daemon.data}/log/data.mdb"
        pages = sorted(event_pages(path).items(), key=lambda page: page[1])
        offset, events = pages[len(pages) // 2]
        zero(path, offset)
        self.assert_lost(daemon, events)
        self.assert_serves(client)

    @unittest.skipUnless(shutil.which("mdb_stat"), "lmdb-utils is not installed")
    def test_killed_in_its_middle(self):
        daemon, client = self.filled(2000)
        killed = False
        while not killed:
            process = subprocess.Popen(
                [harness.KITHD, "--verify", "--data", daemon.data, "--rate", "64KiB"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and not killed:
                killed = bool(readers(daemon.data, "views") - {daemon.process.pid})
            process.kill()
            process.wait(harness.TIMEOUT)
        daemon.journal.wait("readers of the data have died")
        for name in ("log", "views"):
            self.assertLessEqual(readers(daemon.data, name), {daemon.process.pid}, name)
        self.assert_serves(client)

    @unittest.skipUnless(shutil.which("strace"), "no strace")
    def test_views_of_half_a_checkpoint(self):
        """Killed where the parts of a checkpoint are written, but not yet all that there is."""
        daemon, _ = self.filled(10)
        daemon.stop()
        daemon.flags += ["--set", "storage.checkpoint_memory=16KiB"]
        daemon.start_failing("-e", "trace=unlink", "-P", f"{daemon.data}/views/rollback",
                             "-e", "inject=unlink:signal=KILL")
        try:
            register(self.client(daemon), 1000, "other")
        except (harness.Closed, ConnectionError):
            pass
        daemon.wait()
        status, findings, lines, errors = verify(daemon)
        self.assertEqual((status, findings), (0, []), errors)
        self.assertEqual((lines[0]["views"], lines[0]["views_seen"]), (True, False))
        text = harness.run(["--verify", "--data", daemon.data])[1]
        self.assertIn("views not looked at", text)
        self.assertIn("a checkpoint of the views ended half way", verify(daemon, "--deep")[3])
        daemon.start()
        self.assertNotIn("anew", daemon.journal.text())
        status, _, lines, errors = verify(daemon)
        self.assertEqual((status, lines[-1]["views_seen"]), (0, True), errors)
        self.assert_serves(daemon.client())

    def test_it_leaves_the_lock_alone(self):
        daemon, _ = self.filled(10)
        self.assertEqual(verify(daemon, "--deep")[0], 2)
        self.assertIn("--deep is for a stopped daemon", verify(daemon, "--deep")[3])
        daemon.stop()
        with open(f"{daemon.data}/LOCK", encoding="ascii") as file:
            signed = file.read()
        status, findings, lines, errors = verify(daemon, "--online")
        self.assertEqual((status, findings), (0, []), errors)
        self.assertEqual(lines[0], {"online": True, "process": 0})
        with open(f"{daemon.data}/LOCK", encoding="ascii") as file:
            self.assertEqual(file.read(), signed)
        self.assertEqual(harness.run(["--verify", "--data", daemon.data, "--rate", "1"])[0], 2)
        self.assertEqual(harness.run(["--online"])[0], 2)

    def test_kith_passes_it_on(self):
        daemon, _ = self.filled(10)
        done = subprocess.run([os.environ["KITH"], "verify", "--data", daemon.data, "--online",
                               "--rate", "1GiB", "--json"], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=harness.TIMEOUT)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn('"ok":true', done.stdout)


if __name__ == "__main__":
    harness.main()
