"""What is printed: exact JSON in a pipe, text for people on a terminal; exit codes; errors."""
import json
import os
import subprocess
import unittest

import fake

HOSTILE = "a\"\\\n\t\x00\x1b[31m\x7fü€😀\u2028\u202e</script>"


class Output(fake.Case):
    def result_of(self, result, *flags):
        self.fake.on["server.stats"] = lambda args: result
        done = self.kith("stats", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_json_is_exact(self):
        result = {"zero": 0, "small": -1, "least": -2**63, "most": 2**64 - 1, "half": 0.5,
                  "whole": 2.0, "tenth": 0.1, "tiny": 5e-324, "yes": True, "nil": None,
                  "text": HOSTILE, "list": [1, [], {}, "x"], "map": {HOSTILE[:5]: {"b": []}}}
        line = self.result_of(result)
        self.assertEqual(line.count(b"\n"), 1)
        back = json.loads(line)
        self.assertEqual(back, result)
        for name in ("zero", "small", "least", "most"):
            self.assertIsInstance(back[name], int)
        for name in ("half", "whole", "tenth", "tiny"):
            self.assertIsInstance(back[name], float)

    def test_an_invite_is_mailed_and_a_link_is_passed_on(self):
        for op in ("invite.create", "invite.link"):
            self.fake.on[op] = lambda args: {"invite": "i1", "token": "t1", "existing": False}
        for words, text in ((["ann@ex.com"], "mail it when"), ([], "pass it on")):
            code, shown = self.on_terminal("invite", *words, "--as", "ada", "--page", "x://y/",
                                           env={"NO_COLOR": "1"})
            self.assertEqual((code, shown.splitlines()[0]), (0, "x://y/t1"))
            self.assertIn(text, shown)

    def test_bytes_are_base64(self):
        for size in range(5):
            data = bytes([0, 255, 16, 131])[:size]
            encoded = json.loads(self.result_of({"data": data}))["data"]
            self.assertEqual(__import__("base64").b64decode(encoded, validate=True), data)

    def test_a_terminal_gets_text_without_controls(self):
        self.fake.on["server.stats"] = lambda args: {"note": HOSTILE, "at": 1700000000000}
        code, text = self.on_terminal("stats", env={"NO_COLOR": "1"})
        self.assertEqual(code, 0)
        self.assertNotIn("\x1b", text)
        self.assertNotIn("\u202e", text)
        self.assertIn("\\x1b[31m", text)
        self.assertIn("ü€😀", text)
        self.assertIn("2023-11-14 22:13:20", text)
        self.assertIn(" ago)", text)
        code, text = self.on_terminal("stats")
        self.assertIn("\x1b[36mnote\x1b[0m", text)
        code, text = self.on_terminal("--json", "stats")
        self.assertEqual(json.loads(text)["note"], HOSTILE)

    def test_tables(self):
        self.fake.on["member.list"] = lambda args: {"items": [
            {"member": "ada", "counts": {"connections": 5}},
            {"member": "日本", "counts": {"connections": 12}, "name": "N"}]}
        code, text = self.on_terminal("member.list", env={"NO_COLOR": "1"})
        self.assertEqual((code, text), (0, "member  connections  name\n"
                                           "ada               5  -\n"
                                           "日本             12  N\n"))
        self.fake.on["quota.get"] = lambda args: {"day": {"limit": 10, "used": 1},
                                                  "week": {"limit": 100, "used": 1}}
        code, text = self.on_terminal("quota.get", "ada", env={"NO_COLOR": "1"})
        self.assertEqual((code, text), (0, "      limit  used\n"
                                           "day      10     1\n"
                                           "week    100     1\n"))

    def test_empty_results_say_something(self):
        for op in ("member.update", "server.stats"):
            self.fake.on[op] = lambda args: {}
        code, text = self.on_terminal("member.update", "ada", env={"NO_COLOR": "1"})
        self.assertEqual((code, text), (0, "done, at #0\n"))
        self.assertEqual(self.on_terminal("stats", env={"NO_COLOR": "1"}), (0, "nothing\n"))
        self.assertEqual(self.kith("stats").stdout, b"{}\n")

    def test_all_pages(self):
        names = [f"m{i}" for i in range(7)]

        def page(args):
            self.assertEqual(args.get("limit"), 3)
            start = int(args.get("after", "0"))
            result = {"items": [{"member": name} for name in names[start:start + 3]]}
            return {**result, "next": str(start + 3)} if start + 3 < len(names) else result

        self.fake.on["connection.list"] = lambda args: page(args)
        self.assertEqual([item["member"] for item in
                          self.ok("connection.list", "ada", "limit=3", "--all")], names)
        self.assertEqual([item["member"] for item in
                          self.ok("connection.list", "ada", "limit=3", "after=3", "--all")],
                         names[3:])
        self.assertEqual(self.ok("connection.list", "ada", "limit=3")[0]["next"], "3")

    def test_all_events(self):
        for i in range(25):
            self.fake.add_event("member.registered" if i % 2 else "connection.requested")
        got = self.ok("event.read", "limit=4", "types=member.", "--all")
        self.assertEqual([event["seq"] for event in got], list(range(2, 26, 2)))
        got = self.ok("event.read", "limit=4", "since=1700000020000", "--all")
        self.assertEqual([event["seq"] for event in got], list(range(20, 26)))

    def test_exit_codes(self):
        wanted = {"malformed": 2, "bad_argument": 2, "forbidden": 1, "no_such_member": 1,
                  "already_pending": 1, "quota_exceeded": 1, "busy": 4, "unavailable": 4,
                  "internal": 5}
        for code, exit_code in wanted.items():
            with self.subTest(code=code):
                def refuse(args):
                    raise fake.Refusal(code, field="to", next_free_at=1700000000000)
                self.fake.on["connection.request"] = refuse
                done = self.kith("request", "ada", "bob")
                self.assertEqual((done.returncode, done.stdout), (exit_code, b""))
                lines = done.stderr.decode().splitlines()
                self.assertEqual(lines[0], f"kith: the text of {code} ({code})")
                self.assertIn("field: to, next_free_at: 2023-11-14 22:13:20", lines[1])
                self.assertEqual(len(lines), 2)
                done = self.kith("request", "ada", "bob", "--json")
                self.assertEqual((done.returncode, done.stderr), (exit_code, b""))
                self.assertEqual(json.loads(done.stdout)["error"]["code"], code)
                self.assertEqual(json.loads(done.stdout)["error"]["next_free_at"], 1700000000000)

    def test_a_strange_class_is_internal(self):
        def refuse(args):
            refusal = fake.Refusal("busy")
            refusal.error.update({"class": "surprise", "text": HOSTILE})
            raise refusal
        self.fake.on["server.stats"] = refuse
        done = self.kith("stats")
        self.assertEqual(done.returncode, 5)
        self.assertNotIn(b"\x1b", done.stderr)

    def test_unreachable(self):
        def silent(args):
            raise fake.Silence
        self.fake.on["server.stats"] = silent
        done = self.kith("stats", "--timeout", "200ms")
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"no answer from ipc://", done.stderr)
        self.fake.stop()
        done = self.kith("stats")
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"nobody listens there", done.stderr)
        done = self.kith("stats", "--json")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "unreachable")
        done = self.kith("stats", "--url", f"ipc://{self.fake.directory}/nothing")
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"there is no such socket", done.stderr)
        self.assertEqual(self.kith("stats", "--url", "carrier-pigeon:1").returncode, 2)

    def test_usage_errors_as_json(self):
        done = self.kith("--json", "request")
        self.assertEqual((done.returncode, done.stderr), (2, b""))
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "usage")

    def test_full_output(self):
        self.fake.on["server.stats"] = lambda args: {"a": 1}
        with open("/dev/full", "wb") as full:
            done = subprocess.run([fake.KITH, "stats"], stdout=full, stderr=subprocess.PIPE,
                                  env=self.environment(), timeout=fake.TIMEOUT)
        self.assertEqual(done.returncode, 5)
        self.assertIn(b"standard output", done.stderr)

    def test_default_socket(self):
        os.mkdir(os.path.join(self.fake.directory, "kith"))
        inner = fake.Fake(os.path.join(self.fake.directory, "kith"))
        self.addCleanup(inner.stop)
        inner.on["server.stats"] = lambda args: {"here": True}
        env = {"KITH_URL": "", "XDG_RUNTIME_DIR": self.fake.directory}
        done = self.kith("stats", env=env)
        self.assertEqual((done.returncode, done.stdout), (0, b'{"here":true}\n'), done.stderr)


if __name__ == "__main__":
    unittest.main()
