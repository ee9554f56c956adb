"""`kith health`: a picture for people, JSON and metrics for machines, and an exit code."""
import json
import unittest

import fake

STATS = {"commands": 60, "commands_repeated": 0, "queries": 30, "refused_quota": 9,
         "refused_internal": 0, "members": 7, "last_seq": 1000, "checkpoint_seq": 750,
         "checkpoint_last_ms": 12, "commit_last_us": 250, "commit_failures": 0,
         "log_size": 1 << 30, "views_size": 3 << 30, "disk_free": 4 << 30, "read_only": 0,
         "cursors": 2, "cursor_lag_max": 500, "refused_denied": 1, "uptime_ms": 3600000}


class Health(fake.Case):
    def shows(self, *words, code=0, **stats):
        self.fake.on["server.stats"] = lambda args: {**STATS, **stats}
        done = self.kith("health", *words)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout.decode()

    def picture(self, **stats):
        self.fake.on["server.stats"] = lambda args: {**STATS, **stats}
        code, text = self.on_terminal("health", env={"NO_COLOR": "1"})
        return code, text.replace("\r\n", "\n").splitlines()

    def test_a_picture(self):
        code, lines = self.picture()
        self.assertEqual(code, 0)
        self.assertRegex(lines[0], "^well  kithd .*, 7 members, 1000 events$")
        bars = {line.split()[0]: line for line in lines[1:]}
        self.assertEqual(list(bars), ["refused", "subscribers", "views", "disk"])
        for name, full in (("refused", 2), ("subscribers", 10), ("views", 5), ("disk", 10)):
            self.assertEqual((bars[name].count("█"), bars[name].count("░")), (full, 20 - full))
        self.assertIn("10 of 100: quota 9, denied 1", bars["refused"])
        self.assertIn("2 with a cursor; the last is 500 events behind", bars["subscribers"])
        self.assertIn("log 1.0 GiB, views 3.0 GiB, 4.0 GiB free", bars["disk"])

    def test_what_is_wrong_stands_out(self):
        code, lines = self.picture(read_only=1, replies_dropped=3)
        self.assertEqual(code, 1)
        self.assertTrue(lines[0].startswith("not well"))
        self.assertIn("(read_only 1)", lines[5])
        self.assertIn("(replies_dropped 3)", lines[6])

    def test_nothing_to_show_is_no_division_by_zero(self):
        code, lines = self.picture(**dict.fromkeys(STATS, 0))
        self.assertEqual(code, 0)
        self.assertNotIn("█", "".join(lines))

    def test_for_machines(self):
        told = json.loads(self.shows(clock_steps=2))
        self.assertEqual((told["well"], told["alarms"]), (True, ["clock_steps"]))
        self.assertEqual(told["stats"], {**STATS, "clock_steps": 2})
        told = json.loads(self.shows(commit_failures=2, code=1))
        self.assertEqual((told["well"], told["alarms"]), (False, ["commit_failures"]))
        lines = self.shows("--metrics", read_only=1).splitlines()
        self.assertEqual(len(lines), 2 * len(STATS))
        self.assertIn("kith_read_only 1", lines)
        self.assertIn(f"kith_log_size {1 << 30}", lines)

    def test_words_and_silence(self):
        self.assertIn(b"no words", self.kith("health", "now").stderr)
        self.fake.stop()
        self.assertEqual(self.kith("health").returncode, 3)


if __name__ == "__main__":
    unittest.main()
