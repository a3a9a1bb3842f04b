"""Counts test cases: count_cases.py meson testlog.json | junit report.xml prints "passed failed skipped".

A program of cmocka tests counts by its cases, a corpus replay as one; one that crashed or ran out of time
adds a failure. The exit code is 1 when nothing was counted: a run without tests is no success.
"""

import json
import sys
import xml.etree.ElementTree as xml


def of_meson(path):
    passed = failed = skipped = 0
    for line in open(path, encoding="utf-8", errors="replace"):
        test = json.loads(line)
        output = test.get("stdout", "") + test.get("stderr", "")
        good, bad = output.count("[       OK ]"), output.count("[  FAILED  ] ") // 2
        ended_well = test["result"] in ("OK", "EXPECTEDFAIL")
        if test["result"] == "SKIP":
            skipped += 1
            continue
        passed += good if good or bad else int(ended_well)
        failed += bad if ended_well else max(bad, 1)
    return passed, failed, skipped


def of_junit(path):
    totals = {name: 0 for name in ("tests", "failures", "errors", "skipped")}
    for suite in xml.parse(path).getroot().iter("testsuite"):
        for name in totals:
            totals[name] += int(suite.get(name, 0))
    failed = totals["failures"] + totals["errors"]
    return totals["tests"] - failed - totals["skipped"], failed, totals["skipped"]


counted = {"meson": of_meson, "junit": of_junit}[sys.argv[1]](sys.argv[2])
print(*counted)
sys.exit(0 if sum(counted) else 1)
