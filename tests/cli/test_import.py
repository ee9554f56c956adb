"""kith import: files of all kinds, and interruptions that double nothing."""
import gzip
import json
import os
import signal
import unittest

import fake


class Network:
    """What the fake daemon knows: members, requests, connections. Effects are counted."""

    def __init__(self, daemon):
        self.tiers, self.pending, self.connected = {}, set(), set()
        self.effects = 0
        daemon.on.update({"member.register": self.register, "connection.import": self.import_pairs,
                          "connection.request": self.request, "connection.accept": self.accept})

    def register(self, args):
        if args["member"] in self.tiers:
            return {"existing": True}
        self.effects += 1
        self.tiers[args["member"]] = args.get("tier", "free")
        return {"existing": False}

    def connect(self, a, b):
        pair = frozenset((a, b))
        if pair in self.connected:
            return False
        assert a in self.tiers and b in self.tiers, "members come first"
        self.effects += 1
        self.connected.add(pair)
        return True

    def import_pairs(self, args):
        assert len(args["pairs"]) <= 1000
        new = sum([self.connect(a, b) for a, b in args["pairs"]])
        return {"connected": new, "skipped": len(args["pairs"]) - new}

    def request(self, args):
        pair = (args["from"], args["to"])
        if frozenset(pair) in self.connected:
            raise fake.Refusal("already_connected")
        if pair in self.pending:
            raise fake.Refusal("already_pending", request="r")
        self.effects += 1
        self.pending.add(pair)
        return {"state": "pending", "request": "r", "expires_at": 1}

    def accept(self, args):
        pair = (args["other"], args["member"])
        if frozenset(pair) in self.connected:
            raise fake.Refusal("already_connected")
        if pair not in self.pending:
            raise fake.Refusal("no_request")
        self.pending.remove(pair)
        self.connect(*pair)
        return {"state": "connected"}


def pairs_of(*pairs):
    return {frozenset(pair) for pair in pairs}


class Import(fake.Case):
    def setUp(self):
        super().setUp()
        self.network = Network(self.fake)

    def run_import(self, data, *flags, code=0):
        done = self.kith("import", "-", *flags, input=data)
        self.assertEqual(done.returncode, code, done)
        return json.loads(done.stdout)

    def test_kinds_of_files(self):
        for data in (b"a b\nb c\n", b"a\tb\nb\tc", b"a,b\nb,c\n", b"\n# x\n% y\n a   b \n\tb c x y\n",
                     b"source\ttarget\na\tb\nb\tc\n", b"from,to\na,b\nb,c\n", b"\xef\xbb\xbfid,Target,SOURCE\r\n1,a,b\r\n2,b,c\r\n",
                     b'source,target\n"a","b"\n b , "c"\n', gzip.compress(b"a b\nb c\n")):
            with self.subTest(data=data):
                self.network = Network(self.fake)
                flags = ["--no-header"] if data.startswith(b"a,b\n") else []
                summary = self.run_import(data, "--key", repr(data)[:40], *flags)
                self.assertEqual(self.network.connected, pairs_of("ab", "bc"))
                self.assertEqual(summary["file"]["bad"], 0)
                self.assertEqual(summary["connections"], {"new": 2, "existing": 0, "skipped": 0})
                self.assertEqual(summary["members"], {"registered": 3, "existing": 0})

    def test_header_or_pair(self):
        self.assertEqual(self.run_import(b"a,b\nc,d\n", "-n")["file"]["pairs"], 1)
        self.assertEqual(self.run_import(b"a,b\nc,d\n", "-n", "--no-header")["file"]["pairs"], 2)
        self.assertEqual(self.run_import(b"a b\nc d\n", "-n")["file"]["pairs"], 2)
        self.assertEqual(self.run_import(b"x,y\nc,d\n", "-n")["file"]["pairs"], 2)

    def test_quotes(self):
        summary = self.run_import(b'from,to\n"a,1","say ""hi"""\n')
        self.assertEqual(self.network.connected, pairs_of(["a,1", 'say "hi"']))
        self.assertEqual(summary["file"]["bad"], 0)

    def test_hostile_files(self):
        long = b"x" * (1 << 20)
        lines = [b"good one", long + b" " + long, b"nul\0 x", b"\xff\xfe x", b"only",
                 b"c\x01 d", b"e" * 65 + b" f", b"g " + b"h" * 64, b"\xed\xa0\x80 x",
                 b"last one"]
        summary = self.run_import(b"\n".join(lines), code=1)
        self.assertEqual(summary["file"]["bad"], 7)
        self.assertEqual(summary["file"]["lines"], 10)
        self.assertEqual([example["line"] for example in summary["file"]["examples"]],
                         [2, 3, 4, 5, 6])
        self.assertEqual(self.network.connected,
                         pairs_of(["good", "one"], ["g", "h" * 64], ["last", "one"]))
        for data in (b"", b"\n\n\n", b"#", b"\0" * 100000, b"\n" * 100000, b'"', b'a,"b\n',
                     b'"a"x,b\n', b",\n,,\n", b"\xef\xbb\xbf"):
            with self.subTest(data=data[:20]):
                done = self.kith("import", "-", input=data)
                self.assertIn(done.returncode, (0, 1))
                self.assertEqual(json.loads(done.stdout)["file"]["pairs"], 0)

    def test_unreadable_files(self):
        done = self.kith("import", "/nowhere/at/all")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"No such file", done.stderr)
        whole = gzip.compress(b"a b\n" * 10000)
        for data in (whole[:-20], whole[:30] + b"\0" * 50 + whole[80:]):
            self.assertEqual(self.kith("import", "-", input=data).returncode, 2)
        self.assertEqual(self.kith("import").returncode, 2)
        self.assertEqual(self.kith("import", "a", "b").returncode, 2)
        self.assertEqual(self.kith("import", ".").returncode, 2)

    def test_self_and_duplicate_pairs(self):
        for flags in ([], ["--as-requests", "--key", "other"]):
            summary = self.run_import(b"a b\nb a\na a\na b\nb c\n", *flags)
            self.assertEqual((summary["file"]["self"], summary["file"]["duplicate"],
                              summary["file"]["pairs"]), (1, 2, 2))
            self.assertEqual(self.network.connected, pairs_of("ab", "bc"))

    def test_as_requests(self):
        summary = self.run_import(b"b a\nb c\n", "--as-requests")
        self.assertEqual(set(self.network.tiers.values()), {"unlimited"})
        self.assertEqual(self.network.connected, pairs_of("ab", "bc"))
        asked = [args for op, args, _ in self.fake.requests if op == "connection.request"]
        self.assertIn({"from": "b", "to": "a"}, asked, "who stands first asks")
        self.assertEqual(summary["connections"], {"new": 2, "existing": 0, "skipped": 0})
        self.assertEqual(summary["errors"], [])

    def test_refusals_are_told(self):
        def refuse(args):
            raise fake.Refusal("quota_exceeded", "the limit is used up")
        self.fake.on["connection.request"] = refuse
        summary = self.run_import(b"a b\nb c\n", "--as-requests", code=1)
        self.assertEqual(summary["connections"]["skipped"], 2)
        self.assertEqual(summary["errors"], [{"code": "quota_exceeded", "count": 2,
                                              "example": "a b: the limit is used up"}])

    def test_again_does_nothing(self):
        data = b"".join(b"m%d m%d\n" % (i, i * 7 % 50) for i in range(3000))
        for flags in ([], ["--as-requests"]):
            first = self.run_import(data, *flags)
            effects, keys = self.network.effects, self.keys()
            again = self.run_import(data, *flags)
            self.assertEqual(self.network.effects, effects)
            self.assertEqual(self.keys(), keys, "the same content makes the same keys")
            self.assertEqual(again["connections"]["new"], 0)
            self.assertEqual(again["members"]["registered"], 0)
            self.assertEqual(again["connections"]["existing"], first["file"]["pairs"])
        other = self.run_import(data, "--key", "other")
        self.assertEqual(other["connections"]["new"], 0)
        self.assertGreater(len(self.keys()), len(keys))

    def keys(self):
        return {key for op, _, key in self.fake.requests if op != "server.hello"}

    def crash_after(self, counts):
        """Let the daemon die whenever so many requests have come, that one's reply being lost."""
        left = list(counts)

        def before_reply(count):
            if left and count >= left[0]:
                left.pop(0)
                self.fake._spawn(self.restart)
                return False
            return True

        self.fake.before_reply = before_reply

    def restart(self):
        self.fake.stop()
        self.fake.start()

    def test_restarts_of_the_daemon(self):
        data = b"".join(b"m%d n%d\n" % (i, i % 40) for i in range(400))
        for flags in (["--batch", "50"], ["--as-requests", "--window", "16", "--batch", "50"]):
            with self.subTest(flags=flags):
                self.network = Network(self.fake)
                self.fake.outcomes.clear()
                start = len(self.fake.requests)
                # During registration, at its end, and while connecting.
                self.crash_after([start + 30, start + 260, start + 445, start + 450])
                summary = self.run_import(data, *flags)
                self.fake.before_reply = lambda count: True
                self.assertEqual(len(self.network.connected), 400)
                self.assertEqual(self.network.effects,
                                 440 + (800 if "--as-requests" in flags else 400))
                told = summary["connections"]
                self.assertEqual(told["new"] + told["existing"], 400)
                self.assertEqual(summary["errors"], [])

    def test_busy_is_tried_again(self):
        for op in ("connection.import", "connection.request", "connection.accept",
                   "member.register"):
            self.refuse_first(op)
        for flags in ([], ["--as-requests"]):
            self.network.connected.clear()
            summary = self.run_import(b"a b\nb c\nc d\n", *flags)
            self.assertEqual(len(self.network.connected), 3)
            self.assertEqual(summary["errors"], [])

    def refuse_first(self, op):
        inner, refused = self.fake.on[op], set()

        def handler(args):
            key = repr(args)
            if key not in refused:
                refused.add(key)
                raise fake.Refusal("busy" if len(refused) % 2 else "unavailable")
            return inner(args)

        self.fake.on[op] = handler

    def test_interrupted_and_taken_up(self):
        path = os.path.join(self.fake.directory, "pairs")
        with open(path, "wb") as file:
            file.write(b"".join(b"m%d n%d\n" % (i, i) for i in range(300)))
        inner, seen = self.fake.on["connection.request"], []
        process = None

        def handler(args):
            seen.append(args)
            if len(seen) == 100:
                process.send_signal(signal.SIGINT)
            if len(seen) >= 100:
                raise fake.Silence  # so that it cannot end before the signal came
            return inner(args)

        self.fake.on["connection.request"] = handler
        process = self.start("import", path, "--as-requests", "--window", "8")
        output, errors = process.communicate(timeout=fake.TIMEOUT)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn(b"interrupted", errors)
        self.assertLess(json.loads(output)["connections"]["new"], 300)
        self.fake.on["connection.request"] = inner
        done = self.kith("import", path, "--as-requests")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.network.connected), 300)
        self.assertEqual(self.network.effects, 600 + 600)

    def test_people(self):
        path = os.path.join(self.fake.directory, "pairs")
        with open(path, "wb") as file:
            file.write(b"a b\nbad\n")
        code, text = self.on_terminal("import", path, env={"NO_COLOR": "1"})
        self.assertEqual(code, 1)
        self.assertIn("members      2 registered, 0 existing\n", text)
        self.assertIn("connections  1 new, 0 existing, 0 skipped\n", text)
        self.assertIn("line 2: a member is missing", text)

    def test_absent_daemon(self):
        self.fake.stop()
        done = self.kith("import", "-", input=b"a b\n")
        self.assertEqual(done.returncode, 3)


if __name__ == "__main__":
    unittest.main()
