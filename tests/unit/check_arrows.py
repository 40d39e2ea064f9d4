#!/usr/bin/env python3
"""Who may include whom (docs/ARCHITECTURE.md), and which library lives in which files. TAP. The build already gives each library an
include root made only of the rooms below it; this also sees what `static inline` or a test's root would let through."""
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

MAY_INCLUDE = {
    "base": {"base"},
    "engine": {"base", "engine"},
    "units": {"base", "engine", "units"},
    "manager": {"base", "engine", "units", "manager"},
    "dbus": {"base", "engine", "units", "manager", "dbus"},
    "svcd": {"base", "engine", "units", "manager", "dbus", "svcd"},
    "init": {"base", "engine", "init"},
    "cli": {"base", "dbus", "cli"},
}
# Of a room that only part of is open: exactly these headers.
ONLY = {
    ("init", "engine"): {"engine/program.h", "engine/interpret.h", "engine/launch.h"},
    ("cli", "dbus"): {"dbus/names.h"},
}
# Header of a library -> the files that may include it.
HOMES = {
    r"seccomp\.h": r"engine/seccomp[\w-]*\.[ch]",
    r"sys/capability\.h": r"engine/\w+\.c",
    r"libmount/libmount\.h": r"engine/[\w-]+\.c",
    r"ini\.h": r"units/\w+\.c",
    r"systemd/sd-bus\.h": r"(dbus|cli)/.*|bench/starter\.c",
    r"systemd/sd-event\.h": r"(dbus|svcd|cli)/.*|manager/host[\w-]*\.[ch]",
    r"json-c/json\.h": r"cli/.*|engine/seccomp-profile\.c",
    # The state machines touch the world through world.h alone.
    r"manager/host(-private)?\.h": r"(dbus|svcd)/.*|manager/host[\w-]*\.[ch]",
}
ONE_FILE = (r"sys/capability\.h", r"libmount/libmount\.h", r"ini\.h")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def sources(rooms):
    for room in rooms:
        for folder, _, names in os.walk(os.path.join(TOP, room)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    path = os.path.join(folder, name)
                    with open(path) as file:
                        yield os.path.relpath(path, TOP), INCLUDE.findall(file.read())


def check_arrows():
    wrong = []
    for path, includes in sources(MAY_INCLUDE):
        room = path.split("/")[0]
        for quote, header in includes:
            if quote != '"':
                continue
            target = header.split("/")[0]
            if target not in MAY_INCLUDE[room]:
                wrong.append(f"{path} includes {header}")
            elif header not in ONLY.get((room, target), {header}):
                wrong.append(f"{path} includes {header}, which is not open to {room}/")
    return wrong


def check_homes():
    wrong = []
    users = {}
    for path, includes in sources([*MAY_INCLUDE, "bench"]):
        for _, header in includes:
            for pattern, home in HOMES.items():
                if re.fullmatch(pattern, header):
                    users.setdefault(pattern, set()).add(path)
                    if not re.fullmatch(home, path):
                        wrong.append(f"{path} includes {header}")
    for pattern in ONE_FILE:
        if len(users.get(pattern, ())) > 1:
            wrong.append(f"{pattern} is included by {', '.join(sorted(users[pattern]))}: one file is its home")
    return wrong


def check_guards():
    wrong = []
    for path, _ in sources(MAY_INCLUDE):
        with open(os.path.join(TOP, path)) as file:
            text = file.read()
        if not text.startswith("/*"):
            wrong.append(f"{path} does not begin with what it is")
        if path.endswith(".h") and "#pragma once" not in text:
            wrong.append(f"{path} has no #pragma once")
    return wrong


CASES = {"rooms include only what is below them": check_arrows, "a library has one home": check_homes,
         "every file says what it is": check_guards}
failed = False
print(f"1..{len(CASES)}")
for number, (name, case) in enumerate(CASES.items(), 1):
    wrong = case()
    failed |= bool(wrong)
    for line in wrong:
        print("# " + line)
    print(f"{'not ok' if wrong else 'ok'} {number} {name}")
sys.exit(failed)
