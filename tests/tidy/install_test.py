"""What `cmake --install` puts where.

    install_test.py BUILD_DIR
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

BUILD = os.path.abspath(sys.argv.pop(1))


def cached(name):
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as file:
        return re.search(rf"^{name}:\w+=(.*)$", file.read(), re.M).group(1)


class Install(unittest.TestCase):
    def install(self, directory):
        subprocess.run(
            ["cmake", "--install", BUILD, "--component", "service"],
            env={**os.environ, "DESTDIR": directory},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        found = {}
        for parent, _, names in os.walk(directory):
            for name in names:
                path = os.path.join(parent, name)
                found["/" + os.path.relpath(path, directory)] = path
        return found

    def check_unit(self, name, path, found):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIsNone(re.search(r"@\w+@", text))
        if name.endswith(".service"):
            self.assertRegex(text, re.compile(r"^ExecStart=/\S*/bin/kithd( |$)", re.M))
        document = re.search(r"^Documentation=file:(\S+)$", text, re.M).group(1)
        self.assertIn(document, found)

    def test_services(self):
        prefix = cached("CMAKE_INSTALL_PREFIX")
        with tempfile.TemporaryDirectory(prefix="kith-install-") as directory:
            found = self.install(directory)
            self.assertIn(f"{prefix}/lib/sysusers.d/kith.conf", found)
            self.assertIn(f"{prefix}/share/doc/kith/operators.md", found)
            for name in ("kithd.service", "kith-verify.service", "kith-verify.timer"):
                unit = f"{prefix}/lib/systemd/system/{name}"
                self.assertIn(unit, found)
                self.check_unit(name, found[unit], found)
            self.assertFalse([path for path in found if path.startswith("/etc")], "the operator's")


if __name__ == "__main__":
    unittest.main()
