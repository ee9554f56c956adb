"""SIGKILL at any time: what was acknowledged is there once, the rest wholly there or not at all."""
import os
import random

import harness
from harness import Case, Closed

ROUNDS = 6
WINDOW = 64
COMMANDS = 400


class Crash(Case):
    def test_acknowledged_commands_survive(self):
        seed = int(os.environ.get("KITH_SEED", "7"))
        draw = random.Random(seed)
        daemon = self.daemon(clock="system")
        acknowledged = {}
        for round_number in range(ROUNDS):
            daemon.start()
            self.load(daemon, round_number, draw.randrange(COMMANDS), acknowledged)
            daemon.wait()
        daemon.start()
        client = self.client(daemon)
        for member, reply in acknowledged.items():
            again = client.call("member.register", {"member": member}, member)
            self.assertEqual((again["ok"], again.get("dup")), (True, True), f"seed {seed}")
            self.assertEqual((again["pos"], again["at"]), (reply["pos"], reply["at"]))
        self.check_log(client)
        daemon.stop()

    def load(self, daemon, round_number, kill_after, acknowledged):
        """Many commands on their way, and a kill in their midst."""
        client = self.client(daemon)
        waiting = []
        try:
            for number in range(COMMANDS):
                member = f"m{round_number}-{number}"
                waiting.append((member, client.start("member.register", {"member": member}, member)))
                if len(waiting) == WINDOW:
                    self.take(client, waiting, acknowledged)
                if number == kill_after:
                    daemon.process.kill()
            while waiting:
                self.take(client, waiting, acknowledged)
        except (Closed, BrokenPipeError, ConnectionResetError):
            pass

    def take(self, client, waiting, acknowledged):
        member, number = waiting[0]
        reply = harness.unpack(client.wait(number))
        waiting.pop(0)
        self.assertTrue(reply["ok"], reply)
        acknowledged[member] = reply

    def check_log(self, client):
        """The log is dense, and each member was registered once."""
        after, members = 0, []
        while True:
            page = client.ask("event.read", after=after, limit=1000)
            for event in page["events"]:
                self.assertEqual(event["seq"], after + 1)
                after = event["seq"]
                if event["type"] == "member.registered":
                    members.append(event["member"])
            if not page["events"]:
                break
        self.assertEqual(after, page["last_seq"])
        self.assertEqual(len(members), len(set(members)))

    def test_views_are_made_anew(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        for number in range(50):
            client.do("member.register", member=f"m{number}")
        client.do("connection.import", pairs=[[f"m{n}", f"m{n + 1}"] for n in range(49)])
        before = client.ask("connection.list", member="m7"), client.ask("member.list")
        daemon.stop()
        for name in os.listdir(f"{daemon.data}/views"):
            os.unlink(f"{daemon.data}/views/{name}")
        daemon.start()
        client = self.client(daemon)
        self.assertEqual(before,
                         (client.ask("connection.list", member="m7"), client.ask("member.list")))
        daemon.stop()

    def test_a_damaged_log_is_not_served(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        for number in range(20):
            client.do("member.register", member=f"member-{number}")
        daemon.stop()
        path = f"{daemon.data}/log/data.mdb"
        with open(path, "r+b") as file:
            data = file.read()
            places = [at for at in range(len(data)) if data.startswith(b"member-7", at)]
            self.assertTrue(places)
            for place in places:
                file.seek(place)
                file.write(b"member-X")
        for name in os.listdir(f"{daemon.data}/views"):
            os.unlink(f"{daemon.data}/views/{name}")
        daemon.spawn()
        self.assertEqual(daemon.wait(), 1)
        daemon.journal.wait("kithd does not start.*event 8")

    def test_a_damaged_record_fails_who_asks_for_it_and_nobody_else(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        for number in range(200):
            client.do("member.register", id=f"r{number}", member=f"member-{number}")
        daemon.stop()
        with open(f"{daemon.data}/log/data.mdb", "r+b") as file:
            data = file.read()
            places = [at for at in range(len(data)) if data.startswith(b"member-150", at)]
            self.assertTrue(places)
            for place in places:
                file.seek(place)
                file.write(b"member-X50")
        daemon.start()
        client = self.client(daemon)
        for _ in range(3):
            self.assertEqual(client.call("event.read", {"after": 148})["error"]["code"], "internal")
            again = client.call("member.register", {"member": "member-150"}, id="r150")
            self.assertEqual(again["error"]["code"], "internal")
            self.assertEqual(client.ask("member.get", member="member-150")["member"], "member-150")
        client.do("member.register", member="one-more")
        self.assertEqual(len(client.ask("event.read", after=0, limit=100)["events"]), 100)
        daemon.journal.wait("event 151 in the log is damaged")
        daemon.stop()

    def test_a_damaged_view_is_made_anew(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        for number in range(20):
            client.do("member.register", member=f"member-{number}")
        before = client.ask("member.get", member="member-7")
        daemon.stop()
        with open(f"{daemon.data}/views/data.mdb", "r+b") as file:
            data = file.read()
            places = [at for at in range(len(data)) if data.startswith(b"member-7", at)]
            self.assertTrue(places)
            for place in places:
                # In the value, which stands behind its key.
                file.seek(place + len("member-7") + 2)
                file.write(bytes([data[place + len("member-7") + 2] ^ 0x55]))
        daemon.start()
        client = self.client(daemon)
        self.assertEqual(client.ask("member.get", member="member-7"), before)
        daemon.journal.wait("views are missing or damaged")
        client.do("member.register", member="one-more")
        daemon.stop()


if __name__ == "__main__":
    harness.main()
