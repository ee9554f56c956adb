"""kith bench: that it sends what it says and counts what it got. How fast is not tested."""
import json
import unittest

import fake


class Bench(fake.Case):
    def setUp(self):
        super().setUp()
        self.members, self.pending = set(), set()
        self.fake.on.update({"member.register": self.register, "connection.request": self.request,
                             "connection.accept": self.accept, "connection.status": self.status})

    def register(self, args):
        assert args["tier"] == "unlimited"
        self.members.add(args["member"])
        return {"existing": False}

    def request(self, args):
        pair = (args["from"], args["to"])
        assert set(pair) <= self.members and pair[0] != pair[1]
        assert pair not in self.pending and pair[::-1] not in self.pending, "each pair once"
        self.pending.add(pair)
        return {"state": "pending", "request": "r", "expires_at": 1}

    def accept(self, args):
        assert (args["other"], args["member"]) in self.pending
        return {"state": "connected"}

    def status(self, args):
        return {"state": "none", "blocked": False}

    def bench(self, *flags, code=0):
        done = self.kith("bench", "--members", "30", "--no-floor", *flags)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def count(self, op):
        return sum(name == op for name, _, _ in self.fake.requests)

    def test_counts(self):
        for op, name in (("request", "connection.request"), ("accept", "connection.accept"),
                         ("status", "connection.status"), ("register", "member.register")):
            with self.subTest(op=op):
                before = self.count(name)
                report = self.bench("--op", op, "--count", "200", "--connections", "3",
                                    "--window", "12", "--seed", str(len(self.fake.requests) + 1))
                self.assertEqual((report["ok"], report["refused"], report["lost"]), (200, 0, 0))
                setup = 30 if op == "register" else 0
                self.assertEqual(self.count(name) - before, 200 + setup)
                latency = report["latency_ms"]
                self.assertTrue(0 < latency["p50"] <= latency["p99"] <= latency["max"])

    def test_mixed_and_batches(self):
        report = self.bench("--op", "mixed", "--count", "400", "--window", "16")
        self.assertEqual(report["ok"], 400)
        self.assertGreater(self.count("connection.accept"), 0)
        self.assertGreater(self.count("connection.status"), 0)
        report = self.bench("--batch", "10", "--count", "300", "--connections", "2", "--seed", "7")
        self.assertEqual((report["ok"], report["batch"]), (300, 10))

    def test_pairs_run_out(self):
        report = self.bench("--seconds", "60", "--seed", "1")
        self.assertEqual(report["ok"], 30 * 29 // 2, "each pair once, then it ends")

    def test_open_loop(self):
        report = self.bench("--rate", "500", "--count", "100", "--connections", "1")
        self.assertEqual(report["ok"], 100)
        self.assertGreater(report["elapsed_s"], 0.15, "it keeps to the schedule")

    def test_refusals_count(self):
        inner = self.fake.on["connection.request"]

        def request(args):
            result = inner(args)
            if len(self.pending) % 2:
                raise fake.Refusal("quota_exceeded")
            return result

        self.fake.on["connection.request"] = request
        report = self.bench("--count", "100", code=1)
        self.assertEqual((report["ok"], report["refused"]), (50, 50))
        self.assertEqual(report["errors"][0]["code"], "quota_exceeded")

    def test_what_is_turned_away_is_not_done(self):
        for seed, words in (("1", ()), ("2", ("--batch", "10", "--connections", "2"))):
            inner, calls = self.fake.on["connection.request"], []

            def request(args, inner=inner, calls=calls):
                calls.append(None)
                if len(calls) % 2:
                    raise fake.Refusal("busy")
                return inner(args)

            self.fake.on["connection.request"] = request
            report = self.bench("--count", "100", "--seed", seed, *words, code=1)
            self.fake.on["connection.request"] = inner
            self.assertEqual((report["ok"], report["refused"], report["busy"]), (50, 50, 50))
            self.assertAlmostEqual(report["rate"], 50 / report["elapsed_s"], delta=0.01)

    def test_the_same_seed_is_told(self):
        self.bench("--count", "50", "--seed", "9")
        report = self.bench("--count", "50", "--seed", "9")
        self.assertEqual(report["dup"], 50)

    def test_floor(self):
        done = self.kith("bench", "--op", "echo", "--seconds", "0.2", "--dir",
                         self.fake.directory, "--connections", "2", "--window", "16")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertGreater(report["echo"]["rate"], 0)
        self.assertGreater(report["fdatasync_4k_ms"]["p50"], 0)
        self.assertEqual(self.fake.requests, [])

    def test_wrong_words(self):
        for words, text in ((["--op", "statu"], b"did you mean status"),
                            (["--batch", "2", "--rate", "5"], b"do not go together"),
                            (["--connections", "0"], b"from 1 to"),
                            (["request"], b"--op request"),
                            (["--op", "echo", "--seconds", "0.1", "--dir", "/nowhere"],
                             b"cannot measure the disk")):
            done = self.kith("bench", *words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(text, done.stderr)


if __name__ == "__main__":
    unittest.main()
