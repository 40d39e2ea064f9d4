"""svcctl exec and shell: the command is in the unit, is no more than the unit, and does not outlive whoever waits for it."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from svcd_test import expect, expect_equal, main, test, wait_for
from tree import INSIDE, NAMESPACES, Tree

# What /proc/self/status must say alike of a service and of what enters it.
FIELDS = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters")
SERVICES = {
    "plain": "[Service]\nType=exec\nExecStart=@GUEST@ forever\n",
    "user": "[Service]\nType=exec\nUser=33\nSupplementaryGroups=4 24\nNoNewPrivileges=yes\nExecStart=@GUEST@ forever\n",
    "sandbox": "[Service]\nType=exec\nUser=33\nPrivateTmp=yes\nProtectSystem=strict\nPrivateDevices=yes\nPrivateNetwork=yes\n"
               "PrivateIPC=yes\nProtectHostname=yes\nProtectClock=yes\nCapabilityBoundingSet=CAP_CHOWN CAP_KILL\n"
               "AmbientCapabilities=CAP_KILL\nSystemCallFilter=@system-service\nSystemCallFilter=~@mount\nRestrictRealtime=yes\n"
               "ExecStart=@GUEST@ forever\n",
    "root": "[Service]\nType=exec\nPrivatePIDs=yes\nPrivateUsers=yes\nProtectControlGroups=private\nSecureBits=noroot-locked\n"
            "CapabilityBoundingSet=~CAP_SYS_ADMIN\nMemoryDenyWriteExecute=yes\nExecStart=@GUEST@ forever\n",
    "dynamic": "[Service]\nType=exec\nDynamicUser=yes\nSystemCallFilter=~@clock\nExecStart=@GUEST@ forever\n",
    "box": "[Container]\nImage=@IMAGE@\nExec=/guest forever\n[Service]\nType=exec\n",
    "mapped": "[Container]\nImage=@IMAGE@\nUserNS=auto\nUser=anna\nAddCapability=CAP_NET_ADMIN\nNoNewPrivileges=yes\nExec=/guest forever\n"
              "[Service]\nType=exec\n",
}
_tree = None


def the_tree():
    global _tree
    if not _tree:
        _tree = Tree("exec").__enter__()
        for name, text in SERVICES.items():
            _tree.unit(f"{name}.service", text)
            _tree.start(f"{name}.service")
    return _tree


def guest_of(name):
    return "/guest" if name in ("box", "mapped") else f"{INSIDE}/guest"


def status_of(tree, pid):
    text = tree.run("cat", f"/proc/{pid}/status").stdout
    return {key: " ".join(value.split()) for key, _, value in (line.partition(":") for line in text.splitlines()) if key in FIELDS}


def environment(tree):
    return {**os.environ, "SVCD_RUNTIME_DIR": f"{INSIDE}/run", "LEAK": "leaked", "TERM": "screen"}


def command(tree, *arguments):
    return ["nsenter", "--target", str(tree.pid), "--mount", "--pid", "--", f"{INSIDE}/bin/svcctl", *arguments]


def entered(tree, unit):
    """Pids in the tree of what entered: in the unit's cgroup besides what was there."""
    with open(os.path.join(tree.cgroups_of(f"{unit}.service")[0], "cgroup.procs")) as file:
        return file.read().split()


def open_exec(tree, *arguments, **options):
    return subprocess.Popen(command(tree, *arguments), env=environment(tree), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            **options)


def kill_svcctl(process):
    """nsenter forks for the PID namespace: svcctl is its child."""
    for child in read(f"/proc/{process.pid}/task/{process.pid}/children").split():
        os.kill(int(child), signal.SIGKILL)
    process.communicate(timeout=20)


class Session:
    """svcctl on a terminal of ours."""

    def __init__(self, tree, *arguments):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execvpe("nsenter", command(tree, *arguments), environment(tree))
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", 40, 120, 0, 0))
        self.text = ""

    def wait_text(self, pattern, seconds=20):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            expect(time.monotonic() < end, f"no {pattern!r} in {self.text!r}")
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    self.text += os.read(self.master, 4096).decode(errors="replace")
                except OSError:
                    break
        expect(re.search(pattern, self.text), f"no {pattern!r} in {self.text!r}")

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        wait_for(lambda: os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT), f"svcctl's end: {self.text}")
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.master)
        return os.waitstatus_to_exitcode(status)


@test
def what_enters_is_no_more_than_the_service():
    tree = the_tree()
    for name in SERVICES:
        service = int(tree.show(f"{name}.service", "MainPID"))
        before = entered(tree, name)
        for options in ([], ["-t"]):
            process = open_exec(tree, "exec", "-i", *options, name, guest_of(name), "forever", stdin=subprocess.PIPE)
            try:
                inner = wait_for(lambda: next((pid for pid in entered(tree, name) if pid not in before and
                                               "forever" in read(f"/proc/{pid}/cmdline")), None), f"a command in {name}")
                entered_pid = re.search(r"NSpid:\t\d+\t(\d+)", read(f"/proc/{inner}/status")).group(1)
                expect_equal(diff(status_of(tree, service), status_of(tree, entered_pid)), {}, f"{name} {options}")
                for kind in NAMESPACES:
                    expect_equal(tree.run("readlink", f"/proc/{entered_pid}/ns/{kind}").stdout,
                                 tree.run("readlink", f"/proc/{service}/ns/{kind}").stdout, f"{name}: namespace {kind}")
                expect_equal(read(f"/proc/{inner}/cgroup").splitlines()[-1],
                             tree.run("cat", f"/proc/{service}/cgroup").stdout.splitlines()[-1], f"{name}: cgroup")
                descriptors = sorted(os.listdir(f"/proc/{inner}/fd"), key=int)
                expect_equal(descriptors, ["0", "1", "2"], f"{name}: descriptors")
                expect("LEAK" not in read(f"/proc/{inner}/environ"), f"{name}: svcctl's environment")
            finally:
                kill_svcctl(process)
            wait_for(lambda: entered(tree, name) == before, f"{name}: the command ends with svcctl")


def diff(expected, found):
    return {key: (expected.get(key), found.get(key)) for key in expected if expected.get(key) != found.get(key)}


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


@test
def it_joins_what_runs_not_what_is_written():
    """A unit file that has changed since the start: the command is where the service is, no matter what the file now says."""
    tree = the_tree()
    tree.unit("changed.service", "[Service]\nType=exec\nPrivateNetwork=yes\nPrivatePIDs=yes\nExecStart=@GUEST@ forever\n")
    tree.start("changed.service")
    tree.unit("changed.service", "[Service]\nType=exec\nPrivateIPC=yes\nExecStart=@GUEST@ forever\n")
    tree.good("daemon-reload")
    pid = tree.show("changed.service", "MainPID")
    guest = guest_of("changed")
    checks = []
    for kind in NAMESPACES:
        inode = re.search(r"\[(\d+)\]", tree.run("readlink", f"/proc/{pid}/ns/{kind}").stdout).group(1)
        checks += ["namespace", kind, "is", inode, "--"]
    tree.good("exec", "changed", guest, *checks, "interfaces", "lo")
    tree.good("stop", "changed.service")


WIDER = "[Service]\nType=exec\nAmbientCapabilities=CAP_KILL CAP_NET_ADMIN\nExecStart=@GUEST@ forever\n"


def enters_as_it_runs(tree, name, *options):
    expected = status_of(tree, tree.show(f"{name}.service", "MainPID"))
    words = tree.good("exec", *options, name, "/bin/cat", "/proc/self/status")
    found = {key: " ".join(value.split()) for key, _, value in (line.partition(":") for line in words.splitlines()) if key in FIELDS}
    expect_equal(diff(expected, found), {}, f"{name}: what entered")


@test
def it_may_no_more_than_what_runs():
    """The file, read again, now gives more than the service was started with: another user, all capabilities, no filter."""
    with Tree("execwider") as tree:
        tree.unit("narrow.service", SERVICES["sandbox"])
        tree.start("narrow.service")
        enters_as_it_runs(tree, "narrow")
        tree.unit("narrow.service", WIDER)
        tree.good("daemon-reload")
        enters_as_it_runs(tree, "narrow")
        tree.good("exec", "narrow", f"{INSIDE}/guest", "uid", "33", "--", "seccomp", "2", "--", "no-new-privileges", "1")
        tree.good("exec", "-u", "root", "narrow", f"{INSIDE}/guest", "uid", "0", "--", "capabilities", "effective=KILL")
        # A manager that did not start it cannot know what the file said then: it says so instead of guessing.
        tree.kill(tree.manager_pid())
        wait_for(lambda: tree.svcctl("show", "narrow.service").returncode == 0, "the next manager")
        result = tree.svcctl("exec", "narrow", f"{INSIDE}/guest", "uid", "33")
        expect(result.returncode == 125 and "configuration changed since it was started" in result.stderr, result.stderr)
        tree.good("exec", "--privileged", "narrow", f"{INSIDE}/guest", "seccomp", "0")
        # Limits are no such change: the kernel has them for the whole unit.
        tree.unit("limited.service", SERVICES["user"])
        tree.start("limited.service")
        tree.good("set-property", "limited.service", "CoredumpReceive=yes")
        tree.kill(tree.manager_pid())
        wait_for(lambda: tree.svcctl("show", "limited.service").returncode == 0, "the next manager")
        enters_as_it_runs(tree, "limited")
        # Started anew it is what the file says; and that outlives a manager.
        tree.good("restart", "narrow.service")
        for _ in range(2):
            enters_as_it_runs(tree, "narrow")
            tree.good("exec", "narrow", f"{INSIDE}/guest", "uid", "0", "--", "seccomp", "0")
            tree.kill(tree.manager_pid())
            wait_for(lambda: tree.svcctl("show", "narrow.service").returncode == 0, "the next manager")
        tree.good("stop", "narrow.service")


@test
def a_filter_that_is_a_file():
    """SeccompProfile= names a file, which may be another by now: what the service got of it nobody knows."""
    tree = the_tree()
    profile = '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["%s"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}'
    with open(tree.path("profile.json"), "w") as file:
        file.write(profile % "mkdir")
    tree.unit("profile.service", "[Container]\nImage=@IMAGE@\nSeccompProfile=@DIR@/profile.json\nExec=/guest forever\n[Service]\nType=exec\n")
    tree.start("profile.service")
    tree.good("exec", "profile", "/guest", "refused", "mkdir", "EACCES")
    with open(tree.path("profile.json"), "w") as file:
        file.write(profile % "chroot")
    result = tree.svcctl("exec", "profile", "/guest", "exit", "0")
    expect(result.returncode == 125 and "configuration changed since it was started" in result.stderr, result.stderr)
    tree.good("restart", "profile.service")
    tree.good("exec", "profile", "/guest", "refused", "chroot", "EACCES")
    tree.good("stop", "profile.service")


@test
def it_may_no_more_than_the_process_kept():
    """What the payload itself gave up, the bounding set and the way to new privileges, nobody has who enters."""
    tree = the_tree()
    tree.unit("gave-up.service", "[Service]\nType=exec\nExecStart=/usr/bin/setpriv --bounding-set=-sys_admin,-chown --no-new-privs "
                                 "@GUEST@ forever\n")
    tree.start("gave-up.service")
    pid = tree.show("gave-up.service", "MainPID")
    wait_for(lambda: status_of(tree, pid)["NoNewPrivs"] == "1" and "guest" in tree.run("cat", f"/proc/{pid}/cmdline").stdout, "setpriv")
    enters_as_it_runs(tree, "gave-up")
    tree.good("stop", "gave-up.service")


@test
def the_units_own_commands_join_what_runs_too():
    """ExecReload= and ExecStop= of a container whose file has changed: where its main process is, not where the file would have it."""
    tree = the_tree()
    tree.unit("moved.service", "[Service]\nType=exec\nPrivatePIDs=yes\nPrivateNetwork=yes\nExecStart=@GUEST@ forever\n")
    tree.start("moved.service")
    pid = tree.show("moved.service", "MainPID")
    kinds = " -- ".join(f"namespace {kind} is " + re.search(r"\[(\d+)\]", tree.run("readlink", f"/proc/{pid}/ns/{kind}").stdout).group(1)
                        for kind in NAMESPACES)
    tree.unit("moved.service", f"[Service]\nType=exec\nPrivateIPC=yes\nExecStart=@GUEST@ forever\nExecReload=@GUEST@ {kinds}\n"
                               f"ExecStop=@GUEST@ {kinds} -- append @DIR@/data/stopped yes\n")
    tree.good("daemon-reload")
    tree.good("reload", "moved.service")
    tree.expect_show("moved.service", ActiveState="active")
    tree.good("stop", "moved.service")
    expect_equal(tree.read("data", "stopped"), "yes\n", "ExecStop=")


@test
def a_services_terminal_stays_its_own():
    tree = the_tree()
    master, slave = os.openpty()
    path = os.ttyname(slave)
    tree.unit("tty.service", f"[Service]\nType=exec\nStandardInput=tty-force\nTTYPath={path}\nTTYReset=yes\nExecStart=@GUEST@ forever\n")
    os.close(slave)
    tree.start("tty.service")
    tree.good("exec", "tty", guest_of("tty"), "stream", "stdin", "null", "--", "stream", "stdout", "pipe")
    tree.expect_show("tty.service", ActiveState="active")
    tree.good("stop", "tty.service")
    os.close(master)


@test
def without_privilege_too():
    with Tree("execuser", uid=1000) as tree:
        tree.service("a.service", "forever", "Type=exec\n")
        tree.start("a.service")
        for options in ([], ["-t"], ["-i"]):
            tree.good("exec", *options, "a", f"{INSIDE}/guest", "uid", "1000", "--", "stream", "stdout", "tty" if options == ["-t"] else "pipe")
        result = tree.svcctl("exec", "--privileged", "a", f"{INSIDE}/guest", "uid", "1000")
        expect(result.returncode == 125 and "Only root" in result.stderr, result.stderr)


@test
def a_terminal_that_cannot_be_had():
    tree = the_tree()
    tree.unit("strict.service", "[Service]\nType=exec\nDevicePolicy=strict\nExecStart=@GUEST@ forever\n")
    tree.start("strict.service")
    tree.good("exec", "strict", guest_of("strict"), "pid", ">0")
    result = tree.svcctl("exec", "-t", "strict", guest_of("strict"), "pid", ">0")
    expect(result.returncode == 125 and "allocate-terminal" in result.stderr and "not permitted" in result.stderr, result.stderr)
    tree.good("stop", "strict.service")


@test
def another_user_has_no_more_either():
    tree = the_tree()
    guest = guest_of("user")
    # The service runs as 33 without a capability: root in it has none, too.
    tree.good("exec", "-u", "root", "user", guest, "uid", "0", "--", "capabilities", "effective=none")
    tree.good("exec", "-u", "root:4", "user", guest, "uid", "0", "--", "gid", "4")
    tree.good("exec", "-u", "1000:24", "user", guest, "uid", "1000", "--", "gid", "24", "--", "no-new-privileges", "1")
    for bad in ("nobody-at-all", ":4", "33:", "33:nogroup-at-all"):
        expect_equal(tree.svcctl("exec", "-u", bad, "user", guest, "uid", "0").returncode, 125, bad)
    # More only when it is asked for.
    tree.good("exec", "--privileged", "-u", "root", "sandbox", guest, "seccomp", "0", "--", "no-new-privileges", "0")


@test
def it_ends_as_its_command_does():
    tree = the_tree()
    for name in ("plain", "box"):
        for options in ([], ["-t"], ["-i"], ["-it"]):
            expect_equal(tree.svcctl("exec", *options, name, guest_of(name), "exit", "7").returncode, 7, f"{name} {options}")
            expect_equal(tree.svcctl("exec", *options, name, "/nothing/there").returncode, 127, f"{name} {options}: no command")
            expect_equal(tree.svcctl("exec", *options, name, "no-such-command").returncode, 127, f"{name} {options}: not in PATH")
            expect_equal(tree.svcctl("exec", *options, name, "/etc/passwd").returncode, 126, f"{name} {options}: not executable")
    expect_equal(tree.svcctl("exec", "plain", "/bin/sh", "-c", "kill -9 $$").returncode, 128 + 9, "killed")
    expect_equal(tree.svcctl("exec", "-w", "/nonexistent", "box", "/guest", "pid", "1").returncode, 125, "no directory")
    expect_equal(tree.svcctl("exec", "nothing", "/guest", "pid", "1").returncode, 5, "no unit")
    # Without -i there is nothing to read.
    process = open_exec(tree, "exec", "plain", f"{INSIDE}/guest", "stream", "stdin", "null", stdin=subprocess.PIPE)
    expect_equal(process.wait(20), 0, process.communicate())
    process = open_exec(tree, "exec", "-i", "plain", f"{INSIDE}/guest", "input", "typed|", stdin=subprocess.PIPE)
    expect_equal(process.communicate("typed\n", timeout=20)[1], "")
    expect_equal(process.returncode, 0)


@test
def a_terminal_of_its_own():
    tree = the_tree()
    for name in ("plain", "user", "sandbox", "box", "mapped"):
        session = Session(tree, "exec", "-it", "-e", "X=1", name, guest_of(name), "controlling-terminal", "--", "stream", "stdin", "tty",
                          "--", "environment", "TERM=screen", "X=1", "--", "no-environment", "LEAK", "--", "input", "typed|", "--", "print",
                          "all", "well")
        time.sleep(0.2)
        session.type("typed\r")
        session.wait_text("typed")
        session.type("\x04")
        session.wait_text("all well")
        expect_equal(session.end(), 0, f"{name}: {session.text}")


@test
def keys_and_sizes_are_passed_on():
    tree = the_tree()
    session = Session(tree, "exec", "-it", "plain", "/bin/sh", "-c", "trap 'stty size' WINCH; stty size; while sleep 0.1; do :; done")
    session.wait_text(r"\d+ \d+")
    before = termios.tcgetattr(session.master)
    expect(not before[3] & termios.ICANON, "our own terminal is not raw")
    fcntl.ioctl(session.master, termios.TIOCSWINSZ, struct.pack("4H", 22, 77, 0, 0))
    session.wait_text("22 77")
    session.type("\x03")
    expect_equal(session.end(), 130, session.text)


@test
def a_shell():
    tree = the_tree()
    session = Session(tree, "shell", "plain")
    session.type("echo $((6*7)) $0 $TERM; exit 5\r")
    session.wait_text("42 -?.*sh screen")
    expect_equal(session.end(), 5, session.text)
    result = tree.svcctl("shell", "box")
    expect_equal(result.returncode, 127, f"a shell that is not there: {result.stderr}")
    tree.good("shell", "box", "/guest", "uid", "0")


@test
def no_bytes_for_the_caller():
    """TIOCSTI types into the terminal that the command has, which is never the caller's."""
    tree = the_tree()
    session = Session(tree, "exec", "-it", "plain", "/bin/sh", "-c", "tty; sleep 0.2")
    session.wait_text(r"/dev/pts/\d+")
    inner = re.search(r"/dev/pts/\d+", session.text).group(0)
    expect(inner != os.ptsname(session.master) if hasattr(os, "ptsname") else True, "the caller's own terminal")
    expect_equal(session.end(), 0, session.text)
    # Without a terminal of its own it may have the caller's as its output, but it is not its controlling one.
    tree.good("exec", "box", "/guest", "refused", "tiocsti")


@test
def nobody_waits_for_it_any_more():
    tree = the_tree()
    for stubborn in ("forever", "ignore HUP -- forever"):
        before = entered(tree, "plain")
        process = open_exec(tree, "exec", "plain", f"{INSIDE}/guest", *stubborn.split(), stdin=subprocess.DEVNULL)
        wait_for(lambda: len(entered(tree, "plain")) > len(before), "the command")
        kill_svcctl(process)
        wait_for(lambda: entered(tree, "plain") == before, f"{stubborn}: its end")
    # The manager goes: so does whoever waited.
    before = entered(tree, "plain")
    process = open_exec(tree, "exec", "plain", f"{INSIDE}/guest", "forever", stdin=subprocess.DEVNULL)
    wait_for(lambda: len(entered(tree, "plain")) > len(before), "the command")
    main_process = tree.main_process("plain.service")
    tree.kill(tree.manager_pid())
    expect_equal(process.wait(20), 125, "svcctl without a manager")
    wait_for(lambda: entered(tree, "plain") == before, "the end of a command whose manager is gone")
    wait_for(lambda: tree.svcctl("show", "plain.service").returncode == 0, "the next manager")
    expect_equal(tree.main_process("plain.service"), main_process, "the service")
    tree.good("exec", "plain", f"{INSIDE}/guest", "exit", "0")


@test
def nothing_is_left():
    global _tree
    if _tree:
        tree, _tree = _tree, None
        tree.__exit__(None, None, None)


try:
    main()
finally:
    if _tree:
        _tree.__exit__(AssertionError, None, None)
