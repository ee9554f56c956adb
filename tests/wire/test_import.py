"""`kith import`, both ways, into a fresh daemon: the whole graph, once; and again after any kill."""
import json
import os
import random
import shutil
import subprocess
import tempfile

import graphs
import harness

KITH = os.environ.get("KITH", "kith")
KILLS = 5


class Import(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.edges = graphs.load()
        cls.near = graphs.adjacency(cls.edges)
        handle, cls.path = tempfile.mkstemp(suffix=".txt")
        with os.fdopen(handle, "w") as out:
            out.writelines(f"{a} {b}\n" for a, b in cls.edges)

    @classmethod
    def tearDownClass(cls):
        os.unlink(cls.path)

    def start_import(self, daemon, *flags):
        return subprocess.Popen(
            [KITH, "--url", daemon.command, "--events", daemon.events, "--json",
             "--timeout", "60s",
             "import", self.path, *flags], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def finish_import(self, process):
        out, _ = process.communicate(timeout=harness.TIMEOUT * 5)
        self.assertEqual(process.returncode, 0, out)
        return json.loads(out)

    def events(self, client):
        """Every event once, in order."""
        after, events = 0, []
        while True:
            page = client.ask("event.read", after=after, limit=1000)
            for event in page["events"]:
                self.assertEqual(event["seq"], after + 1)
                after = event["seq"]
                events.append(event)
            if after == page["last_seq"]:
                return events

    def answers(self, client):
        """What somebody could ask about the whole graph, as one value."""
        rng, members = random.Random(1), sorted(self.near)
        answers = [client.ask("member.get", member=m) for m in members]
        for _ in range(300):
            a, b = rng.sample(members, 2)
            answers.append(client.ask("connection.status", viewer=a, other=b))
            answers.append(client.ask("connection.mutuals", viewer=a, other=b))
            answers.append(client.ask("connection.list", member=a, limit=500))
        return answers

    def check_graph(self, client):
        for member, near in self.near.items():
            counts = client.ask("connection.counts", member=member)
            self.assertEqual(counts, {"connections": len(near), "incoming": 0, "outgoing": 0})
        stats = client.ask("server.stats")
        self.assertEqual(stats["members"], len(self.near))

    def check_events(self, client, requested):
        events = self.events(client)
        kinds = [event["type"] for event in events]
        self.assertEqual(kinds.count("member.registered"), len(self.near))
        self.assertEqual(kinds.count("connection.accepted"), len(self.edges))
        self.assertEqual(kinds.count("connection.requested"), requested)

    def remade(self, daemon):
        """Stop, delete the views, start: they are made anew from the log."""
        daemon.stop()
        shutil.rmtree(os.path.join(daemon.data, "views"))
        daemon.start()
        return self.client(daemon)

    def check_all(self, daemon, requested):
        client = self.client(daemon)
        self.check_graph(client)
        self.check_events(client, requested)
        before = self.answers(client)
        self.assertEqual(self.answers(self.remade(daemon)), before)

    def test_bulk(self):
        daemon = self.daemon(clock="system").start()
        report = self.finish_import(self.start_import(daemon))
        self.assertEqual(report["connections"]["new"], len(self.edges))
        self.check_all(daemon, 0)

    def test_as_requests(self):
        daemon = self.daemon(clock="system").start()
        self.finish_import(self.start_import(daemon, "--as-requests"))
        self.check_all(daemon, len(self.edges))

    def killed(self, *flags):
        """Kill the daemon, or the import, at random moments; run it again until it is through."""
        rng = random.Random(5)
        daemon = self.daemon(clock="system").start()
        total = len(self.near) + len(self.edges) * (2 if flags else 1)
        for _ in range(KILLS):
            process = self.start_import(daemon, *flags)
            client = daemon.client()
            wait_for = client.ask("server.hello")["last_seq"] + rng.randrange(1, total // 4)
            client.call("event.read", {"end": True}, min_pos=min(wait_for, total))
            client.close()
            daemon.kill()
            if rng.random() < 0.5:
                process.kill()
                process.communicate()
                daemon.start()
            else:
                daemon.start()
                self.finish_import(process)
        self.finish_import(self.start_import(daemon, *flags))
        return daemon

    def test_bulk_killed(self):
        self.check_all(self.killed(), 0)

    def test_as_requests_killed(self):
        self.check_all(self.killed("--as-requests"), len(self.edges))


if __name__ == "__main__":
    harness.main()
