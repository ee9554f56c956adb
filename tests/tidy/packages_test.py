"""daemon/packages on machines of every kind, with apt and sudo played by scripts."""
import os
import shutil
import subprocess
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../daemon/packages")
TOOLS = "bash cat cut echo env grep head sed xargs"

# $STATE/installed and $STATE/known are lists of packages, $STATE/new what an update makes known.
STUBS = {
    "id": 'cat "$STATE/uid"',
    "sudo": 'echo "sudo $1 $2 $3" >>"$STATE/log"; exec "$@"',
    "dpkg-query": """
        for name; do :; done
        if grep -qx "$name" "$STATE/installed"; then echo installed; else exit 1; fi""",
    "apt-cache": """
        case $1 in
        policy) ! grep -qx "$2" "$STATE/known" || printf '%s:\\n  Candidate: 1.0\\n' "$2" ;;
        depends) ! grep -qx clang "$STATE/known" || printf 'clang\\n  Depends: clang-18\\n' ;;
        esac""",
    "apt-get": """
        echo "apt-get $*" >>"$STATE/log"
        [[ $DEBIAN_FRONTEND == noninteractive ]] || exit 9
        case $* in
        *update*) cat "$STATE/new" >>"$STATE/known" ;;
        *install*)
            if [[ -e $STATE/stale && $(grep -c update "$STATE/log") == 0 ]]; then exit 100; fi
            for name; do
                if grep -qx -- "$name" "$STATE/known"; then echo "$name" >>"$STATE/installed"; fi
            done ;;
        esac""",
}


class Machine:
    def __init__(self, directory, known=(), new=(), uid=0, sudo=True, stale=False, apt=True):
        self.directory = directory
        self.bin = os.path.join(directory, "bin")
        os.mkdir(self.bin)
        for tool in TOOLS.split():
            os.symlink(shutil.which(tool), os.path.join(self.bin, tool))
        for name, text in STUBS.items():
            if (name == "sudo" and not sudo) or (name.startswith("apt") and not apt):
                continue
            path = os.path.join(self.bin, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"#!{shutil.which('bash')}\n{text}\n")
            os.chmod(path, 0o755)
        for name, lines in (("installed", ()), ("known", known), ("new", new), ("log", ())):
            self.write(name, "".join(f"{line}\n" for line in lines))
        self.write("uid", f"{uid}\n")
        if stale:
            self.write("stale", "")

    def write(self, name, text):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(os.path.join(self.directory, name), encoding="utf-8") as file:
            return file.read().splitlines()

    def run(self, *arguments):
        environment = {"PATH": self.bin, "STATE": self.directory}
        return subprocess.run(
            [os.path.join(self.bin, "bash"), SCRIPT, *arguments],
            env=environment, capture_output=True, text=True, check=False,
        )


def packages(kind, *without, plus=()):
    """The names in the script's table, without the marks."""
    with open(SCRIPT, encoding="utf-8") as file:
        text = file.read()
    rows = "".join(text.split(f"{name}_rows='")[1].split("'")[0] for name in kind.split())
    names = [line.split()[0] for line in rows.split("\n") if line.strip()]
    flat = [name for row in names for name in row.strip("?").replace("@", "18").split("|")]
    return [name for name in flat if name not in without] + list(plus)


class Packages(unittest.TestCase):
    def machine(self, **options):
        directory = tempfile.mkdtemp(prefix="kith-packages-")
        self.addCleanup(shutil.rmtree, directory)
        return Machine(directory, **options)

    def test_fresh_machine_without_lists(self):
        machine = self.machine(new=packages("build test", "libmsgpack-dev"))
        result = machine.run("test")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("libuv1-dev", result.stdout)
        self.assertIn("the event loop", result.stdout)
        self.assertEqual(sum("update" in line for line in machine.read("log")), 1)
        for name in ("gcc", "libmsgpack-c-dev", "libclang-rt-18-dev", "clang-format-14"):
            self.assertIn(name, machine.read("installed"))
        self.assertNotIn("clang-format", machine.read("installed"))

    def test_nothing_the_second_time(self):
        machine = self.machine(known=packages("build test"))
        self.assertEqual(machine.run("test").returncode, 0)
        before = machine.read("log")
        self.assertFalse(any("update" in line for line in before), before)
        again = machine.run("test")
        self.assertEqual((again.returncode, again.stdout), (0, ""))
        self.assertEqual(machine.read("log"), before)

    def test_build_needs_less(self):
        machine = self.machine(known=packages("build test"))
        self.assertEqual(machine.run("build").returncode, 0)
        self.assertNotIn("clang", machine.read("installed"))
        self.assertIn("clang", machine.run("test", "--list").stdout.split())

    def test_names_of_another_release(self):
        known = packages("build test", "libmsgpack-c-dev", "libclang-rt-18-dev", "clang-format-14")
        machine = self.machine(known=known)
        self.assertEqual(machine.run("test").returncode, 0)
        self.assertIn("libmsgpack-dev", machine.read("installed"))
        self.assertIn("clang-format", machine.read("installed"))
        self.assertEqual(machine.run("test").stdout, "")

    def test_sudo(self):
        machine = self.machine(known=packages("build"), uid=1000)
        result = machine.run("build")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("through sudo", result.stdout)
        self.assertIn("sudo env DEBIAN_FRONTEND=noninteractive apt-get", machine.read("log")[0])

    def test_neither_root_nor_sudo(self):
        machine = self.machine(known=packages("build"), uid=1000, sudo=False)
        result = machine.run("build")
        self.assertEqual(result.returncode, 1)
        self.assertIn("neither root nor sudo", result.stderr)
        self.assertIn("libuv1-dev", result.stderr)
        machine.write("installed", "".join(f"{name}\n" for name in packages("build")))
        self.assertEqual(machine.run("build").returncode, 0)

    def test_stale_lists(self):
        machine = self.machine(known=packages("build"), stale=True)
        result = machine.run("build")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual([line.split()[-1] == "update" for line in machine.read("log")],
                         [False, True, False])

    def test_package_that_nobody_has(self):
        machine = self.machine(known=packages("build", "libnanomsg-dev"))
        result = machine.run("build")
        self.assertEqual(result.returncode, 1)
        self.assertIn("libnanomsg-dev", result.stderr)
        self.assertNotIn("libuv1-dev", result.stderr)
        self.assertIn("universe", result.stderr)

    def test_another_system(self):
        result = self.machine(apt=False).run("build")
        self.assertEqual(result.returncode, 0)
        self.assertIn("libuv1-dev", result.stderr)

    def test_usage(self):
        self.assertEqual(self.machine().run("everything").returncode, 2)
        self.assertIn("daemon/packages build", self.machine().run("--help").stdout)


if __name__ == "__main__":
    unittest.main()
