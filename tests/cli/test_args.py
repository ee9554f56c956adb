"""Words become typed arguments; what is mistyped is answered with the nearest that is meant."""
import unittest

import fake


class Args(fake.Case):
    def setUp(self):
        super().setUp()
        for op in ("connection.request", "connection.accept", "connection.status", "member.get",
                   "connection.import", "invite.create", "member.list", "event.read",
                   "member.register", "clock.advance", "server.stats"):
            self.fake.on.setdefault(op, lambda args: {})
        self.fake.on["event.read"] = lambda args: {}

    def sends(self, words, op, args):
        with self.subTest(words=words):
            self.ok(*words)
            self.assertEqual(self.fake.requests[-1][:2], (op, args))

    def refuses(self, words, *texts):
        with self.subTest(words=words):
            before = len(self.fake.requests)
            done = self.kith(*words)
            self.assertEqual(done.returncode, 2, done)
            self.assertEqual(done.stdout, b"")
            for text in texts:
                self.assertIn(text, done.stderr.decode())
            self.assertEqual(len(self.fake.requests), before, "nothing may be sent")

    def test_names_of_operations(self):
        request = {"from": "ada", "to": "bob"}
        for name in (["connection.request"], ["connection", "request"], ["request"]):
            self.sends([*name, "ada", "bob"], "connection.request", request)
        self.refuses(["get", "ada"], "member.get", "invite.get", "quota.get")
        self.refuses(["connection"], "connection.request", "connection.status")
        self.refuses(["conection.request"], "did you mean 'connection.request'")
        self.refuses(["statsu"], "did you mean 'stats'")
        self.refuses(["wach"], "did you mean 'watch'")
        self.refuses(["xyzzy-nothing-near"], "no verb or operation", "kith help")

    def test_named_and_bare_words(self):
        full = {"from": "ada", "to": "bob", "note": "a=b, c"}
        self.sends(["request", "ada", "bob", "note=a=b, c"], "connection.request", full)
        self.sends(["request", "to=bob", "ada", "note=a=b, c"], "connection.request", full)
        self.sends(["request", "ada", "bob", "Hi there"], "connection.request",
                   {"from": "ada", "to": "bob", "note": "Hi there"})
        self.sends(["request", "from=-x", "--", "-y"], "connection.request",
                   {"from": "-x", "to": "-y"})
        self.refuses(["request", "ada"], "needs 'to'", "connection.request FROM TO [note=...]")
        self.refuses(["remove", "ada", "bob", "more"], "no further word", "more")
        self.refuses(["request", "ada", "bob", "notte=x"], "did you mean 'note'")
        self.refuses(["request", "from=a", "from=b", "to=c"], "given twice")
        self.refuses(["request", "ada", "to="], "to takes 1 to 64 bytes")
        self.refuses(["request", "ada", "b" * 65], "to takes 1 to 64 bytes, not 65")
        self.sends(["request", "ada", "b" * 64], "connection.request",
                   {"from": "ada", "to": "b" * 64})

    def test_one_member_or_several(self):
        self.sends(["status", "ada", "bob"], "connection.status",
                   {"viewer": "ada", "other": "bob"})
        self.sends(["status", "ada", "bob", "eve"], "connection.status",
                   {"viewer": "ada", "others": ["bob", "eve"]})
        self.sends(["status", "ada", "others=bob,eve"], "connection.status",
                   {"viewer": "ada", "others": ["bob", "eve"]})
        self.sends(["status", "ada", 'others=["b,b","ü"]'], "connection.status",
                   {"viewer": "ada", "others": ["b,b", "ü"]})
        self.sends(["member.get", "ada"], "member.get", {"member": "ada"})
        self.sends(["member.get", "ada", "bob"], "member.get", {"members": ["ada", "bob"]})

    def test_pairs_and_contacts(self):
        self.sends(["connection.import", "pairs=a:b,c:d", "via=link"], "connection.import",
                   {"pairs": [["a", "b"], ["c", "d"]], "via": "link"})
        self.sends(["connection.import", 'pairs=[["a:1","b"]]'], "connection.import",
                   {"pairs": [["a:1", "b"]]})
        self.refuses(["connection.import", "pairs=a:b,c"], "takes pairs as a:b,c:d")
        self.refuses(["connection.import", "pairs=a:b:c"], "takes pairs")
        self.refuses(["connection.import", "pairs=a:b", "via=ship"], "one of: import link invite")
        for text, kind, value in (("email:ann@ex.com", "email", "ann@ex.com"),
                                  ("ann@ex.com", "email", "ann@ex.com"),
                                  ("+4930123", "phone", "+4930123"),
                                  ("phone:030", "phone", "030"),
                                  ("opaque:x:y", "opaque", "x:y"),
                                  ('{"kind":"email","value":"a@b"}', "email", "a@b")):
            self.sends(["invite.create", "ada", f"contact={text}"], "invite.create",
                       {"member": "ada", "contact": {"kind": kind, "value": value}})
        self.refuses(["invite.create", "ada", "contact=ann"], "email:ADDRESS")

    def test_numbers_times_and_choices(self):
        self.sends(["member.list", "limit=10"], "member.list", {"limit": 10})
        self.refuses(["member.list", "limit=0"], "from 1 to")
        self.refuses(["member.list", "limit=ten"], "takes a number, not 'ten'")
        self.refuses(["member.list", "limit=-1"], "takes a number")
        self.refuses(["member.list", "limit=99999999999999999999"], "takes a number")
        self.sends(["clock.advance", "21d"], "clock.advance", {"ms": 21 * 86400000})
        self.sends(["clock.advance", "1500"], "clock.advance", {"ms": 1500})
        self.sends(["event.read", "since=2024-05-01T12:00:00Z"], "event.read",
                   {"since": 1714564800000})
        self.sends(["event.read", "end=yes", "types=a.,b"], "event.read",
                   {"end": True, "types": ["a.", "b"]})
        self.sends(["event.read", "end=false"], "event.read", {"end": False})
        self.refuses(["event.read", "end=perhaps"], "true or false")

    def test_json_of_arguments(self):
        self.sends(["status", "ada", r'others=["A\u00fc\ud83d\ude00\n"]'], "connection.status",
                   {"viewer": "ada", "others": ["Aü😀\n"]})
        for bad in ('["a"', '["a",]', "['a']", '["\\x"]', '["a"] x', '["\\ud800"]'):
            self.refuses(["status", "ada", f"others={bad}"], "not JSON")
        deep = "[" * 17 + "]" * 17
        self.refuses(["status", "ada", f"others={deep}"], "nested too deeply")

    def test_forbidden_arguments_are_the_daemons_to_explain(self):
        def create(args):
            raise fake.Refusal("note_not_allowed", "an invite carries no text")
        self.fake.on["invite.create"] = create
        done = self.kith("invite.create", "ada", "contact=a@b.c", "note=hello")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"an invite carries no text (note_not_allowed)", done.stderr)

    def test_flags_before_and_after(self):
        url = ["--url", self.fake.url]
        for words in (["--json", *url, "server.stats"], ["server.stats", *url, "--json"],
                      ["-j", "stats", f"--url={self.fake.url}"], ["-u", self.fake.url, "stats"]):
            with self.subTest(words=words):
                done = self.kith(*words, env={"KITH_URL": "ipc:///nowhere/at/all"})
                self.assertEqual((done.returncode, done.stdout), (0, b"{}\n"), done.stderr)
        self.sends(["--id", "k", "--reply", "request", "ada", "bob"], "connection.request",
                   {"from": "ada", "to": "bob"})
        self.assertEqual(self.fake.requests[-1][2], "k")
        self.refuses(["stats", "--jsn"], "did you mean --json")
        self.refuses(["--urll", "x", "stats"], "did you mean --url")
        self.refuses(["stats", "--url"], "--url needs a value")
        self.refuses(["stats", "--timeout", "soon"], "takes a time")
        self.refuses(["stats", "--all"], "is no list")
        self.refuses(["request", "a", "b", "--id", "x" * 65], "--id takes 1 to 64 bytes")

    def test_keys(self):
        self.ok("request", "ada", "bob", "--id", "k1")
        self.assertEqual(self.fake.requests[-1][2], "k1")
        again = self.ok("request", "ada", "bob", "--id", "k1", "--reply")
        self.assertTrue(again[0]["dup"])
        self.ok("request", "ada", "eve")
        first = self.fake.requests[-1][2]
        self.ok("request", "ada", "eve")
        self.assertNotEqual(first, self.fake.requests[-1][2])

    def test_help(self):
        self.assertEqual(self.kith().returncode, 2)
        for words in (["--help"], ["help"], ["-h"]):
            done = self.kith(*words)
            self.assertEqual(done.returncode, 0)
            for text in (b"connection.request", b"watch", b"--url", b"Exit codes"):
                self.assertIn(text, done.stdout)
        for words in (["help", "request"], ["request", "--help"], ["--help", "connection.request"]):
            done = self.kith(*words)
            self.assertEqual(done.returncode, 0)
            self.assertIn(b"kith connection.request FROM TO [note=...]", done.stdout)
        for verb in ("watch", "import", "bench"):
            self.assertIn(b"Options:", self.kith(verb, "--help").stdout)
        self.refuses(["help", "requst"], "did you mean 'request'")
        self.assertRegex(self.kith("version").stdout, rb"^kith \d+\.\d+\.\d+, protocol 1\n$")
        self.assertEqual(self.kith("--version").stdout, self.kith("version").stdout)

    def test_completion(self):
        def candidates(*words):
            return self.kith("__complete", *words).stdout.decode().split()
        self.assertIn("connection.request", candidates(""))
        self.assertEqual(candidates("wat"), ["watch"])
        self.assertIn("request", candidates("req"))
        self.assertEqual(candidates("connection.req"), ["connection.request"])
        self.assertEqual(candidates("request", "n"), ["note="])
        self.assertEqual(candidates("connection.import", "via=l"), ["via=link"])
        self.assertEqual(candidates("watch", "--unt"), ["--until-caught-up"])
        self.assertEqual(candidates("--url", "x", "hel"), ["help", "hello"])
        self.assertNotIn("__complete", candidates("_") + candidates(""))
        for shell in ("bash", "zsh"):
            done = self.kith("completion", shell)
            self.assertEqual(done.returncode, 0)
            self.assertIn(b"__complete", done.stdout)
        self.refuses(["completion", "fish"], "bash or zsh")


if __name__ == "__main__":
    unittest.main()
