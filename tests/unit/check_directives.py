#!/usr/bin/env python3
"""What follows from the table of directives follows. TAP.

check_directives.py document PROGRAM    docs/directives.md is what PROGRAM prints
check_directives.py behaviour PROGRAM   every row of `PROGRAM --list` has a behavioural test
check_directives.py complete PROGRAM    every name in tests/data/directives-wanted.txt has a row, and hardly one is refused

A behavioural test names the rows it covers in a line of its own: "# directive: Section.Name [Section.Name …]". It is a unit file in
tests/system/behaviour or tests/vm/units whose payload looks at the effect from inside, a case in a Python file of tests/system, tests/vm or
tests/sim, or ("// directive: …" or "/* directive: … */") a case in a C file of tests/sim or tests/unit, where nothing but the manager's
own behaviour is asked for."""
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACES = ("tests/system", "tests/vm", "tests/sim", "tests/unit")
SUFFIXES = (".service", ".container", ".target", ".conf", ".py", ".c")
MARKER = re.compile(r"^\s*(?:#|//|/?\*)\s*directive:\s*(.*?)(?:\*/)?\s*$")
# A row whose setting has no effect needs no test of its effect: it is the documentation of the unit.
NO_EFFECT = {"Unit.Description", "Unit.Documentation"}
REFUSED_AT_MOST = 10


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def markers():
    found = {}
    for place in PLACES:
        for directory, _, files in os.walk(os.path.join(TOP, place)):
            for name in files:
                if not name.endswith(SUFFIXES) or name == os.path.basename(__file__):
                    continue
                path = os.path.join(directory, name)
                with open(path, encoding="utf-8", errors="replace") as text:
                    for line in text:
                        match = MARKER.match(line)
                        for word in match.group(1).replace(",", " ").split() if match else ():
                            found.setdefault(word, os.path.relpath(path, TOP))
    return found


def check_document(program):
    with open(os.path.join(TOP, "docs/directives.md"), encoding="utf-8") as text:
        good = text.read() == output(program)
    print("1..1")
    print("ok 1 document" if good else f"not ok 1 document\n# run: {program} > docs/directives.md")
    return good


def check_behaviour(program):
    rows = output(program, "--list").split()
    found = markers()
    unknown = sorted(set(found) - set(rows))
    missing = [row for row in rows if row not in found and row not in NO_EFFECT]
    print("1..2")
    print(("not " if missing else "") + "ok 1 every row has a behavioural test")
    for row in missing:
        print(f"# no test names directive: {row}")
    print(("not " if unknown else "") + "ok 2 every test names rows that exist")
    for word in unknown:
        print(f"# {found[word]} names {word}, which is no row")
    return not missing and not unknown


def wanted():
    section, names = None, []
    with open(os.path.join(TOP, "tests/data/directives-wanted.txt"), encoding="utf-8") as text:
        for line in text:
            heading = re.match(r"\[(\w+)\]", line)
            if heading:
                section = heading.group(1)
            elif not line.startswith("#"):
                names += [f"{section}.{word}" for word in line.split()]
    return names


def check_complete(program):
    rows = set(output(program, "--list").split())
    refused = output(program, "--refused").split()
    missing = [name for name in wanted() if name not in rows]
    print("1..2")
    print(("not " if missing else "") + "ok 1 every wanted directive has a row")
    for name in missing:
        print(f"# no row: {name}")
    print(("not " if len(refused) >= REFUSED_AT_MOST else "") + f"ok 2 {len(refused)} are refused")
    return not missing and len(refused) < REFUSED_AT_MOST


if __name__ == "__main__":
    check = {"document": check_document, "behaviour": check_behaviour, "complete": check_complete}[sys.argv[1]]
    sys.exit(0 if check(sys.argv[2]) else 1)
