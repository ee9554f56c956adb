"""The protocol page names every operation, argument and error that the tables have."""
import re

PAGE = "proto/README.md"
OPERATION = re.compile(r'^\s*X\([A-Z_]+,\s*"([a-z]+\.[a-z_]+)",\s*(?:COMMAND|QUERY),', re.M)
ERROR = re.compile(r'^\s*X\([A-Z_]+,\s*"([a-z_]+)",\s*[A-Z_]+,\s*(?:NEVER|SAME_ID|NEW_ID),', re.M)
ARGUMENT = re.compile(
    r'^\s*X\([A-Z_]+,\s*"([a-z_]+)",\s*(?:MEMBER|STR|UINT|BOOL|CHOICE|MEMBERS|STRS|PAIRS|CONTACT),',
    re.M,
)
TABLES = (
    ("operation", "proto/schema.h", OPERATION),
    ("argument", "proto/schema.h", ARGUMENT),
    ("error", "proto/error.h", ERROR),
)


def check(tree):
    findings = []
    page = tree.text(PAGE) if tree.exists(PAGE) else None
    for kind, path, row in TABLES:
        names = sorted(set(row.findall(tree.text(path))))
        if not names:
            findings.append(f"{path}:1: no {kind} found; has the table changed its form?")
        if page is None:
            continue
        for name in names:
            if not re.search(rf"(?<![\w.]){re.escape(name)}(?![\w])", page):
                findings.append(f"{PAGE}:1: the {kind} {name} is not described")
    return findings
