"""A full disk: commands are refused, queries go on, and it mends itself when there is room.

Runs in a mount namespace of its own, so that the small disk goes with the process.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import msgpack

import harness
from harness import Case, Closed, Daemon

SKIPPED = 77
DISK = 24 << 20
MARK = "KITH_IN_NAMESPACE"
FLAGS = ["--set", "storage.map_size=1GiB"]


def pack(name):
    """Its registration, with its name as the command's id."""
    return msgpack.packb({"v": 1, "id": name, "op": "member.register", "args": {"member": name}})


def unpack(reply):
    return msgpack.unpackb(reply, raw=False)


class FullDisk(Case):
    def start(self, *flags):
        directory = tempfile.mkdtemp(prefix="kith-disk-")
        self.addCleanup(os.rmdir, directory)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "kith-test", directory],
                       check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", directory], check=True)
        self.directory = directory
        daemon = Daemon(directory=directory, flags=[*FLAGS, *flags])
        self.addCleanup(daemon.close)
        return daemon.start()

    def fill(self, leave):
        """Leave so many bytes free."""
        room = os.statvfs(self.directory)
        size = room.f_bavail * room.f_frsize - leave
        with open(f"{self.directory}/ballast", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)

    def empty(self):
        os.unlink(f"{self.directory}/ballast")

    def test_short_of_the_reserve(self):
        daemon = self.start("--set", "storage.reserve=8MiB")
        client = self.client(daemon)
        client.do("member.register", member="ada")
        self.fill(leave=4 << 20)
        daemon.journal.wait("commands are refused")
        reply = client.call("member.register", {"member": "bob"}, "bob")
        self.assert_error(reply, "unavailable")
        self.assertEqual(reply["error"]["retry"], "same_id")
        self.assertEqual(client.ask("member.get", member="ada")["state"], "active")
        self.assertEqual(client.ask("server.stats")["read_only"], 1)
        self.empty()
        daemon.journal.wait("commands are taken again")
        self.assertTrue(client.call("member.register", {"member": "bob"}, "bob")["ok"])
        self.assertEqual(client.ask("server.stats")["read_only"], 0)
        daemon.stop()

    def test_full_in_the_middle_of_a_commit(self):
        daemon = self.start("--set", "storage.reserve=0")
        client = self.client(daemon)
        client.do("member.register", member="ada")
        self.fill(leave=64 << 10)
        refused, done = self.register_until_refused(client)
        seq = client.ask("server.hello")["last_seq"]
        self.assertEqual(client.ask("member.get", member="ada")["state"], "active")
        for reply in client.batch([{"op": "member.get", "args": {"member": done}}]):
            self.assertTrue(reply["ok"])
        self.assertEqual(client.ask("server.hello")["last_seq"], seq)
        daemon.journal.wait("commits failed")
        self.empty()
        self.assertTrue(client.call("member.register", {"member": refused}, refused)["ok"])
        daemon.kill()
        daemon.start()
        client = self.client(daemon)
        self.assertTrue(client.call("member.register", {"member": refused}, refused)["dup"])
        self.assertTrue(client.call("member.register", {"member": done}, done)["dup"])
        daemon.stop()

    def test_full_while_the_next_batch_runs(self):
        """A batch that is committed aside fails, and takes with it what was executed upon it."""
        daemon = self.start("--set", "storage.reserve=0", "--set", "storage.commit_aside=1")
        client = self.client(daemon)
        self.fill(leave=512 << 10)
        taken = []
        for start in range(0, 100000, 500):
            names = [f"m{number}-" + "x" * 40 for number in range(start, start + 500)]
            replies = self.register_at_once(client, names)
            taken += [name for name, reply in replies.items() if reply["ok"]]
            codes = {reply["error"]["code"] for reply in replies.values() if not reply["ok"]}
            if codes:
                break
        self.assertEqual(codes, {"unavailable"})
        daemon.journal.wait("commits failed")
        self.check_taken(client, taken)
        self.empty()
        for reply in self.register_at_once(client, names).values():
            self.assertTrue(reply["ok"])
        daemon.kill()
        daemon.start()
        client = self.client(daemon)
        self.check_taken(client, {*taken, *names})
        self.assertTrue(all(reply["dup"] for reply in self.register_at_once(client, names).values()))
        daemon.stop()

    def register_at_once(self, client, names):
        """All sent before any answer is read; the answers by name."""
        numbers = [(name, client.send(pack(name))) for name in names]
        return {name: unpack(client.wait(number)) for name, number in numbers}

    def check_taken(self, client, names):
        """Each is there, with its event in the log, and no other is."""
        events, after = [], 0
        while page := client.ask("event.read", after=after, limit=1000)["events"]:
            events += page
            after = page[-1]["seq"]
        self.assertEqual([event["seq"] for event in events], list(range(1, len(events) + 1)))
        self.assertEqual({event["member"] for event in events}, set(names))
        self.assertEqual(len(events), len(names))

    @unittest.skipUnless(shutil.which("strace"), "no strace")
    def test_a_disk_that_fails(self):
        """Nobody knows what a failed fdatasync left behind: exit, and let the next start find out."""
        daemon = self.daemon()
        daemon.start_failing("-e", "trace=fdatasync",
                             "-e", "inject=fdatasync:error=EIO:when=30+")
        client = self.client(daemon)
        done = []
        try:
            for number in range(100):
                client.do("member.register", id=f"i{number}", member=f"m{number}")
                done.append(number)
            self.fail("fdatasync never failed")
        except Closed:
            pass
        self.assertEqual(daemon.wait(), 1)
        daemon.journal.wait("the daemon stops here")
        daemon.start()
        client = self.client(daemon)
        for number in done:
            reply = client.call("member.register", {"member": f"m{number}"}, f"i{number}")
            self.assertTrue(reply["dup"])
        daemon.stop()

    @unittest.skipUnless(shutil.which("strace"), "no strace")
    def test_a_checkpoint_that_fails(self):
        daemon = self.daemon(flags=["--set", "storage.checkpoint_every=100ms"]).start()
        daemon.stop()
        daemon.start_failing("-e", "trace=writev", "-P", f"{daemon.data}/views/data.mdb",
                             "-e", "inject=writev:error=ENOSPC:when=1..2")
        client = self.client(daemon)
        self.register_until(client, lambda: "written again" in daemon.journal.text())
        line = daemon.journal.wait("a checkpoint failed: ")
        self.assertIn("/views: ", line)
        self.assertIn("No space left", line)
        self.assertIn("nothing is lost", line)
        self.assertGreater(client.ask("server.stats")["checkpoint_failures"], 1)
        self.assertEqual(daemon.journal.text().count("a checkpoint failed: "), 1)
        daemon.kill()  # a sanitizer cannot look for leaks where strace looks on

    def register_until(self, client, is_over):
        """So that there is always something to checkpoint."""
        for number in range(1000000):
            if is_over():
                return
            client.do("member.register", member=f"m{number}")
        self.fail("it never was over")

    def register_until_refused(self, client):
        """Batches of one, until one is refused: that one's id, and the last one's before it."""
        done = None
        for number in range(100000):
            member = f"m{number}-" + "x" * 40
            reply = client.call("member.register", {"member": member}, member)
            if not reply["ok"]:
                self.assertEqual(reply["error"]["code"], "unavailable")
                return member, done
            done = member
        self.fail("the disk never filled")


def in_namespace():
    """Run this file again where mounts are our own; its status, or None where that cannot be."""
    unshare = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
    probe = [*unshare, "sh", "-c", "d=$(mktemp -d) && mount -t tmpfs none $d && umount $d; "
                                   "s=$?; rmdir $d; exit $s"]
    try:
        if subprocess.run(probe, capture_output=True).returncode != 0:
            return None
    except FileNotFoundError:
        return None
    return subprocess.run([*unshare, sys.executable, *sys.argv],
                          env={**os.environ, MARK: "1"}).returncode


if __name__ == "__main__":
    if MARK in os.environ:
        harness.main()
    status = in_namespace()
    if status is None:
        print("skipped: no mount namespace can be made here")
        status = SKIPPED
    sys.exit(status)
