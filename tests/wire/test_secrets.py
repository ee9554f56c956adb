"""What nobody may find: tokens, claims and contacts, in files, events, lists or the journal."""
import os

import harness
from harness import Case

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

    def test_no_secret_is_found_anywhere(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        secrets = self.work(client)
        self.assertEqual(len(secrets), 11)

        answers = [
            client.call("event.read", {"after": 0, "limit": 1000}),
            client.call("invite.list", {"member": "ada"}),
            client.call("invite.counts", {"member": "ada"}),
            client.call("invite.tree", {"member": "ada"}),
            client.call("member.list", {}),
            client.call("server.stats", {}),
        ]
        for answer in answers:
            self.assertTrue(answer["ok"], answer)
            self.scan("an answer", repr(answer).encode(), secrets)
        self.assertGreater(len(answers[0]["result"]["events"]), 15)

        daemon.stop()
        self.scan("the journal", daemon.journal.text().encode(), secrets)
        files = [os.path.join(at, name) for at, _, names in os.walk(daemon.data) for name in names]
        self.assertTrue(any(path.endswith("log/data.mdb") for path in files), files)
        for path in files:
            with open(path, "rb") as file:
                self.scan(path, file.read(), secrets)

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
