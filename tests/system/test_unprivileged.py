"""The tree as PID 1 of an ordinary container: a plain user, no capability, no cgroup hierarchy. What needs privilege is refused
with its line; all else works."""
import os
import re

from svcd_test import expect, expect_equal, main, skip, test, wait_for
from tree import Tree

UID = 1000
REFUSED = {  # line: what the message must name
    "PrivateNetwork=yes": "PrivateNetwork",
    "PrivatePIDs=yes": "PrivatePIDs",
    "PrivateTmp=yes": "PrivateTmp",
    "ProtectSystem=strict": "ProtectSystem",
    "ReadOnlyPaths=/usr": "ReadOnlyPaths",
    "RootDirectory=@IMAGE@": "RootDirectory",
    "User=www-data": "User",
    "DynamicUser=yes": "DynamicUser",
    "Nice=-5": "Nice",
    "MemoryMax=64M": "MemoryMax",
    "TasksMax=10": "TasksMax",
    "BoottimeOffsetSec=1h": "BoottimeOffsetSec",
    "CPUSchedulingPolicy=fifo": "CPUSchedulingPolicy",
    "IOSchedulingClass=realtime": "IOSchedulingClass",
    "SecureBits=noroot": "SecureBits",
}

STATUSES = {"CPUSchedulingPolicy=fifo": "214", "IOSchedulingClass=realtime": "211", "SecureBits=noroot": "213", "Nice=-5": "201"}


def scenario(function):
    def case():
        if os.geteuid() != 0:
            skip("only root can give up privileges")
        with Tree(function.__name__.replace("_", "-"), uid=UID) as tree:
            function(tree)
    case.__name__ = function.__name__
    test(case)
    return function


@scenario
def plain_services_work(tree):
    tree.service("once.service", f"uid {UID} -- gid {UID} -- capabilities permitted=none -- descriptors 0,1,2 -- environment A=b"
                 " -- umask 0027 -- rlimit NOFILE 100 -- cwd /usr -- print one line",
                 "Type=oneshot\nEnvironment=A=b\nUMask=0027\nLimitNOFILE=100\nWorkingDirectory=/usr\n")
    tree.start("once.service")
    tree.expect_show("once.service", Result="success")
    wait_for(lambda: "one line" in tree.good("logs", "once.service"), "its log")
    tree.service("up.service", "notify READY=1 -- forever", "Type=notify\nRestart=always\nRestartSec=10ms\n")
    tree.start("up.service")
    before = tree.main_process("up.service")
    tree.kill(before[0])
    tree.wait_show("up.service", ActiveState="active", NRestarts=1)
    tree.service("fails.service", "exit 3", "Type=oneshot\n")
    expect_equal(tree.svcctl("start", "fails.service").returncode, 1, "a service that fails")


@scenario
def what_a_service_keeps(tree):
    """Directories, and credentials, which are files of the same user then: there is nobody else."""
    with open(tree.path("data", "secret"), "w") as file:
        file.write("x")
    at = "/mnt/run/credentials/keeps.service"
    tree.service("keeps.service", f"owner /mnt/state/lib/s {UID} {UID} -- writable /mnt/state/lib/s /mnt/run/run/r -- content {at}/file x -- "
                 f"content {at}/set y -- mode {at} 0500 -- environment CREDENTIALS_DIRECTORY={at}",
                 "Type=oneshot\nStateDirectory=s:alias\nRuntimeDirectory=r\nLoadCredential=file:@DIR@/data/secret\nSetCredential=set:y\n")
    for _ in range(2):
        tree.start("keeps.service")
        tree.expect_show("keeps.service", Result="success")
        wait_for(lambda: not os.path.exists(tree.path("run", "credentials", "keeps.service")), "no credentials")
    expect(not os.path.exists(tree.path("run", "run", "r")), "a runtime directory is left")
    tree.good("clean", "--what=state", "keeps.service")
    expect_equal(os.listdir(tree.path("state", "lib")), [], "after clean")


@scenario
def nothing_freezes_without_cgroups(tree):
    tree.service("up.service", "forever")
    tree.start("up.service")
    expect_equal(tree.show("up.service", "CanFreeze", "FreezerState"), {"CanFreeze": "no", "FreezerState": "running"})
    result = tree.svcctl("freeze", "up.service")
    expect_equal((result.returncode, result.stderr), (3, "Failed to freeze unit up.service: There is no writable cgroup v2 hierarchy, "
                                                         "so unit up.service cannot be frozen.\n"), "freeze")


@scenario
def filters_without_privilege(tree):
    """With no-new-privileges the kernel lets anyone install a system call filter."""
    tree.service("filter.service", "no-new-privileges 1 -- seccomp 2 -- refused mkdir -- refused personality",
                 "Type=oneshot\nNoNewPrivileges=yes\nSystemCallFilter=~mkdir\nSystemCallErrorNumber=EPERM\nLockPersonality=yes\n")
    tree.start("filter.service")


@scenario
def landlock_without_privilege(tree):
    """What Landlock is for."""
    # directive: Service.LandlockRead Service.LandlockWrite Service.LandlockBindTCP Service.LandlockScope
    tree.service("landlock.service", "attempt create @DIR@/data/new success -- attempt create @DIR@/state/new EACCES"
                 " -- attempt read @DIR@/units/landlock.service EACCES -- attempt bind 4000 EACCES -- attempt signal 1 EPERM -- attempt list /usr success",
                 "Type=oneshot\nLandlockRead=/usr @GUEST@\nLandlockWrite=@DIR@/data\nLandlockBindTCP=none\nLandlockScope=signal\n")
    tree.start("landlock.service")


@scenario
def attributes_without_privilege(tree):
    tree.service("attributes.service", "keyring own -- cpus 0 -- io-priority idle 4 -- scheduler idle 0 reset -- nice 19 -- coredump-filter 00000001"
                 " -- personality 0x8 -- oom-score 500",
                 "Type=oneshot\nCPUAffinity=0\nIOSchedulingClass=idle\nCPUSchedulingPolicy=idle\nCPUSchedulingResetOnFork=yes\nNice=19\n"
                 "CoredumpFilter=private-anonymous\nPersonality=x86\nOOMScoreAdjust=500\n")
    tree.start("attributes.service")


@scenario
def a_stop_ends_the_process_tree(tree):
    tree.service("many.service", "child daemonize -- child forever -- child child forever -- ignore TERM -- notify READY=1 -- forever",
                 "Type=notify\nTimeoutStopSec=500ms\n")
    tree.start("many.service")
    tree.good("stop", "many.service")
    left = tree.run("sh", "-c", "grep -l '^/mnt/guest' /proc/[0-9]*/cmdline").stdout
    expect_equal(left, "", "processes left")


@scenario
def orphans_are_reaped(tree):
    tree.service("orphans.service", "orphans 1000 -- no-zombies", "Type=oneshot\n")
    tree.start("orphans.service")


@scenario
def the_manager_may_crash(tree):
    tree.service("up.service", "forever", "Type=exec\n")
    tree.start("up.service")
    before, manager = tree.main_process("up.service"), tree.manager_pid()
    tree.kill(manager)
    wait_for(lambda: tree.manager_pid() not in (None, manager), "another manager")
    wait_for(lambda: tree.svcctl("is-active", "up.service").returncode == 0, "svcctl to work again")
    expect_equal(tree.main_process("up.service"), before, "the service")


@scenario
def isolation_is_refused(tree):
    for number, (line, directive) in enumerate(REFUSED.items()):
        unit = f"isolated{number}.service"
        tree.service(unit, "forever", f"Type=exec\n{line}\n")
        result = tree.svcctl("start", unit)
        told = result.stderr + tree.svcctl("status", unit).stdout
        expect_equal(result.returncode, 1, f"{line}: {told}")
        expect(re.search(rf"{unit}:4\b.*{directive}", told), f"{line}: no file, line and directive in {told}")
        if line in STATUSES:
            tree.expect_show(unit, ExecMainStatus=STATUSES[line])
    tree.unit("box.service", "[Container]\nImage=@IMAGE@\nExec=/guest forever\n[Service]\nType=exec\n")
    result = tree.svcctl("start", "box.service")
    expect_equal(result.returncode, 1, "a container without privilege")
    expect("box.service" in result.stderr + tree.svcctl("status", "box.service").stdout, result.stderr)


main()
