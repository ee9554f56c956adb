"""Every check of this directory finds what it is there to find, and leaves the rest alone."""
import os
import tempfile
import unittest

import calls
import headers
import layers
import layout
import names
import protocol
import scripts
import service
import sizes
from tree import ToolMissing, Tree

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


class Case(unittest.TestCase):
    def findings(self, check, files, **options):
        """What `check` says of a tree of these files; "x:" before a name makes a program of it."""
        with tempfile.TemporaryDirectory(prefix="kith-tidy-") as root:
            for name, text in files.items():
                path = os.path.join(root, name.removeprefix("x:"))
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                os.chmod(path, 0o755 if name.startswith("x:") else 0o644)
            try:
                return check(Tree(root), **options)
            except ToolMissing as tool:
                self.skipTest(f"{tool} is not installed")

    def clean(self, check, files, **options):
        self.assertEqual(self.findings(check, files, **options), [])

    def found(self, check, files, text, count=1, **options):
        findings = self.findings(check, files, **options)
        self.assertEqual(len(findings), count, findings)
        self.assertIn(text, findings[0])


class Layers(Case):
    def test_below_is_seen_and_above_is_not(self):
        header = {"daemon/store/log.h": "", "daemon/base/buf.h": "", "daemon/core/core.h": ""}
        source = '#include "base/buf.h"\n#include "store/log.h"\n'
        self.clean(layers.check, {**header, "daemon/core/a.c": source})
        self.found(layers.check, {**header, "daemon/net/a.c": source}, "net may not see layer store")
        self.found(
            layers.check, {**header, "daemon/base/a.c": '#include "core/core.h"\n'}, ":1: layer base"
        )

    def test_libraries_have_their_layers(self):
        for library, good, bad in (
            ("lmdb.h", "daemon/store", "daemon/core"),
            ("uv.h", "daemon/app", "daemon/store"),
            ("nanomsg/nn.h", "daemon/net", "daemon/codec"),
            ("msgpack.h", "daemon/codec", "daemon/app"),
        ):
            self.clean(layers.check, {f"{good}/a.c": f"#include <{library}>\n"})
            self.found(layers.check, {f"{bad}/a.c": f"#include <{library}>\n"}, "only in")

    def test_other_includes(self):
        self.found(layers.check, {"proto/a.c": "#include <assert.h>\n"}, "base/assert.h")
        self.found(layers.check, {"proto/a.c": '#include "nowhere.h"\n'}, "no file of the project")
        self.found(
            layers.check,
            {"clients/cli/a.c": '#include "c/src/own.h"\n', "clients/cli/c/src/own.h": "",
             "clients/cli/b.c": '#include "../c/src/own.h"\n', "clients/c/src/own.h": ""},
            "may see only clients/c/include/",
        )


class Calls(Case):
    def test_banned(self):
        self.found(calls.check_calls, {"proto/a.c": "\n    sprintf(a, b);\n"}, ":2: sprintf")
        self.clean(calls.check_calls, {"proto/a.c": '/* sprintf(a) */ f("atoi(x)"); snprintf(a);\n'})

    def test_sleeps_in_tests(self):
        self.found(calls.check_calls, {"tests/a.c": "    usleep(1);\n"}, "does not sleep")
        self.found(calls.check_calls, {"tests/a.py": "time.sleep(1)\n"}, "does not sleep")
        self.found(calls.check_calls, {"tests/a.sh": "\nsleep 1\n"}, ":2:")
        self.clean(calls.check_calls, {"daemon/net/a.c": "    usleep(1);\n"})

    def test_decisions_are_pure(self):
        impure = "    now = time(NULL);\n"
        self.found(calls.check_purity, {"daemon/core/decide_a.c": impure}, "does not call time")
        self.found(calls.check_purity, {"daemon/core/decide/a.c": impure}, "does not call time")
        self.found(calls.check_purity, {"daemon/core/decide.c": "static int n = 0;\n"}, "variable")
        self.clean(calls.check_purity, {"daemon/core/apply.c": impure})
        self.clean(
            calls.check_purity,
            {"daemon/core/decide.c": "static const int n = 0;\nstatic int\nf(int a)\n{\n}\n"},
        )


class Sizes(Case):
    @staticmethod
    def function(lines):
        return "int\nf(void)\n{\n" + "    g();\n" * (lines - 3) + "}\n"

    def test_functions(self):
        self.clean(sizes.check, {"proto/a.c": self.function(70)}, exceptions={})
        self.found(sizes.check, {"proto/a.c": self.function(71)}, "a.c:f has 71", exceptions={})

    def test_files(self):
        self.clean(sizes.check, {"proto/a.c": "\n" * 800}, exceptions={})
        self.found(sizes.check, {"proto/a.c": "\n" * 801}, "has 801 lines", exceptions={})

    def test_exceptions_only_shrink(self):
        large = {"proto/a.c": self.function(80)}
        self.clean(sizes.check, large, exceptions={"proto/a.c:f": 80})
        self.found(sizes.check, large, "lower 90 to 80", exceptions={"proto/a.c:f": 90})
        self.found(sizes.check, {"proto/a.c": ""}, "take the", exceptions={"proto/a.c:f": 90})


class Sources(Case):
    def test_format(self):
        style = {".clang-format": read(".clang-format")}
        tree = Tree(ROOT)
        tool = tree.tool("clang-format-14", "clang-format")
        if "version 14" not in tree.run(tool, "--version").stdout:
            self.skipTest("another clang-format")
        self.clean(layout.check, {**style, "proto/a.c": "int\nf(void)\n{\n    return 1;\n}\n"})
        self.found(layout.check, {**style, "proto/a.c": "int f(void) {return 1;}\n"}, "a.c:1:")

    def test_headers_alone(self):
        guarded = "#ifndef A\n#define A\n{}struct a {{ size_t n; }};\n#endif\n"
        self.clean(headers.check, {"proto/a.h": guarded.format("#include <stddef.h>\n")})
        self.found(headers.check, {"proto/a.h": guarded.format("")}, "does not compile alone")
        self.found(headers.check, {"proto/a.h": "struct a { int n; };\n"}, "redefinition")


class Names(Case):
    def test_top(self):
        self.clean(names.check_names, {"daemon/a_b.c": "", "README.md": "", ".ci/run": ""})
        self.found(names.check_names, {"notes/a.md": ""}, "notes:1: not among")
        self.found(names.check_names, {"proto/CamelCase.c": ""}, "lower_case")

    def test_leftovers(self):
        self.found(names.check_text, {"proto/a.c": "/* in /home/somebody */\n"}, "a path of")
        self.found(names.check_text, {"proto/a.md": "\n<<<<<<< HEAD\n"}, ":2: a mark")
        self.found(names.check_text, {"proto/a.h": "/* TODO */\n"}, "bare TODO")
        self.clean(names.check_text, {"proto/a.h": "/* $HOME/work/x, ~/home/y, mkXXXXXX */\n"})

    def test_words(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as words:
            words.write("Verboten\n")
            words.flush()
            os.environ[names.WORDS_FILE] = words.name
            try:
                self.found(names.check_text, {"proto/a.md": "it is verboten here\n"}, "a word")
                self.clean(names.check_text, {"proto/a.md": "unverbotener\n"})
            finally:
                del os.environ[names.WORDS_FILE]

    def test_white_space(self):
        self.found(names.check_text, {"proto/a.c": "int a; \n"}, "end of a line")
        self.found(names.check_text, {"proto/a.c": "\tint a;\n"}, "a tab")
        self.found(names.check_text, {"proto/a.c": "int a;"}, "does not end")
        self.found(names.check_text, {"proto/a.c": "int a;\n\n"}, "empty lines")


class Rest(Case):
    TABLES = {
        "proto/schema.h": '    X(M, "member", MEMBER, 1)\n    X(A, "a.b", QUERY, 0)\n',
        "proto/error.h": '    X(BUSY, "busy", BUSY, SAME_ID, "wait")\n',
    }

    def test_protocol(self):
        page = "`a.b` of a member may be busy\n"
        self.clean(protocol.check, {**self.TABLES, "proto/README.md": page})
        for word in ("a.b", "member", "busy"):
            less = {**self.TABLES, "proto/README.md": page.replace(word, "other")}
            self.found(protocol.check, less, f" {word} is not described")
        self.found(protocol.check, {**self.TABLES, "proto/error.h": ""}, "changed its form")

    def test_scripts(self):
        good = "#!/usr/bin/env bash\nset -euo pipefail\n"
        self.clean(scripts.check, {"x:tests/a": good})
        self.found(scripts.check, {"tests/a": good}, "chmod")
        self.found(scripts.check, {"x:tests/a": good + "if\n"}, "syntax error")
        self.found(scripts.check, {"x:tests/a": "#!/bin/sh\n"}, "set -eu")
        self.found(scripts.check, {"tests/a.py": "def\n"}, "invalid syntax")

    @staticmethod
    def can_rate_offline():
        tree = Tree(ROOT)
        return "--offline" in tree.run(tree.tool("systemd-analyze"), "--help").stdout

    def test_service(self):
        unit, users = read("systemd/kithd.service.in"), read("systemd/kith.sysusers")
        for text, expected in (
            (unit.replace("NoNewPrivileges=", "NoPrivilegs="), "NoPrivilegs"),
            (unit.replace("User=kith", "User=keith"), "does not make keith"),
            ("[Service]\nType=notify\nExecStart=@bindir@/kithd\n", "exposure"),
        ):
            if expected == "exposure" and not self.can_rate_offline():
                continue
            files = {service.UNIT: text, service.USERS: users}
            findings = self.findings(service.check, files)
            self.assertTrue(any(expected in finding for finding in findings), findings)


if __name__ == "__main__":
    unittest.main()
