"""C source is laid out as .clang-format says."""
import re

# Other versions lay out some lines differently, so that only one can be the judge.
VERSION = 14


def check(tree):
    tool = tree.tool(f"clang-format-{VERSION}", "clang-format")
    version = re.search(r"version (\d+)", tree.run(tool, "--version").stdout)
    if not version or int(version.group(1)) != VERSION:
        print(f"format: {tool} is not version {VERSION}, which lays out differently: not checked")
        return []
    sources = tree.sources()
    if not sources:
        return []
    result = tree.run(tool, "--dry-run", "--ferror-limit=1", "--style=file", *sources)
    return [
        f"{match.group(1)}:{match.group(2)}: not as clang-format lays it out"
        for match in re.finditer(r"^(.*?):(\d+):\d+: (?:warning|error): .*clang-format", result.stderr, re.M)
    ]
