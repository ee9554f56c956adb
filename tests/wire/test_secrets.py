"""What nobody may find: tokens, claims and contacts, in files and their copies, events, lists,
errors, figures, the journal, or what tools print of any of these."""
import os
import shutil
import subprocess

import harness
from harness import Case

KITH = os.environ.get("KITH", "kith")

CONTACTS = (
    ("email", "carol@secret.example", "carol@secret.example"),
    ("phone", "+49 170 5550123", "+491705550123"),
    ("opaque", "ticket-4711-secret", "ticket-4711-secret"),
)


def contact(index):
    return {"kind": CONTACTS[index][0], "value": CONTACTS[index][1]}


class Secrets(Case):
    def work(self, client):
        """Use everything that has a secret in it once; the secrets."""
        client.do("member.register", member="ada", name="Ada")
        client.do("member.register", member="zoe", contacts=[contact(2)])
        secrets = [text for kind in CONTACTS for text in kind[1:]]
        invites = [client.do("invite.create", member="ada", contact=contact(i)) for i in range(3)]
        invites.append(client.do("invite.link", member="ada", max_uses=3, label="fair"))
        claim = client.do("invite.claim", token=invites[1]["token"])["claim"]
        client.do("invite.redeem", claim=claim, member="yan", contact=contact(1))
        client.do("invite.redeem", token=invites[3]["token"], member="xan")
        client.do("invite.decline", token=invites[0]["token"], kind="unknown")
        client.do("contact.suppress", contact=contact(0))
        client.do("member.verify_contact", member="yan", contact=contact(0))
        client.do("contact.unsuppress", member="yan", contact=contact(0))
        return secrets + [invite["token"] for invite in invites] + [claim]

    def scan(self, where, data, secrets):
        for secret in secrets:
            self.assertNotIn(secret.encode(), data, f"{secret} in {where}")

    def refused(self, client, secrets):
        """Commands that are refused, each for another reason; their answers."""
        email, phone, token = contact(0), contact(1), secrets[6]
        twice = {"id": "twice", "member": "ada", "contact": contact(1)}
        client.do("invite.create", **twice)
        answers = [client.call(op, args, id=f"refused-{i}") for i, (op, args) in enumerate((
            ("invite.create", {"member": "nobody", "contact": email}),
            ("invite.create", {"member": "ada", "contact": {**email, "more": 1}}),
            ("invite.create", {"member": "ada", "contact": {**phone, "kind": "email"}}),
            ("invite.create", {"member": "ada", "contact": email, "note": token}),
            ("invite.redeem", {"member": "wim", "token": token}),
            ("invite.redeem", {"member": "wim", "token": token, "claim": token}),
            ("invite.redeem", {"member": "wim", "token": token, "contact": "carol@secret.example"}),
            ("invite.peek", {"token": token, "more": token}),
            ("invite.revoke", {"member": "ada", "invite": token}),
            ("contact.unsuppress", {"member": "ada", "contact": email}),
            ("member.verify_contact", {"member": "nobody", "contact": email}),
            ("connection.request", {"from": "ada", "to": "zoe", "proof": email, "more": 1}),
        ))]
        answers.append(client.call("invite.create", {"member": "ada", "contact": email},
                                   id="twice"))
        codes = {answer["error"]["code"] for answer in answers}
        self.assertEqual(codes, {"no_such_member", "bad_argument", "bad_contact", "invite_invalid",
                                 "note_not_allowed", "not_found", "forbidden",
                                 "idempotency_mismatch"})
        return answers

    def published(self, subscriber, last):
        """All frames up to the one of event @last."""
        frames = [subscriber.next()]
        while frames[-1][1].get("seq", 0) < last:
            frames.append(subscriber.next())
        return frames

    def tool(self, *words):
        """What a program prints, on both streams."""
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=harness.TIMEOUT)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout + done.stderr

    def scan_files(self, top, secrets):
        paths = [os.path.join(at, name) for at, _, names in os.walk(top) for name in names]
        self.assertTrue(any(path.endswith("log/data.mdb") for path in paths), paths)
        for path in paths:
            with open(path, "rb") as file:
                self.scan(path, file.read(), secrets)

    def test_no_secret_is_found_anywhere(self):
        daemon = self.daemon().start()
        client, subscriber = self.client(daemon), self.subscriber(daemon)
        subscriber.next_beat()
        secrets = self.work(client)
        self.assertEqual(len(secrets), 11)
        answers = self.refused(client, secrets)

        last = client.call("server.hello")["pos"]
        for frame in self.published(subscriber, last):
            self.scan("what is published", repr(frame).encode(), secrets)
        told = [client.call(op, args) for op, args in (
            ("event.read", {"after": 0, "limit": 1000}),
            ("event.read", {"after": 0, "limit": 1000, "member": "ada"}),
            ("event.read", {"after": 0, "limit": 1000, "member": "yan"}),
            ("invite.list", {"member": "ada"}),
            ("invite.counts", {"member": "ada"}),
            ("invite.tree", {"member": "ada"}),
            ("member.list", {}),
            ("member.get", {"member": "zoe"}),
            ("connection.incoming", {"member": "zoe"}),
            ("server.stats", {}),
        )]
        for answer in told:
            self.assertTrue(answer["ok"], answer)
        for answer in answers + told:
            self.scan("an answer", repr(answer).encode(), secrets)
        self.assertGreater(len(told[0]["result"]["events"]), 15)
        # What is kept of a command is told without secrets to whoever knows its id.
        for event in told[0]["result"]["events"]:
            if event["cause"]:
                kept = client.call("command.lookup", {"id": event["cause"]})
                self.scan("a kept outcome", repr(kept).encode(), secrets)
        for words in (["stats"], ["watch", "--until-caught-up"]):
            self.scan(f"kith {words[0]}", self.tool(KITH, "--url", daemon.command, "--events",
                                                    daemon.events, *words), secrets)

        daemon.stop()
        self.scan("the journal", daemon.journal.text().encode(), secrets)
        self.scan_files(daemon.data, secrets)
        self.scan("kith verify", self.tool(KITH, "verify", "--deep", "--data", daemon.data),
                  secrets)

    def test_no_secret_is_found_in_a_copy(self):
        """A back-up as the operator's guide makes it, and the daemon that starts on it."""
        if not shutil.which("mdb_copy"):
            if os.environ.get("KITH_CHECK_ALL") == "1":
                self.fail("mdb_copy is not installed")
            self.skipTest("mdb_copy is not installed")
        daemon = self.daemon().start()
        secrets = self.work(self.client(daemon))
        copy = f"{daemon.directory}/copy"
        os.makedirs(f"{copy}/log", mode=0o700)
        self.tool("mdb_copy", "-c", f"{daemon.data}/log", f"{copy}/log")
        shutil.copy(f"{daemon.data}/secrets", f"{copy}/secrets")
        os.chmod(f"{copy}/log/data.mdb", 0o600)
        self.scan_files(copy, secrets)
        self.scan("kithd --verify", self.tool(harness.KITHD, "--verify", "--data", copy), secrets)

    def test_a_new_token_key_leaves_old_tokens_valid(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        client.do("member.register", member="ada")
        old = client.do("invite.create", id="first", member="ada", contact=contact(0))
        daemon.stop()
        with open(f"{daemon.data}/secrets", "a") as file:
            file.write("token_key.2 = " + "5a" * 32 + "\n")

        daemon.start()
        client = self.client(daemon)
        again = client.do("invite.create", id="first", member="ada", contact=contact(0))
        self.assertEqual(again["token"], old["token"])
        new = client.do("invite.create", member="ada", contact=contact(1))
        for token, member in ((old["token"], "yan"), (new["token"], "zoe")):
            self.assertTrue(client.do("invite.redeem", token=token, member=member)["joined"])


if __name__ == "__main__":
    harness.main()
