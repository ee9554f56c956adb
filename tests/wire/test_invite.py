"""`kith invite`, against a daemon: what it prints is what one pastes."""
import json
import os
import subprocess

import harness
from harness import Case


class Invite(Case):
    def setUp(self):
        self.kithd = self.daemon().start()
        self.caller = self.client(self.kithd)
        self.caller.do("member.register", member="ada", name="Ada")

    def kith(self, *words, status=0):
        done = subprocess.run([os.environ["KITH"], "--url", self.kithd.command, *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=harness.TIMEOUT)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def test_an_address_a_number_and_a_value(self):
        for contact, kind in (("ann@ex.com", "email"), ("+491701234567", "phone"),
                              ("opaque:ticket-7", "opaque")):
            result = json.loads(self.kith("invite", contact, "--as", "ada"))
            got = self.caller.ask("invite.get", member="ada", invite=result["invite"])
            self.assertEqual(got["kind"], kind)
            self.assertEqual(self.caller.ask("invite.peek", token=result["token"])["name"], "Ada")

    def test_a_link(self):
        result = json.loads(self.kith("invite", "--as", "ada", "--uses", "3", "--label", "fair"))
        got = self.caller.ask("invite.get", member="ada", invite=result["invite"])
        self.assertEqual((got["kind"], got["max_uses"], got["label"]), ("link", 3, "fair"))

    def test_the_operation_is_still_there(self):
        result = json.loads(self.kith("invite", "create", "member=ada", "contact=email:a@ex.com"))
        self.assertIn("token", result)

    def test_what_is_wrong_is_said(self):
        self.assertIn("--as", self.kith("invite", "ann@ex.com", status=2))
        self.assertIn("leave", self.kith("invite", "a@ex.com", "--as", "ada", "--uses", "2",
                                         status=2))
        self.kith("invite", "nobody", "--as", "ada", status=2)
        self.kith("invite", "ann@ex.com", "--as", "zoe", status=1)


if __name__ == "__main__":
    harness.main()
