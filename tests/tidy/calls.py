"""Calls that are not made here, and what a pure decision may not know of."""
import re

from tree import line_of

# function: what to use instead
BANNED = {
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "strcpy": "memcpy with a known size",
    "strcat": "struct buf",
    "strncpy": "memcpy with a known size",
    "strncat": "struct buf",
    "gets": "getline",
    "atoi": "strtoull, which tells of errors",
    "atol": "strtoull, which tells of errors",
    "atoll": "strtoull, which tells of errors",
    "atof": "strtod, which tells of errors",
    "strtok": "strspn and strcspn",
    "alloca": "an array of a named size",
    "tmpnam": "mkstemp",
    "mktemp": "mkstemp",
    "setjmp": "an error code",
    "longjmp": "an error code",
}

# Tests wait for readiness or move the clock; they never guess how long something takes.
SLEEPS = ("sleep", "usleep", "nanosleep", "clock_nanosleep")

# A decision gets facts and time as arguments; the same input gives the same bytes.
IMPURE = re.compile(
    r"\b(time|clock|clock_gettime|gettimeofday|rand\w*|random\w*|getrandom|getenv|secure_getenv"
    r"|malloc|calloc|realloc|free|strdup|printf|fprintf|puts|syslog"
    r"|uv_\w+|nn_\w+|mdb_\w+|sd_\w+)\s*\("
)
STATIC_VARIABLE = re.compile(r"^[ \t]*static\s+(?![^;{=]*\bconst\b)[^;{=()]*[;=]", re.MULTILINE)


def check_calls(tree):
    findings = []
    banned = re.compile(rf"\b({'|'.join(BANNED)})\s*\(")
    for path in tree.sources():
        code = tree.code(path)
        for match in banned.finditer(code):
            name = match.group(1)
            findings.append(f"{path}:{line_of(code, match.start())}: {name}: use {BANNED[name]}")
    return findings + _sleeps(tree)


def _sleeps(tree):
    call = re.compile(rf"\b({'|'.join(SLEEPS)})\s*\(|^\s*sleep\s", re.MULTILINE)
    findings = []
    for path in tree.select(r"\.(c|h|py|sh)$|/[^./]+$", "tests/"):
        if path == "tests/tidy/selftest.py":
            continue  # It shows that this finds something.
        code = tree.code(path) if path.endswith((".c", ".h")) else tree.text(path)
        for match in call.finditer(code):
            line = line_of(code, match.end())
            findings.append(f"{path}:{line}: a test waits for readiness, it does not sleep")
    return findings


def check_purity(tree):
    findings = []
    for path in tree.select(r"^daemon/core/(decide/.*|(.*/)?decide[^/]*)\.[ch]$"):
        code = tree.code(path)
        for match in IMPURE.finditer(code):
            line = line_of(code, match.start())
            findings.append(f"{path}:{line}: a decision does not call {match.group(1)}")
        for match in STATIC_VARIABLE.finditer(code):
            line = line_of(code, match.start())
            findings.append(f"{path}:{line}: a decision keeps no variable between calls")
    return findings
