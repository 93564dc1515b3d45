#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""House rules 3, 4, 8 and 9 of STYLE.md and the floors of DESIGN.md, for the C files of this repository.

Usage: lint.py [ROOT]. One line a finding, exit status 1 when there is any."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE_LINES_MAX, HEADER_LINES_MAX, FUNCTION_LINES_MAX = 800, 150, 100

# What each room may include of ours, besides itself. Lower floors know nothing of higher ones.
MAY_INCLUDE = {
    "gate/consent": (),
    "gate/ledger": (),
    "gate/vault": ("gate/ledger",),
    "gate/audit": ("gate/ledger", "gate/vault"),
    "pipelines/transport": (),
    "pipelines/relay": ("pipelines/transport",),
    "pipelines/recording": ("pipelines/relay/tap.h", "gate/vault"),
    "pipelines": ("gate/vault", "gate/ledger", "pipelines/recording", "signaling/token.h"),
    "signaling": ("gate", "pipelines"),
    "tests": ("gate", "pipelines", "signaling"),
}
OURS = ("gate/", "pipelines/", "signaling/", "tests/")


def files(root):
    listed = subprocess.run(["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True)
    names = listed.stdout.split("\n") if listed.returncode == 0 else [str(path.relative_to(root)) for path in root.rglob("*")]
    return sorted(name for name in names if name.endswith((".c", ".h")) and (root / name).is_file())


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def code_only(text):
    """The text with comments, strings and characters blanked; every line keeps its number."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)
    return re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", blank, text, flags=re.M)  # directives: braces in macros are no functions


def room_of(name):
    return max((room for room in MAY_INCLUDE if name.startswith(room + "/")), key=len, default=None)


def check_includes(name, text):
    room = room_of(name)
    for number, line in enumerate(text.split("\n"), 1):
        found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not found:
            continue
        target = found.group(1)
        if not target.startswith(OURS):
            yield number, f'include from the top: "{os.path.dirname(name)}/{os.path.basename(target)}"'
        elif room and os.path.dirname(target) != os.path.dirname(name):
            if not any(target == may or target.startswith((may + "/", room + "/")) for may in MAY_INCLUDE[room] + (room,)):
                yield number, f"{room} may not include {target}"


def functions(code):
    """(first line, lines) of every block at file level that follows a parameter list."""
    depth, start, before = 0, 0, ""
    for number, line in enumerate(code.split("\n"), 1):
        for letter in line:
            if letter == "{":
                if depth == 0:
                    start = number if re.search(r"\)\s*$", before) else 0
                depth += 1
            elif letter == "}":
                depth = max(0, depth - 1)
                if depth == 0 and start:
                    yield start, number - start + 1
                    start = 0
                before = ""
            if depth == 0 and letter not in "{}":
                before = "" if letter == ";" else before + letter
        if depth == 0:
            before += "\n"


def check_shape(name, text, code):
    lines = text.count("\n")
    bound = HEADER_LINES_MAX if name.endswith(".h") else SOURCE_LINES_MAX
    if not re.match(r"/\* SPDX-License-Identifier: Apache-2\.0 \*/\n", text):
        yield 1, "the first line is not the SPDX line"
    if lines > bound:
        yield bound + 1, f"{lines} lines, {bound} is the end"
    for start, length in functions(code):
        if length > FUNCTION_LINES_MAX:
            yield start, f"a function of {length} lines, {FUNCTION_LINES_MAX} is the end"


def check_words(name, text, code):
    for number, line in enumerate(code.split("\n"), 1):
        if re.search(r"\bgoto\b", line):
            yield number, "goto"
        if name.startswith("gate/") and re.search(r"\bdefault\s*:", line):
            yield number, "a default case: name every value"
    for number, line in enumerate(text.split("\n"), 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            yield number, "unfinished work belongs into an issue"


def check_pairs(name, code, headers):
    """Rule 4: what is made can be unmade, by a function named so or by the one that ends its use."""
    if name.endswith(".h"):
        for kind, made in re.findall(r"\b(\w+) \*(\w+)_new\s*\(", code):
            if kind.lower() == made.replace("_", "") and not re.search(rf"\b{made}_(free|unref|seal|end)\s*\(", headers):
                yield 1, f"{made}_new without {made}_free or {made}_unref"


def compile_alone(root, names):
    """Rule 2: each header compiles alone."""
    flags = subprocess.run(["pkg-config", "--cflags", "gio-2.0", "jansson", "sqlite3", "libsodium", "openssl", "nice", "gstreamer-1.0",
                            "gstreamer-base-1.0", "gstreamer-sdp-1.0", "libwebsockets", "libjwt"], capture_output=True, text=True)
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            unit = pathlib.Path(scratch) / "alone.c"
            unit.write_text(f'#include "{name}"\n#include "{name}"\ntypedef int alone;\n')
            run = subprocess.run(["cc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-fsyntax-only", "-I", str(root), *flags.stdout.split(),
                                  str(unit)], capture_output=True, text=True)
            if run.returncode:
                yield name, 1, "does not compile alone: " + run.stderr.strip().split("\n")[0]


def lint(root):
    names = files(root)
    headers = "".join(code_only((root / name).read_text(errors="replace")) for name in names if name.endswith(".h"))
    for name in names:
        text = (root / name).read_text(errors="replace")
        code = code_only(text)
        for check in (check_includes(name, text), check_shape(name, text, code), check_words(name, text, code), check_pairs(name, code, headers)):
            yield from ((name, number, what) for number, what in check)
    if shutil.which("cc") and shutil.which("pkg-config"):
        yield from compile_alone(root, [name for name in names if name.endswith(".h")])


if __name__ == "__main__":
    findings = list(lint(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))
    for name, number, what in findings:
        print(f"{name}:{number}: {what}")
    sys.exit(1 if findings else 0)
