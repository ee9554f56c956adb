"""Each layer includes only what stands below it, and each library has its layers."""
import os
import re

# layer: (directory, the layers whose headers it may include besides its own)
LAYERS = {
    "proto": ("proto/", ""),
    "base": ("daemon/base/", "proto"),
    "codec": ("daemon/codec/", "base proto"),
    "net": ("daemon/net/", "base proto"),
    "store": ("daemon/store/", "base proto"),
    "core": ("daemon/core/", "store codec base proto"),
    "app": ("daemon/app/", "core store net codec base proto"),
    "client": ("clients/c/", "codec base proto"),
    "cli": ("clients/cli/", "client codec base proto"),
    "tests": ("tests/", "app core store net codec base proto client cli"),
}

# Where a quoted include is looked for, after the directory of the file that has it.
ROOTS = ("", "daemon", "clients/c/include", "tests")

# Of the client, `kith` sees what every user sees.
PUBLIC = {("cli", "client"): "clients/c/include/"}

# A library's header, by prefix: the layers that may know of it. What is not listed is the C library.
LIBRARIES = {
    "msgpack": "codec client tests",
    "nanomsg/": "net app client cli tests",
    "uv.h": "net app tests",
    "uv/": "net app tests",
    "lmdb.h": "store tests",
    "xxhash.h": "base store core cli tests",
    "sodium": "base store core tests",
    "utf8proc.h": "core tests",
    "ini.h": "app tests",
    "systemd/": "app tests",
    "zlib.h": "cli tests",
    "cmocka": "tests",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def layer_of(path):
    for layer, (directory, _) in LAYERS.items():
        if path.startswith(directory):
            return layer
    return None


def check(tree):
    findings = []
    for path in tree.sources():
        for number, line in enumerate(tree.lines(path), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            bracket, name = match.groups()
            wrong = _library(path, name) if bracket == "<" else _own(tree, path, name)
            if wrong:
                findings.append(f"{path}:{number}: {wrong}")
    return findings


def _library(path, name):
    if name == "assert.h":
        return 'use "base/assert.h", whose assert stays on in a release'
    for prefix, layers in LIBRARIES.items():
        if name.startswith(prefix) and layer_of(path) not in layers.split():
            return f"<{name}> may be included only in: {layers}"
    return None


def _own(tree, path, name):
    found = _resolve(tree, path, name)
    if not found:
        return f'"{name}" is no file of the project (a library goes in <>)'
    layer, other = layer_of(path), layer_of(found)
    if layer is None or other is None:
        return f"{found if layer else path} belongs to no layer; see tests/tidy/layers.py"
    if other != layer and other not in LAYERS[layer][1].split():
        return f"layer {layer} may not see layer {other} ({found})"
    if not found.startswith(PUBLIC.get((layer, other), "")):
        return f"layer {layer} may see only {PUBLIC[layer, other]} of layer {other}"
    return None


def _resolve(tree, path, name):
    for root in (os.path.dirname(path), *ROOTS):
        candidate = os.path.normpath(os.path.join(root, name))
        if tree.exists(candidate):
            return candidate
    return None
