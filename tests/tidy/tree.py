"""The files of the project, and C source with its comments and strings blanked out."""
import os
import re
import shutil
import subprocess

# What git ignores; the checks must also work where there is no git, as in an unpacked archive.
IGNORED = re.compile(r"^(\.git|build|build-.*|kith-data|__pycache__|.*\.pyc)$")

COMMENT_OR_LITERAL = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL
)


class ToolMissing(Exception):
    """A program that a check needs is not installed."""


class Tree:
    def __init__(self, root, compiler="cc"):
        self.root = os.path.abspath(root)
        self.compiler = compiler
        self.paths = sorted(self._walk())
        self._texts = {}

    def _walk(self):
        for directory, subdirs, files in os.walk(self.root):
            subdirs[:] = [name for name in subdirs if not IGNORED.match(name)]
            for name in files:
                if not IGNORED.match(name):
                    yield os.path.relpath(os.path.join(directory, name), self.root)

    def select(self, pattern, under=""):
        """The paths below `under` whose whole name matches `pattern`."""
        return [
            path
            for path in self.paths
            if path.startswith(under) and re.search(pattern, path)
        ]

    def sources(self, under=""):
        return self.select(r"\.[ch]$", under)

    def absolute(self, path):
        return os.path.join(self.root, path)

    def exists(self, path):
        return path in self.paths

    def raw(self, path):
        with open(self.absolute(path), "rb") as file:
            return file.read()

    def text(self, path):
        if path not in self._texts:
            self._texts[path] = self.raw(path).decode("utf-8", "replace")
        return self._texts[path]

    def lines(self, path):
        return self.text(path).split("\n")

    def code(self, path):
        """C source with comments and the insides of literals turned into spaces."""
        return COMMENT_OR_LITERAL.sub(_blank, self.text(path))

    def tool(self, *candidates):
        """The path of the first of these programs that is installed."""
        for name in candidates:
            found = shutil.which(name)
            if found:
                return found
        raise ToolMissing(candidates[-1])

    def run(self, *command, **options):
        return subprocess.run(
            command, cwd=self.root, capture_output=True, text=True, check=False, **options
        )


def _blank(match):
    text = match.group()
    if text[0] in "\"'":
        return text[0] + " " * (len(text) - 2) + text[0]
    return re.sub(r"[^\n]", " ", text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
