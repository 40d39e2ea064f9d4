"""The promises a container makes, from inside: the guest looks, not the manager. And what is left when it has ended."""
import os
import re

from svcd_test import expect, expect_equal, main, test, wait_for
from tree import Tree

# As much isolation as one unit can ask for. The guest is the only program of the image.
CONTAINER = """
[Unit]
Description=A container to look around in
[Container]
Image=@IMAGE@
HostName=web
Network=none
UserNS=auto
DropCapability=all
AddCapability=CAP_CHOWN CAP_SETUID
Volume=@DIR@/data/volume:/volume
{container}
[Service]
{service}
"""


def container(tree, name, container="", service=""):
    tree.unit(name, CONTAINER.format(container=container, service=service))


@test
def what_a_container_sees():
    """Own PID 1, hostname, interfaces, id map; exactly the declared capabilities; refused calls; descriptors; hidden host files."""
    with Tree("sees") as tree:
        container(tree, "sees.service",
                  "Exec=/guest init svc-init -- pid <10 -- processes <4 -- hostname web -- interfaces lo -- interface-up lo"
                  " -- uid-map '0 * 65536' -- gid-map '0 * 65536'"
                  " -- namespace mnt differs @NS_mnt@ -- namespace pid differs @NS_pid@ -- namespace net differs @NS_net@"
                  " -- namespace ipc differs @NS_ipc@ -- namespace uts differs @NS_uts@ -- namespace user differs @NS_user@"
                  " -- namespace cgroup differs @NS_cgroup@ -- cgroup /"
                  " -- capabilities bounding=chown,setuid effective=chown,setuid permitted=chown,setuid"
                  " -- seccomp 2 -- refused mount -- refused reboot -- refused init-module -- refused bpf -- refused unshare-mount"
                  " -- refused adjtimex -- refused kexec-load"
                  " -- descriptors 0,1,2 -- stream stdin null -- signals-ignored PIPE"
                  " -- absent /mnt /lib /bin/sh /etc/shadow /etc/hostname /oldroot -- present /guest /etc/passwd"
                  " -- filesystem / overlay -- filesystem /proc proc -- filesystem /dev tmpfs -- filesystem /tmp tmpfs"
                  " -- hidden /proc/kcore /proc/keys -- device /dev/null 1:3 -- absent /dev/mem /dev/kmsg /dev/sda",
                  "Type=oneshot\n")
        tree.start("sees.service")


@test
def a_time_namespace_of_its_own():
    with Tree("time") as tree:
        tree.service("time.service", "time-offset boottime 3600 -- namespace time differs @NS_time@",
                     "Type=oneshot\nBoottimeOffsetSec=1h\n")
        tree.start("time.service")


@test
def ephemeral_root_and_volume():
    """A file in the ephemeral root is gone after a restart and never reached the lower layer; in the volume it stays."""
    with Tree("ephemeral") as tree:
        container(tree, "writer.service",
                  "Exec=/guest absent /etc/made -- content /etc/image lower -- write /etc/made here -- write /etc/image changed"
                  " -- append /volume/kept line -- notify READY=1 -- forever\nNotify=yes\n")
        for count in (1, 2):
            tree.good("restart", "writer.service")
            expect_equal(tree.read("data/volume/kept"), "line\n" * count, "the volume")
            expect(not tree.exists("image/etc/made"), "the lower layer got a file")
            expect_equal(tree.read("image/etc/image"), "lower\n", "the lower layer")


@test
def orphans_at_pid_1_of_the_unit():
    with Tree("orphans") as tree:
        container(tree, "orphans.service", "Exec=/guest init svc-init -- orphans 1000 -- no-zombies", "Type=oneshot")
        tree.start("orphans.service")


@test
def orphans_at_svc_init():
    with Tree("orphans-init") as tree:
        tree.service("orphans.service", "init svc-init -- namespace pid is @NS_pid@ -- orphans 1000 -- no-zombies", "Type=oneshot")
        tree.start("orphans.service")


@test
def nothing_survives_a_stop():
    """No process, mount, cgroup or namespace; also of children that ignore SIGTERM and left the session."""
    with Tree("stop") as tree:
        container(tree, "stubborn.service",
                  "Exec=/guest record-namespaces /volume/namespaces -- ignore TERM HUP INT -- child daemonize -- child forever"
                  " -- notify READY=1 -- forever\nNotify=yes\n", "TimeoutStopSec=1\n")
        tree.service("plain.service", "ignore TERM HUP INT -- child daemonize -- child forever -- touch @DIR@/data/up -- forever",
                     "TimeoutStopSec=1\n")
        tree.start("stubborn.service", "plain.service")
        wait_for(lambda: tree.exists("data/up"), "the plain service to be up")
        mounts = tree.run("cat", "/proc/1/mountinfo").stdout
        recorded = set(tree.read("data/volume/namespaces").split())
        expect(len(recorded) == 8, f"namespaces {recorded}")
        own = recorded - {os.readlink(f"/proc/{tree.pid}/ns/{kind}") for kind in ("mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time")}
        expect(len(own) == 7, f"own namespaces {own}")
        if tree.cgroup:
            expect(tree.cgroups_of("stubborn.service"), "it has a cgroup while it runs")

        tree.good("stop", "stubborn.service", "plain.service")
        found = tree.run("sh", "-c", "grep -l '^/mnt/guest\\|^/guest' /proc/[0-9]*/cmdline").stdout
        expect_equal(found, "", "processes left")
        expect_equal(own & live_namespaces(), set(), "namespaces left")
        expect_equal(tree.run("cat", "/proc/1/mountinfo").stdout, mounts, "mounts")
        expect_equal(tree.cgroups_of("stubborn.service") + tree.cgroups_of("plain.service"), [], "cgroups left")


@test
def nothing_is_left_after_shutdown():
    """None of the tree: see also Tree.__exit__, which looks after every case. svc-init cannot remove the group it is in."""
    with Tree("shutdown") as tree:
        container(tree, "box.service", "Exec=/guest notify READY=1 -- child daemonize -- forever\nNotify=yes\n")
        tree.service("plain.service", "child daemonize -- forever", "Type=exec\nSlice=own-deep.slice\n")
        tree.start("box.service", "plain.service")
        namespaces = {tree.run("readlink", f"/proc/{tree.show('box.service', 'MainPID')}/ns/{kind}").stdout.strip()
                      for kind in ("mnt", "pid", "net", "user")} | {tree.pid_namespace}
        expect_equal(tree.shut_down(), [], "shutdown")
        expect_equal(namespaces & live_namespaces(), set(), "namespaces left")
        groups = {os.path.relpath(path, tree.cgroup) for path, _, _ in os.walk(tree.cgroup)} if tree.cgroup else {"."}
        expect_equal(groups - {".", "init.scope"}, set(), "cgroups left")


def live_namespaces():
    """Every namespace that some process of the machine is in, or that is mounted."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            for kind in os.listdir(f"/proc/{name}/ns"):
                found.add(os.readlink(f"/proc/{name}/ns/{kind}"))
            for fd in os.listdir(f"/proc/{name}/fd"):
                target = os.readlink(f"/proc/{name}/fd/{fd}")
                if re.match(r"\w+:\[\d+\]$", target):
                    found.add(target)
        except OSError:
            pass
    return found


@test
def kill_9_of_the_main_process():
    """It is started again; status tells the cause, the count and the time."""
    with Tree("kill9") as tree:
        container(tree, "web.service", "Exec=/guest notify READY=1 -- forever\nNotify=yes\n",
                  "Restart=always\nRestartSec=100ms\n")
        tree.start("web.service")
        before = tree.main_process("web.service")
        tree.kill(before[0])
        tree.wait_show("web.service", ActiveState="active", NRestarts=1)
        expect(tree.main_process("web.service") != before, "a new process")
        status = tree.svcctl("status", "web.service").stdout
        for pattern in (r"(?i)signal|KILL", r"(?i)restart\w*\W+1\b|\b1 restart", r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d"):
            expect(re.search(pattern, status), f"{pattern} not in the status:\n{status}")


@test
def manager_killed_ten_times():
    """No service restarts, svcctl works again, and what ended meanwhile is known."""
    with Tree("crash") as tree:
        container(tree, "box.service", "Exec=/guest notify READY=1 -- forever\nNotify=yes\n", "Restart=always\n")
        tree.service("plain.service", "forever", "Restart=always\n")
        tree.unit("once.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=@GUEST@ print once\n")
        for number in range(10):
            tree.service(f"leaves{number}.service", f"await-file @DIR@/data/leave{number} -- exit {number}")
        tree.start("box.service", "plain.service", "once.service", *[f"leaves{number}.service" for number in range(10)])
        before = {unit: tree.main_process(unit) for unit in ("box.service", "plain.service")}
        for number in range(10):
            manager = tree.manager_pid()
            # It ends at about the moment at which the manager is gone: half of the rounds before, half after.
            if number % 2:
                open(tree.path("data", f"leave{number}"), "w").close()
            tree.kill(manager)
            if not number % 2:
                open(tree.path("data", f"leave{number}"), "w").close()
            wait_for(lambda: tree.manager_pid() not in (None, manager), "another manager")
            wait_for(lambda: tree.svcctl("is-active", "plain.service").returncode == 0, "svcctl to work again")
            for unit, process in before.items():
                expect_equal(tree.main_process(unit), process, f"{unit} after crash {number + 1}")
                tree.expect_show(unit, ActiveState="active", NRestarts=0)
            tree.wait_show(f"leaves{number}.service", SubState="dead" if number == 0 else "failed",
                           Result="success" if number == 0 else "exit-code", ExecMainStatus=number)
        tree.expect_show("once.service", ActiveState="active", SubState="exited")


@test
def broken_units_leave_the_rest_alone():
    """Each is a clear error that names file and line; exit codes are systemctl's; the others go on."""
    broken = {
        "volume.service": ("[Container]\nImage=@IMAGE@\nVolume=@DIR@/nosuch/source:/data\nExec=/guest forever\n[Service]\nType=exec\n",
                           r"volume\.service:3.*nosuch"),
        "user.service": ("[Service]\nType=exec\nExecStart=@GUEST@ forever\nUser=nosuchuser\n", r"user\.service:4.*nosuchuser"),
        "misspelt.service": ("[Service]\nExecStart=@GUEST@ forever\nPrivteTmp=yes\n", r"misspelt\.service:3.*PrivteTmp.*PrivateTmp"),
        "filter.service": ("[Service]\nType=exec\nExecStart=@GUEST@ forever\nSystemCallFilter=@system-service nosuchcall\n",
                           r"filter\.service:4.*nosuchcall"),
    }
    with Tree("broken") as tree:
        tree.service("good.service", "forever", "Type=exec")
        tree.start("good.service")
        before = tree.main_process("good.service")
        for name, (text, pattern) in broken.items():
            tree.unit(name, text)
            result = tree.svcctl("start", name)
            told = result.stderr + tree.svcctl("status", name).stdout
            expect_equal(result.returncode, 1, f"start {name}: {told}")
            expect(re.search(pattern, told), f"{pattern} not in: {told}")
            expect(tree.svcctl("status", name).returncode in (3, 4), f"status of {name}")
            expect_equal(tree.svcctl("is-active", name).returncode, 3, f"is-active {name}")
        missing = tree.svcctl("start", "nosuch.service")
        expect_equal(missing.returncode, 5, "starting a unit that does not exist")
        expect("nosuch.service" in missing.stderr, missing.stderr)
        expect_equal(tree.svcctl("status", "nosuch.service").returncode, 4, "status of a unit that does not exist")
        expect_equal(tree.svcctl("is-active", "nosuch.service").returncode, 4, "is-active of a unit that does not exist")
        expect_equal(tree.svcctl("is-active", "good.service").returncode, 0, "is-active")
        expect_equal(tree.main_process("good.service"), before, "the good service")


@test
def many_services_leave_descriptors_for_more():
    """What svc-init holds for others does not count for a new one: neither against the usual limit nor against its own."""
    with Tree("many") as tree:
        names = [f"plain{number}.service" for number in range(500)]
        for name in names:
            tree.service(name, "forever")
        tree.start(*names, timeout=120)
        container(tree, "box.service", "Exec=/guest descriptors 0,1,2 -- rlimit NOFILE 3\nUlimit=nofile=3\n", "Type=oneshot")
        tree.service("usual.service", "descriptors 0,1,2 -- interfaces lo", "Type=oneshot\nPrivateNetwork=yes\nProtectSystem=strict\n")
        tree.start("box.service", "usual.service", timeout=60)


@test
def exec_runs_inside():
    with Tree("exec") as tree:
        container(tree, "box.service", "Exec=/guest notify READY=1 -- forever\nNotify=yes\n")
        tree.start("box.service")
        result = tree.svcctl("exec", "box.service", "/guest", "hostname", "web", "--", "uid-map", "0 * 65536", "--", "interfaces", "lo",
                             "--", "capabilities", "bounding=chown,setuid", "--", "seccomp", "2", "--", "absent", "/etc/shadow",
                             "--", "print", "inside")
        expect_equal((result.returncode, result.stdout), (0, "inside\n"), result.stderr)
        expect_equal(tree.svcctl("exec", "box.service", "/guest", "exit", "7").returncode, 7, "exit status of exec")


@test
def logs_tell_what_was_printed():
    with Tree("logs") as tree:
        tree.service("talk.service", "print one line -- print-error another", "Type=oneshot")
        tree.start("talk.service")
        wait_for(lambda: re.search(r"one line[\s\S]*another", tree.good("logs", "talk.service")), "both lines")
        expect(re.search(r"one line[\s\S]*another", tree.svcctl("status", "talk.service").stdout), "the last lines in status")


main()
