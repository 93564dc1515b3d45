# SPDX-License-Identifier: Apache-2.0
"""Inverts every condition in gate/consent one at a time and checks that the tests notice.

A condition is what stands in an if, a while, a for, before a `?`, as an operand of && or ||, or as a comparison or
boolean that is returned or assigned. Each mutant is built with the unit test and the model test in a directory of its own
and both are run for a bounded time; a failing test, a crash or a timeout kills the mutant. A survivor must be explained in
survivors.txt (FILE | CONDITION | WHY), else the exit status is 1. Needs gcc and pkg-config; two mutants at a time."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORE = sorted((ROOT / "gate/consent").glob("*.c"))
# Each test: its sources, and how it runs. The fixed seed makes a run repeatable; the schedules are what kills within seconds.
UNIT = [f"tests/consent/{name}.c" for name in ("call", "test-consent")]
SEGMENT = [f"tests/consent/{name}.c" for name in ("call", "test-segment")]
SFU = [f"tests/consent/{name}.c" for name in ("call", "test-sfu")]
AHEAD = [f"tests/consent/{name}.c" for name in ("call", "test-ahead")]
MODEL = ["tests/model/test-model.c", "tests/model/facts.c", "tests/model/model.c", "tests/model/schedule.c"]
SCHEDULES = "20000"
TIMEOUT_S = 30
OPENERS, CLOSERS = "([{", ")]}"


def blank(text):
    """The text with comments, strings and characters replaced by spaces, so that positions stay."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|^#[^\n]*'
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S | re.M)


def closing(text, start):
    """The position of the bracket that closes the one at start."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] in OPENERS) - (text[i] in CLOSERS)
        if depth == 0:
            return i
    raise ValueError("unbalanced brackets")


def split_top(text, start, end, operator):
    """The ranges between top-level occurrences of operator."""
    parts, depth, last, i = [], 0, start, start
    while i < end:
        depth += (text[i] in OPENERS) - (text[i] in CLOSERS)
        if depth == 0 and text.startswith(operator, i):
            parts.append((last, i))
            last = i = i + len(operator)
            continue
        i += 1
    return parts + [(last, end)]


def trim(text, start, end):
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def operands(text, start, end):
    """The condition itself, and the operands of its && and ||, down through brackets and a conditional's three parts."""
    start, end = trim(text, start, end)
    if start == end:
        return
    yield start, end
    for operator in ("||", "&&"):
        parts = split_top(text, start, end, operator)
        if len(parts) > 1:
            for part in parts:
                yield from operands(text, *part)
            return
    if text[start] == "!":
        yield from list(operands(text, start + 1, end))[1:]
    elif text[start] == "(" and closing(text, start) == end - 1:
        yield from list(operands(text, start + 1, end - 1))[1:]


def value_conditions(text, start, end):
    """Conditions in a returned or assigned value: a conditional's test, or the value itself when it is a truth."""
    question = split_top(text, start, end, "?")
    if len(question) > 1:
        yield from operands(text, *question[0])
        rest = (question[1][0], end)
        for part in split_top(text, *rest, ":"):
            yield from value_conditions(text, *part)
        return
    start, end = trim(text, start, end)
    value = text[start:end]
    outer = value
    while True:
        flat = re.sub(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}", "", outer)
        if flat == outer:
            break
        outer = flat
    if re.search(r"&&|\|\||[=!<>]=|[^-<>]>[^>]|[^<]<[^<]|^!", outer) or value in ("true", "false"):
        yield from operands(text, start, end)


def conditions(text):
    found = set()
    for match in re.finditer(r"\b(if|while)\s*\(", text):
        found.update(operands(text, match.end(), closing(text, match.end() - 1)))
    for match in re.finditer(r"\bfor\s*\(", text):
        middle = split_top(text, match.end(), closing(text, match.end() - 1), ";")[1]
        found.update(operands(text, *middle))
    for match in re.finditer(r"\breturn\b([^;]*);", text):
        found.update(value_conditions(text, match.start(1), match.end(1)))
    for match in re.finditer(r"(?<![=!<>+\-|&])=(?!=)\s*(?!\{)", text):
        end = match.end()
        while text[end] not in ",;})":
            end = closing(text, end) + 1 if text[end] in OPENERS else end + 1
        found.update(value_conditions(text, match.end(), end))
    # A condition handed to a function as a truth, as in note_first(&x, !granted, person).
    for match in re.finditer(r"(?<!void )\bnote_first\(", text):
        found.update(operands(text, *split_top(text, match.end(), closing(text, match.end() - 1), ",")[1]))
    return sorted(found)


def run(command, env=None, timeout=TIMEOUT_S):
    try:
        return subprocess.run(command, cwd=ROOT, env=env, timeout=timeout, capture_output=True, check=False).returncode
    except subprocess.TimeoutExpired:
        return -1


def glib(what):
    return subprocess.run(["pkg-config", what, "glib-2.0"], check=True, capture_output=True, text=True).stdout.split()


class Bench:
    """What does not change from mutant to mutant, built once."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.flags = ["-std=gnu11", "-O1", "-w", "-D_GNU_SOURCE", "-I.", *glib("--cflags")]
        self.libs = glib("--libs")
        self.objects = {source: self.compile(source, self.name(source)) for source in
                        [*(str(path.relative_to(ROOT)) for path in CORE), *UNIT, *SEGMENT, *AHEAD, *SFU, *MODEL]}

    def name(self, source):
        return self.directory / (source.replace("/", "_") + ".o")

    def compile(self, source, target):
        subprocess.run(["gcc", *self.flags, "-c", str(source), "-o", str(target)], cwd=ROOT, check=True, capture_output=True)
        return str(target)

    def verdict(self, core, directory):
        """Which test kills this core, or None."""
        env = dict(os.environ, RECGATE_SCHEDULES=SCHEDULES, RECGATE_SEED="1", G_DEBUG="")
        for name, sources in (("unit", UNIT), ("segment", SEGMENT), ("ahead", AHEAD), ("sfu", SFU), ("model", MODEL)):
            program = str(directory / name)
            link = ["gcc", *core, *(self.objects[source] for source in sources), "-o", program, *self.libs]
            subprocess.run(link, cwd=ROOT, check=True, capture_output=True)
            if run([program], env) != 0:
                return name
        return None

    def try_mutant(self, path, text, start, end):
        source = str(path.relative_to(ROOT))
        with tempfile.TemporaryDirectory(dir=self.directory) as place:
            directory = pathlib.Path(place)
            mutant = directory / path.name
            mutant.write_text(f"{text[:start]}(!({text[start:end]})){text[end:]}")
            try:
                compiled = self.compile(mutant, directory / "mutant.o")
            except subprocess.CalledProcessError:
                return "compiler"
            core = [compiled if name == source else self.objects[name]
                    for name in (str(p.relative_to(ROOT)) for p in CORE)]
            return self.verdict(core, directory)


def explained():
    """(file, condition) -> why."""
    path = pathlib.Path(__file__).with_name("survivors.txt")
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [[field.strip() for field in line.split(" | ", 2)] for line in lines if line.strip() and not line.startswith("#")]
    return {(row[0], row[1]): row[2] for row in rows}


def main():
    reasons, survivors, counts = explained(), [], {}
    with tempfile.TemporaryDirectory(prefix="recgate-mutate-") as place:
        bench = Bench(place)
        if bench.verdict([bench.objects[str(p.relative_to(ROOT))] for p in CORE], bench.directory):
            sys.exit("mutate: the tests fail without a mutation")
        jobs = [(path, text, start, end) for path in CORE for text in [path.read_text()]
                for start, end in conditions(blank(text))]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for job, killer in zip(jobs, pool.map(lambda job: bench.try_mutant(*job), jobs)):
                path, text, start, end = job
                condition = " ".join(text[start:end].split())
                counts[killer] = counts.get(killer, 0) + 1
                line = f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, start) + 1}: {condition}"
                print(f"{'killed by ' + killer if killer else 'SURVIVED'}  {line}", flush=True)
                if not killer:
                    survivors.append((path.name, condition))
    unexplained = [survivor for survivor in survivors if survivor not in reasons]
    for survivor in survivors:
        print(f"survivor {' | '.join(survivor)}: {reasons.get(survivor, 'NOT EXPLAINED')}")
    for stale in sorted(set(reasons) - set(survivors)):
        print(f"no survivor any more, take it out of survivors.txt: {' | '.join(stale)}")
    kinds = ", ".join(f"{number} by {killer}" for killer, number in sorted(counts.items(), key=str) if killer)
    print(f"{len(jobs)} mutants, killed {len(jobs) - len(survivors)} ({kinds}), survived {len(survivors)}, "
          f"unexplained {len(unexplained)}")
    sys.exit(1 if unexplained else 0)


if __name__ == "__main__":
    main()
