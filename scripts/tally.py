#!/usr/bin/env python3
"""scripts/tally.py FAILED LOG…: counts the cases in meson's test logs (TAP), prints each that failed or was skipped, and closes with
"N passed, N failed, N skipped". FAILED is how many builds or checks failed before. Exits 1 when anything failed or nothing ran."""
import json
import os
import re
import sys

CASE = re.compile(r"^(ok|not ok)\b *\d* *-? *(.*?)(?:\s*#\s*(SKIP|skip)\b\s*(.*))?$")


def main():
    failed, passed, skipped = int(sys.argv[1]), 0, 0
    for path in sys.argv[2:]:
        build = os.path.basename(os.path.dirname(os.path.dirname(path)))
        with open(path) as file:
            tests = [json.loads(line) for line in file]
        for test in tests:
            seen_failure = False
            cases = 0
            for line in test.get("stdout", "").splitlines():
                case = CASE.match(line)
                if not case:
                    continue
                cases += 1
                name = f"{build}: {test['name']}: {case.group(2)}"
                if case.group(3):
                    skipped += 1
                    print(f"skipped: {name}: {case.group(4)}")
                elif case.group(1) == "ok":
                    passed += 1
                else:
                    failed += 1
                    seen_failure = True
                    print(f"FAILED: {name}")
            if test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL") and not seen_failure:
                failed += 1
                print(f"FAILED: {build}: {test['name']}: {test['result']}")
            elif cases == 0 and test["result"] == "OK":
                passed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not passed else 0)


main()
