"""Flags, the configuration file, and HUP."""
import os
import tempfile

import harness
from harness import Case, run


class Flags(Case):
    def test_help_and_version(self):
        status, out, _ = run(["--help"])
        self.assertEqual(status, 0)
        self.assertIn("--command", out)
        status, out, _ = run(["--version"])
        self.assertEqual(status, 0)
        self.assertRegex(out, r"^kithd \d+\.\d+\.\d+\n$")

    def test_an_unknown_flag(self):
        status, out, err = run(["--dtaa", "x"])
        self.assertEqual((status, out), (2, ""))
        self.assertIn("did you mean --data?", err)

    def test_the_reference_is_accepted(self):
        status, reference, _ = run(["--print-config"])
        self.assertEqual(status, 0)
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(reference)
            file.flush()
            status, out, err = run(["--check", "--config", file.name])
            self.assertEqual((status, err), (0, ""))
            self.assertIn("request.ttl", out)
            self.assertIn("# default", out)

    def test_check_names_every_mistake(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write("[request]\ntll = 5d\n[note]\nmax = many\n")
            file.flush()
            status, out, err = run(["--check", "--config", file.name])
            self.assertEqual((status, out), (1, ""))
            self.assertIn(f"{file.name}:2: request.tll", err)
            self.assertIn(f"{file.name}:4: note.max", err)
            status, _, _ = run(["--config", file.name])
            self.assertEqual(status, 2)

    def test_check_tells_where_a_value_is_from(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write("[request]\nttl = 5d\n")
            file.flush()
            _, out, _ = run(["--check", "--config", file.name, "--set", "note.max=7"],
                            {"KITH_DATA": "/some/where"})
        lines = {line.split()[0]: line for line in out.splitlines()}
        self.assertIn(f"5d            # {file.name}:2", lines["request.ttl"])
        self.assertIn("# --set", lines["note.max"])
        self.assertIn("# KITH_DATA", lines["storage.data"])

    def test_check_touches_nothing(self):
        with tempfile.TemporaryDirectory() as directory:
            status, _, _ = run(["--check", "--data", f"{directory}/data"])
            self.assertEqual(status, 0)
            self.assertEqual(os.listdir(directory), [])


class Reload(Case):
    def setUp(self):
        self.kithd = self.daemon()
        self.path = f"{self.kithd.directory}/kithd.conf"
        self.write("[note]\nmax = 10\n")
        self.kithd.flags += ["--config", self.path]
        self.kithd.start()
        self.asker = self.client(self.kithd)
        for member in ("ada", "bob", "cy", "dan"):
            self.asker.do("member.register", member=member)

    def write(self, text):
        with open(self.path, "w") as file:
            file.write(text)

    def request(self, to, note):
        return self.asker.call("connection.request", {"from": "ada", "to": to, "note": note},
                               f"to-{to}")

    def test_a_good_file_changes_the_rules(self):
        self.assert_error(self.request("bob", "eleven char"), "note_too_long")
        self.write("[note]\nmax = 11\n[storage]\nmap_size = 1GiB\n")
        lines = "\n".join(self.kithd.reload())
        self.assertIn("note.max: 11, was 10", lines)
        self.assertIn("storage.map_size: 1GiB takes effect with a restart", lines)
        self.assertTrue(self.request("bob", "eleven char")["ok"])
        self.kithd.stop()

    def test_a_bad_file_changes_nothing(self):
        self.write("[note]\nmax = 11\nmux = 12\n")
        lines = "\n".join(self.kithd.reload())
        self.assertIn(f"{self.path}:3: note.mux", lines)
        self.assertIn("did you mean note.max?", lines)
        self.assert_error(self.request("bob", "eleven char"), "note_too_long")
        self.write("")
        self.kithd.reload()
        self.assertTrue(self.request("bob", "eleven char")["ok"])
        self.kithd.stop()

    def test_a_file_that_is_gone_changes_nothing(self):
        os.unlink(self.path)
        self.assertIn("No such file", "\n".join(self.kithd.reload()))
        self.assert_error(self.request("bob", "eleven char"), "note_too_long")
        self.kithd.stop()

    def test_limits_of_a_tier(self):
        self.write("[tier.free]\nconnect.day = 1\nconnect.day_new = 1\n")
        self.kithd.reload()
        self.assertTrue(self.request("bob", "x")["ok"])
        self.assert_error(self.request("cy", "x"), "quota_exceeded")
        self.write("[tier.free]\nconnect.day_new = 3\n")
        self.kithd.reload()
        self.assertTrue(self.request("cy", "x")["ok"])
        self.kithd.stop()


if __name__ == "__main__":
    harness.main()
