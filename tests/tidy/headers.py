"""Every header compiles alone, so that includes can stand in any order."""
import os
import re

from layers import ROOTS

PACKAGES = ("libuv", "nanomsg", "lmdb", "libxxhash", "libsodium", "libutf8proc", "inih")


def check(tree):
    compiler = tree.tool(tree.compiler)
    flags = _flags(tree)
    return [
        finding
        for path in tree.select(r"\.h$")
        for finding in _compile(tree, compiler, flags, path)
    ]


def _flags(tree):
    pkg_config = tree.tool("pkg-config")
    flags = ["-std=gnu11", "-D_GNU_SOURCE", '-DKITH_VERSION="0"', "-Wall", "-Wextra", "-Werror"]
    flags += [f"-I{root or '.'}" for root in ROOTS]
    for package in PACKAGES:
        flags += tree.run(pkg_config, "--cflags", package).stdout.split()
    return flags


def _compile(tree, compiler, flags, path):
    # Twice, so that a missing include guard is found as well.
    program = f'#include "{path}"\n#include "{path}"\n'
    own = f"-iquote{os.path.dirname(path) or '.'}"
    result = tree.run(
        compiler, *flags, own, "-fsyntax-only", "-x", "c", "-", input=program
    )
    if result.returncode == 0:
        return []
    first = re.search(r"error: (.*)", result.stderr)
    return [f"{path}:1: does not compile alone: {first.group(1) if first else 'see the compiler'}"]
