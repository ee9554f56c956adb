"""systemd takes the units and their user without a word, and finds the services well locked up."""
import os
import re
import tempfile

UNIT = "systemd/kithd.service.in"
USERS = "systemd/kith.sysusers"
UNITS = r"^systemd/(?P<name>.*\.(service|timer))\.in$"

# What `systemd-analyze security` may find at most, in tenths: 0 is locked up, 100 wide open.
EXPOSURE_MAX = 15


def check(tree):
    if not tree.exists(UNIT):
        return [f"{UNIT}:1: is not there"]
    analyze = tree.tool("systemd-analyze")
    findings = []
    with tempfile.TemporaryDirectory(prefix="kith-tidy-") as directory:
        units = {path: os.path.join(directory, re.match(UNITS, path)["name"])
                 for path in tree.select(UNITS)}
        # All of them first: one may be another's.
        for path, unit in units.items():
            with open(unit, "w", encoding="utf-8") as file:
                file.write(_installed(tree.text(path)))
        for path, unit in units.items():
            findings += _verify(tree, analyze, path, unit)
            if unit.endswith(".service"):
                findings += _security(tree, analyze, path, unit) + _users(tree, path)
    return findings


def _installed(text):
    """The unit as installed, but with a program that is there for certain."""
    text = re.sub(r"^(ExecStart=)\S+", r"\1/bin/true", text, flags=re.M)
    return re.sub(r"@\w+@", "/usr", text)


def _verify(tree, analyze, path, unit):
    # An unknown key is only a warning and leaves the exit code 0: no word at all is what counts.
    result = tree.run(analyze, "verify", "--man=no", unit)
    name = os.path.basename(unit)
    words = [line for line in result.stderr.splitlines() if name in line]
    if result.returncode != 0 and not words:
        words = [result.stderr.strip() or f"exit code {result.returncode}"]
    return [f"{path}:1: systemd-analyze verify: {line}" for line in words]


def _security(tree, analyze, path, unit):
    result = tree.run(
        analyze, "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE_MAX}", unit
    )
    if result.returncode == 0:
        return []
    level = re.search(r"Overall exposure level.*: *([\d.]+)", result.stdout)
    if not level:
        if "unrecognized option" in result.stderr:
            print("service: this systemd cannot rate a service that is not loaded: not checked")
            return []
        return [f"{path}:1: systemd-analyze security: {result.stderr.strip()}"]
    return [f"{path}:1: exposure {level.group(1)}, not below {EXPOSURE_MAX / 10}"]


def _users(tree, path):
    """The user and the group of the service are those that are made."""
    made = set(re.findall(r"^u (\S+)", tree.text(USERS), re.M))
    wanted = set(re.findall(r"^(?:User|Group)=(\S+)", tree.text(path), re.M))
    return [f"{USERS}:1: does not make {name}" for name in sorted(wanted - made)]
