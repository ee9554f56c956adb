"""What stands at the top, how files are called, and what no text file holds."""
import os
import re

TOP = set(
    "daemon proto clients tests systemd CMakeLists.txt README.md CMakePresets.json LICENSE"
    " CHANGELOG.md".split()
)

# C names its files in one way, so that nobody has to guess.
SOURCE_NAME = re.compile(r"^[a-z][a-z0-9_]*\.[ch]$")

TEXT_NAME = re.compile(
    r"\.(c|h|in|py|sh|md|txt|cmake|json|service|sysusers|conf|map|supp|1|5|8|yml)$"
    r"|/[^./]+$|^\.[^/]+$|^\.ci/"
)
# Data may hold what it likes.
DATA_NAME = re.compile(r"/corpus/|/data/")
TAB_NAME = re.compile(r"(^|/)(Makefile|\.gitmodules)$|^tests/.*\.txt$")

# These name what is looked for.
OWN = ("tests/tidy/names.py", "tests/tidy/selftest.py")

# pattern: why it does not belong in the repository
LEFTOVERS = {
    r"(?<![\w.$}~-])/(?:work\b|(?:root|home|Users)/)": "a path of somebody's machine",
    r"^(?:<{7}|>{7}) ": "a mark of an unfinished merge",
    r"\b(?:FIXME|XXX|HACK)\b(?!\()": "unfinished; do it, or write down why not",
    r"\bTODO\b(?!: \w+)": "a bare TODO; say what and why",
}

# A file of words, one a line, that must not appear in any text: host names, customers, code names.
# It cannot stand in the repository itself.
WORDS_FILE = "KITH_TIDY_WORDS"


def check_names(tree):
    findings = [
        f"{name}:1: not among what stands at the top"
        for name in sorted({path.split(os.sep)[0] for path in tree.paths})
        if name not in TOP and not name.startswith(".")
    ]
    for path in tree.sources():
        if not SOURCE_NAME.match(os.path.basename(path)):
            findings.append(f"{path}:1: a source file is called lower_case.c or .h")
    return findings


def check_text(tree):
    rules = [(re.compile(pattern, re.M), why) for pattern, why in LEFTOVERS.items()]
    words = _words()
    if words:
        rules.append((re.compile(rf"\b(?:{words})\b", re.I), f"a word listed in {WORDS_FILE}"))
    findings = []
    for path in tree.select(TEXT_NAME):
        if DATA_NAME.search(path) or b"\0" in tree.raw(path):
            continue
        text = tree.text(path)
        if path not in OWN:
            findings += _matches(path, text, rules)
        findings += _whitespace(path, text)
    return findings


def _words():
    name = os.environ.get(WORDS_FILE)
    if not name:
        return ""
    with open(name, encoding="utf-8") as file:
        return "|".join(re.escape(line.strip()) for line in file if line.strip())


def _matches(path, text, rules):
    return [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {why}: {match.group()!r}"
        for rule, why in rules
        for match in rule.finditer(text)
    ]


def _whitespace(path, text):
    findings = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.endswith((" ", "\t", "\r")):
            findings.append(f"{path}:{number}: white space at the end of a line")
        if "\t" in line and not TAB_NAME.search(path):
            findings.append(f"{path}:{number}: a tab")
    if text and not text.endswith("\n"):
        findings.append(f"{path}:{text.count(chr(10)) + 1}: the last line does not end")
    if text.endswith("\n\n"):
        findings.append(f"{path}:{text.count(chr(10))}: empty lines at the end")
    return findings
