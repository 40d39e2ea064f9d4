"""Filters of the cgroup that take more than one unit to show: where they cannot be had, what a crash of the manager and a reload do to
them, and how they are told."""
import os
import re
import signal

from svcd_test import expect, expect_equal, main, test, wait_for
from tree import Tree


@test
def a_filter_without_a_cgroup_stops_the_unit():
    with Tree("filter-user", uid=1000) as tree:
        for number, lines in enumerate(("DevicePolicy=closed", "DevicePolicy=strict", "DeviceAllow=/dev/null rw")):
            unit = f"filter-{number}.service"
            tree.service(unit, "forever", f"Type=exec\n{lines}\n")
            result = tree.svcctl("start", unit)
            told = result.stderr + tree.svcctl("status", unit).stdout
            expect_equal(result.returncode, 1, f"{lines}: {told}")
            expect(f"{unit}:4" in told and lines.partition("=")[0] in told and "cgroup" in told, f"{lines} is not refused clearly: {told}")
            tree.expect_show(unit, Result="exit-code", ExecMainStatus="219")


@test
def a_crash_of_the_manager_changes_no_filter():
    with Tree("filter-crash") as tree:
        tree.service("held.service", "forever", "Type=exec\nDevicePolicy=strict\nDeviceAllow=/dev/null rw\n"
                     "ExecReload=@GUEST@ open /dev/null rw ok -- open /dev/zero r EPERM\n")
        tree.start("held.service")
        tree.good("reload", "held.service")
        before = tree.manager_pid()
        tree.kill(before)
        wait_for(lambda: tree.manager_pid() not in (None, before) and tree.svcctl("status", "held.service").returncode == 0, "another manager")
        tree.good("reload", "held.service")
        tree.good("stop", "held.service")


@test
def explain_tells_filters_in_words():
    with Tree("filter-explain") as tree:
        tree.service("told.service", "forever", "DevicePolicy=closed\nDeviceAllow=/dev/kmsg r\n")
        text = tree.good("explain", "told.service")
        expect(re.search(r"filter devices standard /dev/kmsg:r, no others.*told.service:\d+", text), text)


main()
