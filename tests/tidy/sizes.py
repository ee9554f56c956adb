"""Functions and files stay small. What is larger is listed with its size, which may only shrink."""
import re

from tree import line_of

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800

# "path" or "path:function": its lines. Take out what has become small enough; add nothing.
EXCEPTIONS = {}

# The layout that tests/tidy/layout.py checks puts the name at the line's start and the outer braces
# on lines of their own, so that no parser is needed.
FUNCTION = re.compile(r"^(?P<name>[A-Za-z_]\w*)\((?:[^;{}]*?)\)\n\{\n.*?^\}$", re.M | re.S)


def check(tree, exceptions=None):
    exceptions = EXCEPTIONS if exceptions is None else exceptions
    sizes = {}
    for path in tree.sources():
        code = tree.code(path)
        sizes[path] = (1, len(code.splitlines()), FILE_LINES_MAX)
        for match in FUNCTION.finditer(code):
            size = match.group().count("\n") + 1
            where = line_of(code, match.start())
            sizes[f"{path}:{match.group('name')}"] = (where, size, FUNCTION_LINES_MAX)
    findings = []
    for name, (where, size, limit) in sizes.items():
        allowed = exceptions.get(name, limit)
        if size > allowed:
            findings.append(f"{name.split(':')[0]}:{where}: {name} has {size} lines of {allowed}")
    for name, allowed in exceptions.items():
        limit = FUNCTION_LINES_MAX if ":" in name else FILE_LINES_MAX
        size = sizes.get(name, (1, 0, limit))[1]
        if size < allowed:
            findings.append(
                f"tests/tidy/sizes.py:1: {name} has {size} lines now: "
                + ("take the exception out" if size <= limit else f"lower {allowed} to {size}")
            )
    return findings
