"""Limits: slices, and what the manager says of them. This machine has hardly a controller; tests/vm shows the effects."""
import json
import os

from svcd_test import expect, expect_equal, main, test, wait_for
from tree import Tree, cgroup_mount


def group(tree, *parts):
    return os.path.join(tree.cgroup, *parts)


def crash(tree):
    """Kills the manager and waits for the next one."""
    before = tree.manager_pid()
    tree.kill(before)
    wait_for(lambda: tree.manager_pid() not in (None, before) and tree.svcctl("is-system-running").stdout.strip(), "another manager", 20)


@test
def slices_are_up_while_they_are_used():
    with Tree("slices") as tree:
        if not cgroup_mount():
            return
        tree.service("a.service", "forever", "Type=exec\nSlice=one-two.slice\n")
        tree.service("b.service", "forever", "Type=exec\nSlice=one.slice\n")
        tree.start("a.service", "b.service")
        expect_equal(tree.good("show", "--property=ActiveState", "--value", "--", "-.slice").strip(), "active", "-.slice")
        for unit in ("one.slice", "one-two.slice"):
            tree.expect_show(unit, ActiveState="active", SubState="active", LoadState="loaded")
        expect(os.path.isdir(group(tree, "one.slice", "one-two.slice", "a.service")), "the group")
        expect(tree.show("one-two.slice", "ControlGroup").endswith("/one.slice/one-two.slice"), "ControlGroup")
        expect_equal(tree.show("one-two.slice", "Slice"), "one.slice", "Slice")
        expect_equal(tree.show("one.slice", "Slice"), "-.slice", "Slice")
        expect("one-two.slice" in tree.good("list-units"), "list-units")
        expect("a.service" not in tree.good("status", "one.slice").split("\n")[0], "status")
        tree.good("stop", "a.service")
        wait_for(lambda: tree.show("one-two.slice", "ActiveState") == "inactive", "the inner slice is down")
        expect(not os.path.exists(group(tree, "one.slice", "one-two.slice")), "the inner slice's group stays")
        tree.expect_show("one.slice", ActiveState="active")
        tree.good("stop", "one.slice")
        tree.expect_show("b.service", ActiveState="inactive")
        tree.expect_show("one.slice", ActiveState="inactive")
        expect(not os.path.exists(group(tree, "one.slice")), "the slice's group stays")


@test
def a_restarted_manager_knows_its_slices():
    with Tree("slices-restart") as tree:
        tree.service("a.service", "forever", "Type=exec\nSlice=one-two.slice\n")
        tree.start("a.service", "hand.slice")
        crash(tree)
        tree.expect_show("one-two.slice", ActiveState="active")
        tree.expect_show("one.slice", ActiveState="active")
        tree.expect_show("hand.slice", ActiveState="active")
        tree.good("stop", "a.service", "hand.slice")
        for unit in ("one.slice", "one-two.slice", "hand.slice"):
            wait_for(lambda: tree.show(unit, "ActiveState") == "inactive", f"{unit} is down")


@test
def restarting_a_slice_restarts_what_is_in_it():
    with Tree("slices-again") as tree:
        tree.service("a.service", "forever", "Type=exec\nSlice=one.slice\n")
        tree.start("a.service")
        before = tree.show("a.service", "MainPID")
        tree.good("restart", "one.slice")
        wait_for(lambda: tree.show("a.service", "ActiveState") == "active", "the service is up again")
        expect(tree.show("a.service", "MainPID") != before, "it is the same process")


@test
def a_slice_is_killed_with_all_in_it():
    with Tree("slices-kill") as tree:
        for name, where in (("a", "one"), ("b", "one-two"), ("c", "three")):
            tree.service(f"{name}.service", "forever", f"Type=exec\nSlice={where}.slice\n")
            tree.start(f"{name}.service")
        tree.good("kill", "--signal=KILL", "one.slice")
        for name in ("a", "b"):
            wait_for(lambda: tree.show(f"{name}.service", "ActiveState") == "failed", f"{name} is killed")
        tree.expect_show("c.service", ActiveState="active")
        expect("Isolated: no" in tree.good("status", "c.service"), "no limits are told where there are none")
        expect(tree.svcctl("kill", "one.slice").returncode != 0, "there is nobody left")


@test
def a_slice_that_cannot_be_refuses_its_services():
    with Tree("slices-bad") as tree:
        tree.unit("bad.slice", "[Slice]\nMemoryMax=nonsense\n")
        tree.unit("key.slice", "[Slice]\nExecStart=/bin/true\n")
        tree.unit("limit.slice", "[Slice]\nRDMAHandlesMax=mlx5_0 2\n")
        for slice_name, words in (("bad", "MemoryMax=: 'nonsense'"), ("key", "unknown key 'ExecStart=' in [Slice]"),
                                  ("limit", "limit.slice:2: RDMAHandlesMax=")):
            tree.service(f"{slice_name}.service", "forever", f"Type=exec\nSlice={slice_name}.slice\n")
            expect_equal(tree.svcctl("start", f"{slice_name}.service").returncode, 1, f"start in {slice_name}.slice")
            told = tree.svcctl("status", f"{slice_name}.service").stdout
            expect(words in told, f"{words} is not in {told}")
            expect_equal(tree.show(f"{slice_name}.service", "ExecMainStatus"), "219", "ExecMainStatus")
            expect_equal(tree.svcctl("start", f"{slice_name}.slice").returncode, 1, f"start of {slice_name}.slice")
        for name in ("a--b.slice", "-a.slice", "a-.slice"):
            expect(tree.svcctl("start", name).returncode != 0, f"{name} is taken")


@test
def what_polls_is_refused():
    # directive: Service.ManagedOOMSwap
    with Tree("managed-swap") as tree:
        for value, code in (("kill", 1), ("auto", 0)):
            tree.service(f"{value}.service", "forever", f"Type=exec\nManagedOOMSwap={value}\n")
            expect_equal(tree.svcctl("start", f"{value}.service").returncode, code, value)
        expect("ManagedOOMSwap=" in tree.svcctl("status", "kill.service").stdout, "status")


@test
def the_root_takes_no_limits():
    with Tree("slices-root") as tree:
        tree.service("a.service", "forever", "Type=exec\n")
        for text in ("MemoryMax=1G", "ManagedOOMMemoryPressure=kill", "DisableControllers=io"):
            tree.unit("-.slice", f"[Slice]\n{text}\n")
            tree.good("daemon-reload")
            expect_equal(tree.svcctl("start", "a.service").returncode, 1, text)
            told = tree.svcctl("status", "a.service").stdout
            expect(f"-.slice:2: {text.partition('=')[0]}=" in told and "takes no limits" in told, told)
        tree.unit("-.slice", "[Slice]\nIOAccounting=yes\n")
        tree.good("daemon-reload")
        tree.start("a.service")
        code, told = tree.svcctl("set-property", "--", "-.slice", "CPUWeight=50").returncode, ""
        expect(code != 0, "set-property of the root")


@test
def a_slice_disables_controllers():
    # directive: Service.DisableControllers
    with Tree("slices-disable") as tree:
        tree.unit("no.slice", "[Slice]\nDisableControllers=cpu memory pids io hugetlb\n")
        tree.service("a.service", "forever", "Type=exec\nSlice=no.slice\n")
        tree.start("a.service")
        expect_equal(tree.show("no.slice", "DisableControllers"), "cpu io memory pids hugetlb", "DisableControllers")
        with open(group(tree, "no.slice", "a.service", "cgroup.controllers")) as file:
            expect_equal(file.read().strip(), "", "controllers")


def set_property(tree, *arguments):
    result = tree.svcctl("set-property", *arguments)
    return result.returncode, result.stderr


@test
def set_property_is_kept():
    with Tree("set-property") as tree:
        tree.service("a.service", "forever", "Type=exec\nSlice=one.slice\n")
        tree.start("a.service")
        pid = tree.show("a.service", "MainPID")
        # What needs no controller that this machine has not got.
        tree.good("set-property", "a", "MemoryAccounting=no", "CoredumpReceive=yes", "TasksAccounting=no")
        tree.expect_show("a.service", MemoryAccounting="no", CoredumpReceive="yes", TasksAccounting="no", NeedDaemonReload="no", MainPID=pid)
        expect_equal(os.getxattr(group(tree, "one.slice", "a.service"), "user.coredump_receive"), b"1", "the attribute")
        expect_equal(tree.read("state", "control", "a.service.d", "50-CoredumpReceive.conf").splitlines()[1:],
                     ["[Service]", "CoredumpReceive=yes"], "the drop-in")
        tree.good("daemon-reload")
        tree.expect_show("a.service", CoredumpReceive="yes", MemoryAccounting="no")
        crash(tree)
        tree.expect_show("a.service", CoredumpReceive="yes", MainPID=pid)
        tree.good("set-property", "a", "CoredumpReceive=")
        tree.expect_show("a.service", CoredumpReceive="no")
        try:
            os.getxattr(group(tree, "one.slice", "a.service"), "user.coredump_receive")
            expect(False, "the attribute stays")
        except OSError:
            pass
        tree.good("set-property", "one.slice", "ManagedOOMPreference=omit")
        expect_equal(os.getxattr(group(tree, "one.slice"), "user.oomd_omit"), b"1", "the slice's attribute")
        expect("ManagedOOMPreference=omit" in tree.good("cat", "one.slice"), "cat")
        tree.expect_show("one.slice", ManagedOOMPreference="omit", DropInPaths=f"/mnt/state/control/one.slice.d/50-ManagedOOMPreference.conf")


@test
def set_property_for_the_runtime():
    with Tree("set-property-runtime") as tree:
        tree.service("a.service", "forever", "Type=exec\n")
        tree.good("set-property", "a", "CoredumpReceive=yes")
        tree.good("set-property", "--runtime", "a", "CoredumpReceive=no", "IOAccounting=yes")
        tree.expect_show("a.service", CoredumpReceive="no", IOAccounting="yes")
        expect(tree.exists("run", "control", "a.service.d", "50-IOAccounting.conf"), "the runtime's drop-in")
        expect(not tree.exists("state", "control", "a.service.d", "50-IOAccounting.conf"), "it would stay")
        # What is to stay is not hidden by what is not.
        tree.good("set-property", "a", "CoredumpReceive=yes")
        tree.expect_show("a.service", CoredumpReceive="yes", IOAccounting="yes")


@test
def set_property_refuses():
    with Tree("set-property-bad") as tree:
        tree.service("a.service", "forever", "Type=exec\n")
        tree.start("a.service")
        tree.unit("b.target", "[Unit]\nDescription=b\n")
        before = tree.good("show", "a.service")
        bad = {
            "MemoryMax=nonsense": "'nonsense' is no size", "MemoryMax=0": "too little", "MemoryMax=-1": "no size",
            "CPUWeight=10001": "weight", "Description=x": "Cannot set property", "ExecStart=/bin/true": "Cannot set property",
            "Nonsense=1": "unknown property", "MemoryMax": "Not an assignment", "ManagedOOMSwap=kill": "unknown property",
            "AllowedCPUs=1\nExecStart=/bin/sh": "control character", "AllowedCPUs=1\\": "next line",
            f"AllowedCPUs={'1,' * 32768}1": "longer than", "AllowedCPUs=\t1\x01": "control character",
            "RDMAHandlesMax=mlx5_0 2": "rdma", "IODeviceWeight=../x 100": "path",
        }
        for assignment, words in bad.items():
            code, told = set_property(tree, "a.service", assignment)
            expect(code != 0 and words in told, f"{assignment[:60]!r}: {code} {told}")
        code, told = set_property(tree, "a.service", "CoredumpReceive=yes", "MemoryMax=nonsense")
        expect(code != 0, "one bad of two")
        code, told = set_property(tree, "b.target", "MemoryMax=1M")
        expect(code != 0 and "no processes" in told, told)
        code, told = set_property(tree, "none.service", "MemoryMax=1M")
        expect(code != 0 and "none.service" in told, told)
        expect(set_property(tree, "../a.service", "MemoryMax=1M")[0] != 0, "a path")
        expect(not tree.exists("state", "control", "a.service.d") and not tree.exists("run", "control", "a.service.d"), "something was written")
        after = tree.good("show", "a.service")
        for name in ("CoredumpReceive", "MemoryMax", "AllowedCPUs", "DropInPaths"):
            line = [text for text in before.splitlines() if text.startswith(name + "=")]
            expect_equal([text for text in after.splitlines() if text.startswith(name + "=")], line, name)


@test
def top_shows_who_computes():
    with Tree("top") as tree:
        tree.service("busy.service", "burn-cpu 60", "Type=exec\nCPUAccounting=yes\n")
        tree.service("idle.service", "forever", "Type=exec\n")
        tree.start("busy.service", "idle.service")
        rows = {row["unit"]: row for row in json.loads(tree.good("top", "--json"))}
        expect(rows["busy.service"]["cpu_percent"] > 10 and rows["idle.service"]["cpu_percent"] < 5, f"{rows}")
        expect(rows["busy.service"]["cpu_nsec"] > 0, f"{rows}")
        text = tree.good("top", "--once").splitlines()
        expect(text[0].split()[:3] == ["UNIT", "TASKS", "%CPU"], text[0])
        expect(text[1].split()[0] in ("-.slice", "busy.service", "system.slice"), f"{text}")
        expect_equal(len([line for line in tree.good("top", "-n", "2", "--no-legend").splitlines() if line.startswith("busy")]), 2, "-n 2")
        expect("CPU: " in tree.good("status", "busy.service"), "status")
        expect(int(tree.show("busy.service", "ControlGroupId")) > 0, "ControlGroupId")
        expect(tree.show("busy.service", "CPUPressure") is not None, "CPUPressure")
        tree.good("stop", "busy.service")
        expect("Consumed " in tree.good("logs", "busy.service"), "the log")
        expect("Consumed " not in tree.good("logs", "idle.service"), "nobody asked")


@test
def explain_tells_limits():
    with Tree("explain-limits") as tree:
        tree.service("a.service", "forever", "MemoryMax=64M\nCPUWeight=idle\nCPUQuota=20%\nHugeTLBMax=2M 4M\nIOReadBandwidthMax=/nothing 1M\nCoredumpReceive=yes\n")
        told = tree.good("explain", "a.service")
        for text in ("limit memory.max 67108864", "limit cpu.idle 1", "limit cpu.max 20000 100000", "limit hugetlb.2MB.max 4194304",
                     "limit io.max of a device that is not there", "limit user.coredump_receive 1"):
            expect(text in told, f"{text} is not in {told}")
        expect("a.service:4" in [line for line in told.splitlines() if "memory.max" in line][0] or "a.service:3" in told, told)


@test
def a_unit_stays_in_its_slice_while_it_runs():
    with Tree("slices-edit") as tree:
        tree.service("a.service", "forever", "Type=exec\nSlice=one.slice\n")
        tree.start("a.service")
        tree.service("a.service", "forever", "Type=exec\nSlice=two.slice\n")
        tree.good("daemon-reload")
        for _ in range(2):
            tree.expect_show("a.service", ActiveState="active", Slice="one.slice")
            expect(tree.show("a.service", "ControlGroup").endswith("/one.slice/a.service"), "ControlGroup")
            tree.expect_show("one.slice", ActiveState="active")
            expect("forever" in tree.good("status", "a.service"), "its process")
            crash(tree)
        tree.good("stop", "a.service")
        wait_for(lambda: tree.show("one.slice", "ActiveState") == "inactive", "the old slice is down")
        expect(not tree.cgroups_of("a.service") and not tree.cgroups_of("one.slice"), "its groups stay")
        tree.start("a.service")
        tree.expect_show("a.service", ActiveState="active", Slice="two.slice")
        tree.expect_show("two.slice", ActiveState="active")


main()
