#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts what one suite, or all, left in a directory, shows what failed (with `--brief` by its name and one line), and ends with
`N passed, N failed, N skipped`.

For each NAME.status (the exit status of a suite; 77: skipped) there is NAME.log and, where single tests are known, NAME.xml (JUnit).
meson's JUnit knows no program that crashed between two of its tests: its NAME.json does."""
import html
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

LINES_SHOWN = 120
NODE_FRAME = re.compile(r"\s+at .*\bnode:")


def details(text):
    """The end of what a failure said. Node says its error three times over: the last is whole; and its own frames tell nothing."""
    lines = [line for line in text.splitlines() if line.strip() and not NODE_FRAME.match(line)]
    cause = next((i for i, line in enumerate(lines) if line.startswith("  cause: ")), 0)
    return "".join("\n    " + line for line in lines[cause:][-LINES_SHOWN:])


def first_line(text):
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return f" ({line[:200]})" if line else ""


def cases(path):
    """(name, 'passed'|'failed'|'skipped', output) of every test case; [] where there is no readable report."""
    try:
        root = xml.parse(path).getroot()
    except (OSError, xml.ParseError):
        return []
    found = []
    for case in root.iter("testcase"):
        name = " ".join(filter(None, (case.get("classname") if case.get("classname") != "test" else "", case.get("name"))))
        bad = next((case.find(tag) for tag in ("failure", "error") if case.find(tag) is not None), None)
        if bad is not None:
            said = [bad.get("message") or "", bad.text or ""] + [out.text or "" for out in case.iter() if out.tag.startswith("system-")]
            found.append((name, "failed", html.unescape("\n".join(filter(None, said))))) # node escapes what it says twice
        else:
            found.append((name, "skipped" if case.find("skipped") is not None else "passed", ""))
    return found


def broken_programs(path, found):
    """Failures of whole programs, of which no single test is known to have failed."""
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        program = json.loads(line)
        if program["result"] in ("OK", "SKIP", "EXPECTEDFAIL") or any(result == "failed" and program["name"] in name for name, result, _ in found):
            continue
        yield program["name"], "failed", f"{program['result']}\n{program['stdout'][-4000:]}\n{program.get('stderr', '')[-4000:]}"


def suite(directory, name):
    status = int((directory / f"{name}.status").read_text())
    log = (directory / f"{name}.log").read_text(errors="replace")
    found = cases(directory / f"{name}.xml")
    found += list(broken_programs(directory / f"{name}.json", found))
    if not found or (status not in (0, 77) and not any(result == "failed" for _, result, _ in found)):
        result = {0: "passed", 77: "skipped"}.get(status, "failed")
        found.append((name, result, f"exit status {status}\n{log}" if result == "failed" else log))
    return found


def main(directory, brief):
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for status in sorted(directory.rglob("*.status")):
        name = status.name.removesuffix(".status")
        for case, result, output in suite(status.parent, name):
            total[result] += 1
            if result == "failed":
                print(f"FAILED {name}: {case}{first_line(output) if brief else details(output)}")
            elif result == "skipped":
                print(f"skipped {name}: {case}")
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**total))
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), "--brief" in sys.argv[2:]))
