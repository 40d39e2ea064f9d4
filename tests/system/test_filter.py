"""Filters of the cgroup that take more than one unit to show: where they cannot be had, what a crash of the manager and a reload do to
them, and how they are told."""
import ctypes
import os
import re
import shutil
import struct
import sys

from svcd_test import expect, expect_equal, main, skip, test, wait_for
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


# Runs a command that the kernel refuses bpf(2), as an outer container may: a filter of system calls that answers EPERM.
WITHOUT_BPF = """
import ctypes, os, struct, sys
number = 321 if os.uname().machine == "x86_64" else 280
code = b"".join(struct.pack("HBBI", *i) for i in ((0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)))
buffer = ctypes.create_string_buffer(code)
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 4, ctypes.addressof(buffer)))
if ctypes.CDLL(None).prctl(22, 2, ctypes.c_void_p(ctypes.addressof(program)), 0, 0):
    sys.exit("no filter")
os.execv(sys.argv[1], sys.argv[1:])
"""


@test
def without_bpf_only_what_goes_without_saying_is_left_out():
    with Tree("filter-without", before=[sys.executable, "-c", WITHOUT_BPF]) as tree:
        tree.unit("implied.service", "[Container]\nImage=@IMAGE@\nExec=/guest open /dev/null rw ok\n[Service]\nType=oneshot\n")
        tree.start("implied.service")
        told = tree.good("explain", "implied.service")
        expect("not enforced here (Operation not permitted): filter devices standard" in told, told)
        for number, line in enumerate(("DevicePolicy=closed", "DeviceAllow=/dev/null rw", "IPAddressDeny=any", "IPAccounting=yes",
                                       "SocketBindDeny=tcp", "RestrictNetworkInterfaces=lo", "RestrictFileSystems=~proc")):
            unit = f"asked-{number}.service"
            tree.unit(unit, f"[Container]\nImage=@IMAGE@\nExec=/guest forever\n[Service]\n{line}\n")
            expect_equal(tree.svcctl("start", unit).returncode, 1, line)
            told = tree.svcctl("status", unit).stdout
            expect(f"{unit}:5: {line.partition('=')[0]}=" in told and "not permitted" in told, f"{line} is not refused clearly: {told}")
            tree.expect_show(unit, ExecMainStatus="244" if "FileSystems" in line else "219")


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


def manager_is_back(tree, before):
    wait_for(lambda: tree.manager_pid() not in (None, before) and tree.svcctl("status").returncode == 0, "another manager")


def counters(tree, unit):
    return {name: int(tree.show(unit, name)) for name in ("IPIngressBytes", "IPIngressPackets", "IPEgressBytes", "IPEgressPackets")}


@test
def traffic_is_counted_from_the_start_and_over_a_crash():
    # directive: Service.IPAccounting
    with Tree("filter-traffic") as tree:
        tree.service("counted.service", "forever", "Type=exec\nPrivateNetwork=yes\nIPAccounting=yes\nIPAddressDeny=127.0.0.9\n"
                     "ExecStartPre=@GUEST@ reach 127.0.0.1 ok -- reach ::1 ok -- reach 127.0.0.9 EPERM\n")
        tree.service("uncounted.service", "forever", "Type=exec\n")
        tree.start("counted.service", "uncounted.service")
        # One byte of payload behind the headers of UDP and IP; what was denied does not count.
        expected = {"IPIngressBytes": 29 + 49, "IPIngressPackets": 2, "IPEgressBytes": 29 + 49, "IPEgressPackets": 2}
        expect_equal(counters(tree, "counted.service"), expected, "what was counted")
        expect("78B in, 78B out" in tree.good("status", "counted.service"), tree.good("status", "counted.service"))
        expect_equal(tree.show("uncounted.service", "IPEgressBytes"), "[not set]", "a unit that does not count")
        before = tree.manager_pid()
        tree.kill(before)
        manager_is_back(tree, before)
        expect_equal(counters(tree, "counted.service"), expected, "after a crash")
        tree.good("stop", "counted.service")
        expect("78B of IP traffic received, 78B sent" in tree.good("logs", "counted.service"), tree.good("logs", "counted.service"))
        expect_equal(counters(tree, "counted.service"), expected, "after the stop")
        tree.start("counted.service")
        expect_equal(counters(tree, "counted.service"), expected, "after another start")


@test
def a_reload_changes_the_rules_of_a_running_unit():
    with Tree("filter-reload") as tree:
        def unit(rules, check):
            tree.service("changing.service", "forever", f"Type=exec\n{rules}\nExecReload=@GUEST@ {check}\n")
            tree.good("daemon-reload")
            if tree.show("changing.service", "ActiveState") != "active":
                tree.start("changing.service")
            tree.good("reload", "changing.service")
        unit("", "open /dev/zero r ok -- open /dev/kmsg r ok")
        unit("DevicePolicy=closed", "open /dev/zero r ok -- open /dev/kmsg r EPERM")
        unit("DevicePolicy=strict\nDeviceAllow=/dev/kmsg r\nSocketBindDeny=any", "open /dev/zero r EPERM -- open /dev/kmsg r ok -- bind tcp 127.0.0.1 0 EPERM")
        before = tree.manager_pid()
        tree.kill(before)
        manager_is_back(tree, before)
        unit("SocketBindDeny=udp", "open /dev/zero r ok -- open /dev/kmsg r ok -- bind tcp 127.0.0.1 0 ok -- bind udp 127.0.0.1 0 EPERM")
        unit("IPAddressDeny=any\nIPAccounting=yes", "bind udp 127.0.0.1 0 ok -- reach 127.0.0.1 EPERM")
        unit("IPAddressDeny=any\nIPAddressAllow=127.0.0.0/8\nIPAccounting=yes", "reach 127.0.0.1 ok")
        expect_equal(counters(tree, "changing.service")["IPEgressPackets"], 1, "the counters go on")
        unit("IPAccounting=yes", "reach 127.0.0.1 ok")
        expect_equal(counters(tree, "changing.service")["IPEgressPackets"], 2, "the counters go on")
        unit("", "reach 127.0.0.1 ok -- open /dev/kmsg r ok")
        # A rule that cannot be had changes nothing, and is told.
        tree.service("changing.service", "forever", "Type=exec\nIPEgressFilterPath=/nonexistent/program\nDevicePolicy=strict\n"
                     "ExecReload=@GUEST@ open /dev/zero r ok\n")
        tree.good("daemon-reload")
        expect("changing.service:4" in tree.good("logs", "changing.service"), tree.good("logs", "changing.service"))
        tree.good("reload", "changing.service")


@test
def slices_judge_for_the_units_in_them():
    with Tree("filter-slice") as tree:
        def slice_file(name, lines):
            tree.unit(name, f"[Slice]\n{lines}\n")
        slice_file("outer.slice", "IPAddressDeny=127.0.0.0/16\nIPAccounting=yes")
        slice_file("outer-inner.slice", "DevicePolicy=closed\nSocketBindDeny=tcp")
        lines = "Type=exec\nSlice=outer-inner.slice\nPrivateNetwork=yes\n"
        tree.service("allowing.service", "forever", lines + "IPAddressAllow=127.0.0.2\nDeviceAllow=/dev/kmsg r\n"
                     "ExecReload=@GUEST@ reach 127.0.0.1 EPERM -- reach 127.0.0.2 ok -- reach 127.1.0.1 ok -- open /dev/kmsg r EPERM -- bind tcp 127.0.0.1 0 EPERM\n")
        tree.service("plain.service", "forever", lines + "ExecReload=@GUEST@ reach 127.0.0.2 EPERM -- reach 127.1.0.1 ok\n")
        tree.start("allowing.service", "plain.service")
        tree.good("reload", "allowing.service", "plain.service")
        expect_equal(int(tree.show("outer.slice", "IPIngressPackets")), 3, "what a slice has counted")
        # A change of the slice is one of the units in it: by a reload, and by set-property.
        slice_file("outer.slice", "IPAccounting=yes")
        tree.service("plain.service", "forever", lines + "ExecReload=@GUEST@ reach 127.0.0.2 ok\n")
        tree.good("daemon-reload")
        tree.good("reload", "plain.service")
        tree.good("set-property", "outer.slice", "IPAddressDeny=127.0.0.2")
        expect(tree.svcctl("reload", "plain.service").returncode != 0, "what set-property denies is reached")
        tree.good("set-property", "plain.service", "IPAddressAllow=127.0.0.0/8")
        tree.good("reload", "plain.service")
        tree.good("stop", "plain.service", "allowing.service")


def attached(tree, unit):
    """The ids of the programs attached to the unit's cgroup, by where they are attached."""
    group = os.open(tree.cgroups_of(unit)[0], os.O_RDONLY)
    found = {}
    for kind in (0, 1, 6):  # ingress, egress, device
        ids = (ctypes.c_uint32 * 8)()
        attributes = bpf(16, group=(0, "I", group), kind=(4, "I", kind), ids=(16, "Q", ctypes.addressof(ids)), n=(24, "I", 8))[1]
        found[kind] = list(ids[:struct.unpack_from("<I", attributes, 24)[0]])
    os.close(group)
    return found


def is_loaded(program):
    try:
        os.close(bpf(13, id=(0, "I", program))[0])
        return True
    except OSError:
        return False


@test
def units_share_programs_and_leave_none():
    with Tree("filter-shared") as tree:
        units = [f"many-{number}.service" for number in range(5)]
        for unit in units:
            tree.service(unit, "forever", "Type=exec\nDevicePolicy=closed\nIPAddressDeny=10.0.0.0/8\n")
        tree.service("other.service", "forever", "Type=exec\nDevicePolicy=strict\n")
        tree.start(*units, "other.service")
        first = attached(tree, units[0])
        expect_equal([len(ids) for ids in first.values()], [1, 1, 1], "programs of a unit")
        expect(all(attached(tree, unit) == first for unit in units), "the same rules are not the same programs")
        expect(attached(tree, "other.service")[6] != first[6], "other rules are the same program")
        before = tree.manager_pid()
        tree.kill(before)
        manager_is_back(tree, before)
        second = attached(tree, units[0])
        expect_equal([len(ids) for ids in second.values()], [1, 1, 1], "programs of a unit after a crash")
        expect(all(attached(tree, unit) == second for unit in units), "the same rules are not the same programs after a crash")
        wait_for(lambda: not any(is_loaded(ids[0]) for ids in first.values()), "the old programs to go")
        tree.good("stop", *units, "other.service")
    wait_for(lambda: not any(is_loaded(ids[0]) for ids in second.values()), "all programs to go with the last unit")


@test
def interfaces_that_come_later_count():
    with Tree("filter-links", network=True) as tree:
        tree.run("ip", "link", "set", "lo", "up")
        tree.service("linked.service", "forever", "Type=exec\nRestrictNetworkInterfaces=late0\nExecReload=@GUEST@ reach 127.0.0.1 ok -- reach 127.0.0.1 ok\n")
        tree.service("unlinked.service", "forever", "Type=exec\nRestrictNetworkInterfaces=~late0\nExecReload=@GUEST@ reach 127.0.0.1 ok\n")
        tree.start("linked.service", "unlinked.service")
        expect(tree.svcctl("reload", "linked.service").returncode != 0, "packets go through an interface that is not listed")
        tree.good("reload", "unlinked.service")
        # "lo" may have another name, as any interface.
        expect_equal(tree.run("sh", "-c", "ip link set lo down && ip link set lo name late0 && ip link set late0 up").returncode, 0, "renaming")
        wait_for(lambda: tree.svcctl("reload", "linked.service").returncode == 0, "the interface to be known by its new name")
        expect(tree.svcctl("reload", "unlinked.service").returncode != 0, "packets go through an interface that is listed now")


@test
def sets_of_the_packet_filter_hold_the_unit_while_it_is_up():
    # directive: Service.NFTSet
    if not shutil.which("nft"):
        skip("no nft (nftables)")
    with Tree("filter-sets", network=True) as tree:
        def nft(text):
            result = tree.run("nft", text)
            expect_equal(result.returncode, 0, f"nft {text}: {result.stderr}")
            return result.stdout

        def elements(name):
            return re.findall(r'"?([\w/.-]+)"?[,\s]', (re.search(r"elements = \{(.*?)\}", nft(f"list set inet t {name}"), re.S) or ["", ""])[1])
        tree.run("ip", "link", "set", "lo", "up")
        nft("add table inet t; add set inet t users { typeof meta skuid; }; add set inet t groups { typeof meta skgid; };"
            "add set inet t cgroups { type cgroupsv2; }; add set inet t addresses { type ipv4_addr; };"
            "add chain inet t out { type filter hook output priority 0; }; add rule inet t out ip daddr 127.0.0.7 meta skuid @users drop")
        tree.service("listed.service", "forever", "Type=exec\nUser=33\nNFTSet=user:inet:t:users group:inet:t:groups\nNFTSet=cgroup:inet:t:cgroups\n"
                     "ExecReload=@GUEST@ reach 127.0.0.1 ok -- reach 127.0.0.7 EPERM\n")
        tree.service("other.service", "forever", "Type=exec\nUser=33\nNFTSet=user:inet:t:users\nExecReload=@GUEST@ reach 127.0.0.7 EPERM\n")
        tree.start("listed.service", "other.service")
        expect_equal((len(elements("users")), len(elements("groups")), len(elements("cgroups"))), (1, 1, 1), "elements")
        tree.good("reload", "listed.service")
        before = tree.manager_pid()
        tree.kill(before)
        manager_is_back(tree, before)
        tree.good("stop", "listed.service")
        expect_equal((len(elements("users")), len(elements("groups")), len(elements("cgroups"))), (1, 0, 0), "elements of the other unit")
        tree.good("reload", "other.service")
        tree.good("stop", "other.service")
        expect_equal(elements("users"), [], "elements after the stop")
        for line in ("NFTSet=user:inet:t:none", "NFTSet=user:ip:t:users", "NFTSet=cgroup:inet:t:addresses"):
            tree.service("bad.service", "forever", f"Type=exec\nNFTSet=user:inet:t:users\n{line}\n")
            tree.good("daemon-reload")
            told = tree.svcctl("start", "bad.service").stderr + tree.svcctl("status", "bad.service").stdout
            expect("bad.service:5: NFTSet=" in told, f"{line}: {told}")
            expect_equal(elements("users"), [], "elements of a unit that did not start")


def bpf(command, **fields):
    """bpf(2) with the members of its union given as (offset, format, value). Returns its result and the union after it."""
    attributes = bytearray(128)
    for offset, form, value in fields.values():
        struct.pack_into(form, attributes, offset, value)
    buffer = (ctypes.c_char * len(attributes)).from_buffer(attributes)
    result = ctypes.CDLL(None, use_errno=True).syscall(321 if os.uname().machine == "x86_64" else 280, command, buffer, len(attributes))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf: {os.strerror(ctypes.get_errno())}")
    return result, attributes


def pin_program(path, kind, verdict):
    """Pins "return VERDICT" there."""
    code = ctypes.create_string_buffer(struct.pack("<BBhi", 0xb7, 0, 0, verdict) + struct.pack("<BBhi", 0x95, 0, 0, 0))
    licence, name = ctypes.create_string_buffer(b"GPL"), ctypes.create_string_buffer(path.encode())
    program, _ = bpf(5, kind=(0, "I", kind), n=(4, "I", 2), code=(8, "Q", ctypes.addressof(code)), licence=(16, "Q", ctypes.addressof(licence)))
    bpf(6, path=(0, "Q", ctypes.addressof(name)), fd=(8, "I", program))
    os.close(program)


@test
def pinned_programs_are_attached():
    # directive: Service.IPIngressFilterPath Service.IPEgressFilterPath Service.BPFProgram
    with Tree("filter-pinned") as tree:
        expect_equal(tree.run("sh", "-c", "mkdir /mnt/bpf && mount -t bpf none /mnt/bpf").returncode, 0, "a bpf file system")
        for name, kind, verdict in (("drop", 8, 0), ("pass", 8, 1), ("devices", 15, 0)):
            pin_program(f"/proc/{tree.pid}/root/mnt/bpf/{name}", kind, verdict)
        lines = "Type=oneshot\nPrivateNetwork=yes\n"
        tree.service("ingress.service", "reach 127.0.0.1 lost", lines + "IPIngressFilterPath=@DIR@/bpf/drop\n")
        tree.service("egress.service", "reach 127.0.0.1 EPERM", lines + "IPEgressFilterPath=@DIR@/bpf/pass @DIR@/bpf/drop\n")
        tree.service("passing.service", "reach 127.0.0.1 ok", lines + "IPEgressFilterPath=@DIR@/bpf/pass\n")
        tree.service("program.service", "open /dev/null r EPERM -- reach 127.0.0.1 lost",
                     lines + "BPFProgram=device:@DIR@/bpf/devices ingress:@DIR@/bpf/drop\n")
        tree.start("ingress.service", "egress.service", "passing.service", "program.service")
        for line in ("IPIngressFilterPath=@DIR@/bpf/none", "BPFProgram=device:@DIR@/bpf/drop", "BPFProgram=bind4:@DIR@/guest"):
            tree.service("bad.service", "forever", f"Type=exec\n{line}\n")
            tree.good("daemon-reload")
            result = tree.svcctl("start", "bad.service")
            told = tree.svcctl("status", "bad.service").stdout
            expect(result.returncode == 1 and "bad.service:4" in told and line.partition("=")[0] in told, f"{line}: {told}")
            tree.expect_show("bad.service", ExecMainStatus="219")


@test
def file_systems_are_restricted_or_the_unit_is_refused():
    """Whether the kernel takes programs for its LSM is a matter of its command line: tests/vm shows the effect."""
    with Tree("filter-files") as tree:
        tree.service("files.service", "open /proc/self/status r EPERM", "Type=oneshot\nOOMScoreAdjust=10\nRestrictFileSystems=~proc\n")
        result = tree.svcctl("start", "files.service")
        told = tree.svcctl("status", "files.service").stdout
        if result.returncode != 0:
            expect("files.service:5: RestrictFileSystems=" in told, told)
            tree.expect_show("files.service", ExecMainStatus="244")
        else:
            tree.expect_show("files.service", ExecMainStatus="0", Result="success")


@test
def explain_tells_filters_in_words():
    with Tree("filter-explain") as tree:
        tree.service("told.service", "forever", "DevicePolicy=closed\nDeviceAllow=/dev/kmsg r\nNFTSet=user:inet:t:s\nIPAddressDeny=any\nIPAddressAllow=::1\n")
        text = tree.good("explain", "told.service")
        expect(re.search(r"packet filter set user:inet:t:s.*told.service:5 NFTSet=", text), text)
        expect(re.search(r"filter packets sent deny 0.0.0.0/0 ::/0 but for ::1/128.*told.service:6 IPAddressDeny=", text), text)
        expect(re.search(r"filter devices standard /dev/kmsg:r, no others.*told.service:\d+", text), text)


main()
