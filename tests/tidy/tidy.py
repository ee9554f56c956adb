#!/usr/bin/env python3
"""Checks of the tree: what neither a compiler nor a reviewer should have to look for.

    tidy.py [CHECK...] [--root DIR] [--cc COMPILER]

Without a CHECK, all of them. Each check is a function of the tree that returns its findings, as
"path:line: what is wrong". Exit code 0: nothing found; 1: findings; 77: a tool is missing, unless
KITH_CHECK_ALL is set, which makes that a failure.
"""
import argparse
import os
import sys

import calls
import headers
import layers
import layout
import names
import protocol
import scripts
import service
import sizes
import tree as trees

CHECKS = {
    "layers": layers.check,
    "calls": calls.check_calls,
    "purity": calls.check_purity,
    "sizes": sizes.check,
    "format": layout.check,
    "headers": headers.check,
    "names": names.check_names,
    "text": names.check_text,
    "protocol": protocol.check,
    "scripts": scripts.check,
    "service": service.check,
}
SKIPPED = 77


def run(name, tree):
    """The exit code of one check, having printed what it found."""
    try:
        findings = CHECKS[name](tree)
    except trees.ToolMissing as tool:
        print(f"{name}: {tool} is not installed (daemon/packages test installs it)")
        return 1 if os.environ.get("KITH_CHECK_ALL") else SKIPPED
    for finding in findings:
        print(finding)
    print(f"{name}: {len(findings)} findings in {len(tree.paths)} files")
    return 1 if findings else 0


def main():
    parser = argparse.ArgumentParser(description="checks of the tree")
    parser.add_argument("check", nargs="*", choices=[*CHECKS, []], help="default: all")
    parser.add_argument("--root", default=os.path.join(os.path.dirname(__file__), "..", ".."))
    parser.add_argument("--cc", default="cc", help="the compiler that headers are tried with")
    args = parser.parse_args()

    tree = trees.Tree(args.root, args.cc)
    codes = {run(name, tree) for name in args.check or CHECKS}
    return 1 if 1 in codes else max(codes)


if __name__ == "__main__":
    sys.exit(main())
