#!/usr/bin/env python3
"""check_examples.py SVCD: every unit of examples/ is right as `SVCD --verify` sees it, alone and with the drop-ins of
examples/with-controllers joined to it; and a unit that is not, is not. TAP."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = os.path.join(TOP, "examples")


def verify(path):
    """What is wrong with the file; "" when nothing is."""
    result = subprocess.run([sys.argv[1], "--verify", path], capture_output=True, text=True, timeout=60)
    return "" if result.returncode == 0 and not result.stderr else result.stderr or f"exit status {result.returncode}"


def with_drop_ins(path, directory):
    """The unit and its drop-ins as one file: --verify looks at one file only."""
    joined = os.path.join(directory, os.path.basename(path))
    shutil.copy(path, joined)
    for drop_in in sorted(glob.glob(os.path.join(EXAMPLES, "with-controllers", os.path.basename(path) + ".d", "*.conf"))):
        with open(drop_in) as text, open(joined, "a") as file:
            file.write("\n" + text.read())
    return joined


def main():
    units = sorted(path for kind in ("service", "container", "target") for path in glob.glob(f"{EXAMPLES}/*.{kind}"))
    cases = [(path, path, "") for path in units]
    with tempfile.TemporaryDirectory() as directory:
        for path in units:
            if os.path.isdir(os.path.join(EXAMPLES, "with-controllers", os.path.basename(path) + ".d")):
                cases.append((f"{path} with controllers", with_drop_ins(path, directory), ""))
        wrong = os.path.join(directory, "wrong.service")
        with open(wrong, "w") as file:
            file.write("[Service]\nExecStart=/bin/true\nRestrat=no\n")
        cases.append(("a misspelt key", wrong, "did you mean 'Restart='?"))
        absent = os.path.join(directory, "absent.service")
        with open(absent, "w") as file:
            file.write("[Container]\nImage=/\nExec=/bin/true\nVolume=/nonexistent/volume:/srv\n")
        cases.append(("a volume that is not there yet", absent, ""))
        keeps = os.path.join(directory, "keeps.service")
        with open(keeps, "w") as file:
            file.write("[Service]\nExecStart=/bin/true\nDynamicUser=yes\nStateDirectory=x:y\nSetCredential=a:b\n"
                       "LoadCredential=c:/nonexistent/c\nLoadCredentialEncrypted=d:/nonexistent/d\n")
        cases.append(("credentials that are not there yet", keeps, ""))
        print(f"1..{len(cases) + 1}")
        print("ok 1 there are examples" if len(units) >= 3 else "not ok 1 there are examples")
        failed = len(units) < 3
        for number, (name, path, expected) in enumerate(cases, 2):
            found = verify(path)
            good = expected in found if expected else found == ""
            failed |= not good
            if not good:
                print(f"# {found.strip()!r}, expected {expected!r}")
            print(f"{'ok' if good else 'not ok'} {number} {os.path.relpath(name, TOP) if name.startswith('/') else name}")
    sys.exit(failed)


main()
