"""Scripts parse, can be run, and stop at the first error."""
import ast
import os


def check(tree):
    findings = []
    for path in tree.paths:
        text = tree.raw(path)
        if path.endswith(".py"):
            findings += _python(tree, path)
        if not text.startswith(b"#!"):
            continue
        first, _, rest = text.decode("utf-8", "replace").partition("\n")
        if not os.access(tree.absolute(path), os.X_OK):
            findings.append(f"{path}:1: begins with #! but cannot be run (chmod +x)")
        if first.endswith(("/bash", " bash", "/sh")):
            findings += _shell(tree, path, "bash" if first.endswith("bash") else "sh", rest)
    return findings


def _shell(tree, path, shell, rest):
    findings = []
    result = tree.run(tree.tool(shell), "-n", path)
    if result.returncode != 0:
        findings.append(f"{path}:1: {result.stderr.strip()}")
    wanted = "set -euo pipefail" if shell == "bash" else "set -eu"
    if wanted not in rest:
        findings.append(f"{path}:1: does not say `{wanted}`")
    return findings


def _python(tree, path):
    try:
        ast.parse(tree.text(path))
    except SyntaxError as error:
        return [f"{path}:{error.lineno}: {error.msg}"]
    return []
