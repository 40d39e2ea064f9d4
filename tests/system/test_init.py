"""svc-init as it is used: PID 1 of a PID namespace, subreaper, init of one command; the test is its manager."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from launch_client import (KILL_CHILD, KILL_GROUP, LOST, MS_REC_PRIVATE, NEWCGROUP, NEWIPC, NEWNET, NEWNS, NEWPID, NEWUTS,
                           NO_SLOT, OP_CLONE, OP_PROTOCOL, Init, Program, simple)
from svcd_test import ISOLATED, SVC_INIT, expect, expect_equal, main, running, skip, test, wait_for

PYTHON = shutil.which("python3")
UNPRIVILEGED = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
ORPHANS = """
import os, sys, time
for _ in range(1000):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
def states():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            yield open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]
        except OSError:
            pass
end = time.monotonic() + 20
while "Z" in (left := list(states())) and time.monotonic() < end:
    time.sleep(0.01)
sys.exit("Z" in left)
"""


def need_root():
    if os.geteuid() != 0:
        skip("needs root")


def run_command(*command, isolated=ISOLATED, options=(), **popen):
    return subprocess.run([*isolated, SVC_INIT, *options, "--", *command], timeout=60, **popen)


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def outer_pid(init, inner):
    """The number here of a process that svc-init knows as INNER."""
    own = children_of(init.process.pid)[0]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/ns/pid") != os.readlink(f"/proc/{own}/ns/pid"):
                continue
            with open(f"/proc/{pid}/status") as file:
                numbers = next(line for line in file if line.startswith("NSpid:")).split()
        except OSError:
            continue
        if int(numbers[-1]) == inner:
            return int(pid)
    return None


def container(*argv, with_init=True, first_id=524288, lower="/", upper=None, cgroup=False, steps=lambda program: None):
    """Every namespace, an overlay root, an id map; STEPS adds operations while the old root is there."""
    owner = first_id | first_id << 32
    program = Program(NEWNS | NEWPID)("SESSION")("STDIO")("PRIVATE_MOUNTS", flags=MS_REC_PRIVATE)
    program("TIME_NAMESPACE", "boottime 1000000 0\n")
    program("USER_NAMESPACE", f"0 {first_id} 65536\n", f"0 {first_id} 65536\n", slot2=0, flags=NEWNET | NEWIPC | NEWUTS)
    program("UNSHARE", flags=NEWCGROUP)("JOIN_OWNED", flags=NEWNET | NEWIPC | NEWUTS)("HOSTNAME", "box")
    program("OVERLAY", lower, upper or "", flags="OVERLAY_PERSISTENT" if upper else "OVERLAY_EPHEMERAL", slot=0, slot2=1,
            number=owner)
    program("ATTACH_ROOT", slot=1, slot2=2)
    for directory in ("proc", "sys", "dev", "tmp", "run"):
        program("MAKE_DIRECTORY", "/" + directory, slot=1, number=0o755, number2=owner)
    program("PROC", "/proc", slot=1)("SYSFS", "/sys", slot=1, flags="MOUNT_READ_ONLY")
    if cgroup:
        program("CGROUP_FS", "/sys/fs/cgroup", slot=1, flags="MOUNT_READ_ONLY")
    program("DEV", "/dev", slot=1, slot2=2, number=owner)
    program("DEVPTS", "/dev/pts", "newinstance,ptmxmode=0666,mode=620", slot=1)("MQUEUE", "/dev/mqueue", slot=1)
    program("TMPFS", "/tmp", "mode=1777", slot=1)
    program("MASK", "/proc/irq", slot=1, slot2=2)("MASK", "/proc/uptime", slot=1, slot2=2)
    program("ATTRIBUTES", "/proc/sys", slot=1, flags="MOUNT_READ_ONLY")
    steps(program)
    program("DROP_OLD_ROOT", slot=2)("ENTER_USER", slot=0)
    if with_init:
        program("FORK", flags="FORK_INIT")
    program("GROUPS", 0)("BOUNDING_SET", number=0x5FB)("USER")("CAPABILITIES", number=0x5FB)("NO_NEW_PRIVILEGES")
    return program("WORKING_DIRECTORY", "/").exec(*argv)


def python(init, source, **options):
    """Runs SOURCE in a container and returns what it prints as JSON."""
    record, output = init.run(container(PYTHON, "-c", source, **options), capture=True)
    expect_equal((record.state, record.failed_op, record.failed_errno), ("EXITED", 0, 0), "container")
    expect_equal(record.exit_status, 0, "payload")
    return json.loads(output)


# --- svc-init -- CMD ------------------------------------------------------------------------------------

@test
def command_exit_status():
    expect_equal(run_command("/bin/sh", "-c", "exit 7").returncode, 7, "exit status")
    expect_equal(run_command("sh", "-c", "kill -9 $$").returncode, 137, "128 + signal")
    expect_equal(run_command("no-such-command", stderr=subprocess.DEVNULL).returncode, 127, "not found")
    expect_equal(run_command("/etc/passwd", stderr=subprocess.DEVNULL).returncode, 126, "not executable")


@test
def command_usage():
    for arguments in (["--"], ["--nonsense", "--", "true"]):
        result = subprocess.run([*ISOLATED, SVC_INIT, *arguments], stderr=subprocess.DEVNULL, timeout=20)
        expect_equal(result.returncode, 2, arguments)
    for option in ("--help", "--version"):
        result = subprocess.run([*ISOLATED, SVC_INIT, option], capture_output=True, text=True, timeout=20)
        expect(result.returncode == 0 and "svc-init" in result.stdout, option)


@test
def command_gets_signals():
    script = "trap 'exit 42' USR2; echo ready; while :; do sleep 0.02; done"
    with running([*ISOLATED, SVC_INIT, "--", "/bin/sh", "-c", script], stdout=subprocess.PIPE, text=True) as process:
        expect_equal(process.stdout.readline(), "ready\n")
        os.kill(children_of(process.pid)[0], signal.SIGUSR2)
        expect_equal(process.wait(20), 42, "exit status")


@test
def command_orphans_are_reaped():
    expect_equal(run_command(PYTHON, "-c", ORPHANS).returncode, 0, "as PID 1")
    nested = [*ISOLATED, "sh", "-c", '"$@"; exit $?', "-"]
    expect_equal(run_command(PYTHON, "-c", ORPHANS, isolated=nested, options=["--subreaper"]).returncode, 0, "as subreaper")


@test
def command_leaves_nothing_behind():
    # As PID 1's child: whatever the command left must be gone when svc-init is.
    script = f'"{SVC_INIT}" --subreaper -- sh -c "setsid sleep 1000 & setsid sh -c \'sleep 1000\' &"; ls /proc | grep -c "^[0-9]"'
    result = subprocess.run([*ISOLATED, "sh", "-c", script], capture_output=True, text=True, timeout=60)
    expect_equal(int(result.stdout), 3, "sh, ls and grep")


@test
def starts_in_an_empty_image():
    need_root()
    with tempfile.TemporaryDirectory() as root:
        shutil.copy(SVC_INIT, root)
        empty = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--propagation", "private", "chroot", root]
        result = subprocess.run([*empty, "/svc-init", "--", "/svc-init", "--version"], capture_output=True, text=True, timeout=20)
        expect(result.returncode == 0 and result.stdout.startswith("svc-init "), result)
        closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "-"]
        expect_equal(subprocess.run([*closed, *empty, "/svc-init", "--", "/svc-init", "-"], timeout=20).returncode, 2,
                     "without streams")


# --- launches -------------------------------------------------------------------------------------------

@test
def spawns_and_tells():
    with Init() as init:
        init.connect()
        expect_equal(init.welcome, {"mode": 1, "starts": 1, "pid": 1}, "welcome")
        record, output = init.run(simple("/bin/sh", "-c", "echo hello; exit 7", environment=["A=B"]), label="web.service/start",
                                  capture=True)
        expect_equal((record.state, record.exit_status, output), ("EXITED", 7, "hello\n"))
        expect_equal(record.label, "web.service/start")
        states = [state for _, state in init.history]
        expect(states in (["RUNNING", "EXITED"], ["EXITED"]), states)  # state, not a queue of events
        expect(0 < record.started_at <= record.exec_at <= record.ended_at, "times")
        expect_equal(init.run(simple("/bin/sh", "-c", "kill -11 $$")).exit_status, -11, "signal")


@test
def failing_operation_is_named():
    with Init() as init:
        init.connect()
        record = init.run(simple("/no/such/file"))
        expect_equal((record.state, record.failed_op, record.failed_errno, record.exit_status), ("FAILED", 2, 2, 203))
        record = init.run(Program()("SESSION")("WORKING_DIRECTORY", "/no/such/directory").exec("/bin/true"))
        expect_equal((record.state, record.failed_op, record.failed_errno, record.exit_status), ("FAILED", 1, 2, 200))
        expect("RUNNING" not in [state for _, state in init.history], "never ran")


@test
def bad_requests_are_refused():
    with Init() as init:
        init.connect()
        for options in ({"block": b"garbage" * 100}, {"clone_flags": 0x100}, {"clone_flags": NEWUTS}):
            record = init.run(simple("/bin/true"), **options)
            expect_equal((record.state, record.failed_op), ("FAILED", OP_PROTOCOL), options)
        init.send("SPAWN", bytes(16), b"short")
        init.send("KILL", bytes(16), bytes(8))
        init.link.send(b"x" * 5000)
        init.link.send(b"x")
        expect_equal(init.run(simple("/bin/true")).exit_status, 0, "still there")


@test
def payload_has_a_clean_process():
    need_root()
    source = """
import json, os, signal
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "fds": {fd: os.fstat(int(fd)).st_ino for fd in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + fd)},
    "blocked": int(status["SigBlk"], 16), "session": os.getsid(0) == os.getpid(),
    "ignored": int(status["SigIgn"], 16) & ~(1 << 12 | 1 << 24), "umask": int(status["Umask"], 8)}))"""
    with Init() as init:
        init.connect()
        reader, writer = os.pipe()
        program = Program(n_descriptors=5)("SESSION")("STDIO")("PASS_FD", fd=4, number=3)("PASS_FD", fd=3, number=4)
        program("UMASK", number=0o27).exec(PYTHON, "-c", source)
        record, output = init.run(program, descriptors=[writer, reader], capture=True)
        expect_equal(record.state, "EXITED")
        inside = json.loads(output)
        expect_equal(sorted(inside["fds"]), ["0", "1", "2", "3", "4"], "descriptors")
        expect_equal(inside["fds"]["3"], os.fstat(reader).st_ino, "the passed one")
        expect_equal((inside["blocked"], inside["ignored"], inside["session"], inside["umask"]), (0, 0, True, 0o27))
        os.close(reader)
        os.close(writer)


@test
def no_inheritable_capability_reaches_a_payload():
    need_root()
    source = "print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith(('CapInh', 'CapAmb'))))"
    with Init(isolated=[*ISOLATED, "setpriv", "--inh-caps=+net_raw,+kill,+sys_admin", "--ambient-caps=+kill"]) as init:
        init.connect()
        record, output = init.run(simple(PYTHON, "-c", source), capture=True)
        expect_equal(output.split(), ["0000000000000020", "0000000000000020"], "only what is ambient stays")


@test
def a_thousand_orphans():
    need_root()
    with Init() as init:
        init.connect()
        expect_equal(init.run(simple(PYTHON, "-c", ORPHANS)).exit_status, 0, "at svc-init")
        record = init.run(container(PYTHON, "-c", ORPHANS))
        expect_equal((record.state, record.wait_status), ("EXITED", 0), "at the container's init")


@test
def a_flood_of_launches():
    # Nothing is read meanwhile: svc-init must neither block nor forget.
    with Init() as init:
        init.connect()
        program = simple("/bin/true")
        launches = [init.spawn(program) for _ in range(600)]
        for identity in launches:
            expect_equal(init.wait(identity).exit_status, 0)
            init.send("FORGET", identity)
        init.shutdown()
        expect_equal(init.process.wait(20), 0, "exit status")


@test
def is_small():
    with Init() as init:
        init.connect()
        init.run(simple("/bin/true"))
        with open(f"/proc/{children_of(init.process.pid)[0]}/status") as file:
            resident = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
        expect(resident <= 200, f"{resident} KiB resident")


# --- containers -----------------------------------------------------------------------------------------

@test
def container_from_inside():
    need_root()
    source = """
import json, os, socket
def read(path): return open(path).read()
def error(call, *arguments):
    try:
        call(*arguments)
    except OSError as e:
        return e.errno
open("/file", "w").write("x")
open("/etc/hostname", "a").write("x")
status = dict(line.split(":", 1) for line in read("/proc/self/status").splitlines())
one = dict(line.split(":", 1) for line in read("/proc/1/status").splitlines())
print(json.dumps({
    "namespaces": {name: os.readlink("/proc/self/ns/" + name) for name in os.listdir("/proc/self/ns")},
    "pid": os.getpid(), "ppid": os.getppid(), "session": os.getsid(0), "hostname": socket.gethostname(),
    "uid_map": read("/proc/self/uid_map").split(), "interfaces": os.listdir("/sys/class/net"),
    "loopback": read("/sys/class/net/lo/flags").strip(), "mounts": [line.split()[1] for line in open("/proc/self/mounts")],
    "boot": float(read("/proc/stat").partition("btime ")[2].split()[0]),
    "caps": [status[s].strip() for s in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "init_caps": [one[s].strip() for s in ("CapInh", "CapPrm", "CapEff", "CapAmb")],
    "init_exe": error(os.readlink, "/proc/1/exe"), "init_root": error(os.listdir, "/proc/1/root"),
    "init_fds": error(os.listdir, "/proc/1/fd"), "no_new_privileges": status["NoNewPrivs"].strip(),
    "uids": [os.stat(p).st_uid for p in ("/", "/file", "/etc/hostname", "/dev", "/dev/shm", "/tmp", "/etc/passwd")],
    "null": os.stat("/dev/null").st_rdev == os.makedev(1, 3) and not error(open, "/dev/null", "w"),
    "masked": [os.listdir("/proc/irq"), read("/proc/uptime")], "sysctl": error(open, "/proc/sys/kernel/panic", "w"),
    "pty": os.ttyname(os.openpty()[1]), "monotonic": read("/proc/self/timens_offsets"),
}))"""
    with Init() as init:
        init.connect()
        before = os.stat("/etc/hostname").st_size
        inside = python(init, source)
        outside = {name: os.readlink("/proc/self/ns/" + name) for name in os.listdir("/proc/self/ns")}
        shared = [name for name in outside if outside[name] == inside["namespaces"][name]]
        expect_equal(shared, [], "namespaces shared with the host")
        expect_equal((inside["pid"] > 1, inside["ppid"], inside["session"]), (True, 1, inside["pid"]), "process")
        expect_equal((inside["hostname"], inside["interfaces"], inside["loopback"]), ("box", ["lo"], "0x9"))
        expect_equal(inside["uid_map"], ["0", "524288", "65536"], "id map")
        expect_equal(inside["caps"], ["0" * 16] + ["00000000000005fb"] * 3 + ["0" * 16], "capabilities")
        expect_equal(inside["init_caps"], ["0" * 16, f"{1 << 5:016x}", f"{1 << 5:016x}", "0" * 16], "its init's capabilities")
        expect_equal((inside["init_exe"], inside["init_fds"], inside["init_root"]), (13, 13, 13), "its init's /proc")
        expect_equal(inside["no_new_privileges"], "1")
        expect_equal(inside["uids"], [0] * 7, "owners")
        expect_equal((inside["null"], inside["masked"], inside["sysctl"]), (True, [[], ""], 30), "/dev and masks")
        expect_equal(inside["pty"], "/dev/pts/0")
        expect(inside["mounts"].count("/") == 1 and inside["mounts"].count("/proc") == 1, "the old root is there")
        expect_equal((os.path.exists("/file"), os.stat("/etc/hostname").st_size), (False, before), "the host")


@test
def container_without_init():
    need_root()
    with Init() as init:
        init.connect()
        expect_equal(python(init, "import os; print(os.getpid())", with_init=False), 1, "pid")


@test
def namespaces_that_are_never_joined():
    need_root()
    with Init() as init:
        init.connect()
        program = Program(NEWPID)("SESSION")("STDIO")
        program("USER_NAMESPACE", "0 524288 65536\n", "0 524288 65536\n", slot2=0, flags=NEWNET | NEWUTS)
        record, output = init.run(program.exec(PYTHON, "-c", "import os; print(os.listdir('/proc/self/task'))"), capture=True)
        expect_equal((record.state, record.exit_status), ("EXITED", 0))


@test
def exit_status_comes_through_the_init():
    need_root()
    with Init() as init:
        init.connect()
        expect_equal(init.run(container("/bin/sh", "-c", "exit 9")).exit_status, 9)
        expect_equal(init.run(container("/bin/sh", "-c", "kill -7 $$")).exit_status, -7)
        record = init.run(container("/no/such/file"))
        expect_equal((record.state, record.failed_errno, record.exit_status), ("FAILED", 2, 203))
        expect_equal(record.failed_op, len(container("/bin/true").ops) - 1, "operation")
        expect("RUNNING" not in [state for identity, state in init.history if identity == record.id], "never ran")


@test
def persistent_upper_layer():
    need_root()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as upper, Init() as init:
        init.connect()
        write = "import os; open('/kept', 'w').write('1'); os.chown('/kept', 7, 8); os.mkdir('/etc/kept'); print(1)"
        python(init, write, upper=upper)
        # On disk the ids are the container's, so that another range may be used next time.
        status = os.stat(upper + "/data/kept")
        expect_equal((status.st_uid, status.st_gid), (7, 8), "ids on disk")
        inside = python(init, "import os; s = os.stat('/kept'); print([s.st_uid, s.st_gid, os.listdir('/etc').count('kept')])",
                        upper=upper, first_id=1 << 20)
        expect_equal(inside, [7, 8, 1], "in another id range")


@test
def many_layers_with_awkward_names():
    need_root()
    # Not on the filesystem of "/", whose directory they would be: overlayfs refuses a layer inside another one (ELOOP).
    with tempfile.TemporaryDirectory(dir="/dev/shm") as base, Init() as init:
        init.connect()
        layers = []
        for i in range(70):
            path = f"{base}/{'long' * 20}, with: colon {i}"
            os.mkdir(path)
            open(f"{path}/layer{i}", "w").close()
            layers.append(path.replace(":", "\\:"))
        source = "import os; print(len([name for name in os.listdir('/') if name.startswith('layer')]))"
        expect_equal(python(init, source, lower=":".join(layers + ["/"])), 70, "layers")


@test
def volumes():
    need_root()
    with tempfile.TemporaryDirectory() as host, Init() as init:
        init.connect()
        os.mkdir(host + "/a")
        os.mkdir(host + "/b")
        os.chmod(host, 0o755)

        def steps(program):
            for target in ("/mnt/fd", "/mnt/path", "/mnt/missing"):
                program("MAKE_DIRECTORY", target, slot=1, number=0o755)
            program("BIND", "/mnt/fd", slot=1, fd=3, number=0, flags="MOUNT_RECURSIVE|MOUNT_NO_EXEC")
            program("BIND", "/mnt/path", host + "/b", slot=1, slot2=2, number=NO_SLOT, flags="MOUNT_READ_ONLY")
            program("BIND", "/mnt/missing", slot=1, fd=4, number=NO_SLOT, flags="OPTIONAL")
            program.n_descriptors = 5
        source = """
import os, json
open("/mnt/fd/file", "w").close(); os.chown("/mnt/fd/file", 5, 6)
try:
    open("/mnt/path/file", "w")
except OSError as e:
    print(json.dumps([e.errno, os.path.ismount("/mnt/missing")]))"""
        # Like the manager, in the same mount namespace as svc-init.
        there = f"/proc/{children_of(init.process.pid)[0]}/root"
        directory, null = os.open(there + host + "/a", os.O_PATH), os.open("/dev/null", os.O_PATH)
        program = container(PYTHON, "-c", source, steps=steps)
        record, output = init.run(program, descriptors=[directory, null], capture=True)
        expect_equal((record.state, record.failed_op, record.failed_errno), ("EXITED", 0, 0))
        expect_equal(json.loads(output), [30, False], "read-only, missing")
        status = os.stat(host + "/a/file")
        expect_equal((status.st_uid, status.st_gid), (5, 6), "ids through the id map")


@test
def an_image_cannot_lead_out():
    need_root()
    with tempfile.TemporaryDirectory() as base, Init() as init:
        init.connect()
        os.mkdir(base + "/image")
        os.mkdir(base + "/outside")
        os.symlink("../../../../../.." + base + "/outside", base + "/image/up")
        os.symlink("/proc/self/root", base + "/image/magic")
        program = Program(NEWNS)("PRIVATE_MOUNTS", flags=MS_REC_PRIVATE)
        program("TREE", base + "/image", slot2=1, number=NO_SLOT)("ATTACH_ROOT", slot=1, slot2=2)
        program("MAKE_DIRECTORY", "/up/made", slot=1, number=0o755)
        record = init.run(program("DROP_OLD_ROOT", slot=2).exec("/nothing"))
        expect_equal((record.failed_op, record.failed_errno), (3, 2), "a link out of the image")
        expect_equal(os.listdir(base + "/outside"), [], "outside")
        program = Program(NEWNS)("PRIVATE_MOUNTS", flags=MS_REC_PRIVATE)
        program("TREE", base + "/image", slot2=1, number=NO_SLOT)("ATTACH_ROOT", slot=1, slot2=2)
        program("MAKE_DIRECTORY", "/proc", slot=1, number=0o755)("PROC", "/proc", slot=1)
        record = init.run(program("TMPFS", "/magic", slot=1)("DROP_OLD_ROOT", slot=2).exec("/nothing"))
        expect_equal((record.failed_op, record.failed_errno), (5, 40), "a magic link")


def with_failing_call(injection):
    """svc-init on a kernel that refuses a system call."""
    need_root()
    if not shutil.which("strace"):
        skip("needs strace")
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + injection.partition(":")[0], "-e", "inject=" + injection]
    return Init("--subreaper", isolated=[*ISOLATED, *strace])


@test
def container_where_pivot_root_is_impossible():
    # An initramfs or a chroot.
    with with_failing_call("pivot_root:error=EINVAL") as init:
        init.connect()
        source = """
import os, json
mounts = [line.split()[1] for line in open("/proc/self/mounts")]
print(json.dumps([mounts.count("/"), mounts.count("/proc"), os.path.exists("/../tmp/nothing"), os.listdir("/tmp"), os.stat("/..").st_ino == os.stat("/").st_ino]))"""
        expect_equal(python(init, source), [1, 1, False, [], True], "what can be seen")


@test
def devices_where_mknod_is_impossible():
    with with_failing_call("mknodat:error=EPERM:when=1") as init:
        init.connect()
        source = """
import os, json
print(json.dumps([os.stat("/dev/" + name).st_rdev for name in ("null", "zero", "full", "random", "urandom", "tty")]
                 + [open("/dev/zero", "rb").read(1)[0]]))"""
        devices = [os.makedev(*number) for number in ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0))]
        expect_equal(python(init, source), devices + [0], "devices")


# --- kill, adopt, hold ----------------------------------------------------------------------------------

@test
def kill_payload_child_and_group():
    need_root()
    script = "trap 'exit 5' TERM; sleep 1000 & echo ready; wait; wait"
    with Init() as init:
        init.connect()

        def started(program):
            reader, writer = os.pipe()
            null = os.open("/dev/null", os.O_RDONLY)
            identity = init.spawn(program, descriptors=[null, writer, 2])
            os.close(writer)
            os.close(null)
            with open(reader) as file:
                expect_equal(file.readline(), "ready\n")
            init.wait(identity, "RUNNING")
            return identity

        for program in (simple("/bin/sh", "-c", script), container("/bin/sh", "-c", script)):
            identity = started(program)
            init.kill(identity, signal.SIGTERM)
            expect_equal(init.wait(identity).exit_status, 5, "payload")
            identity = started(program)
            init.kill(identity, signal.SIGKILL, KILL_CHILD)
            expect_equal(init.wait(identity).exit_status, -9, "child")
            identity = started(program)
            init.kill(identity, signal.SIGKILL, KILL_GROUP)
            expect_equal(init.wait(identity).exit_status, -9, "group")


@test
def a_signal_before_the_payload_waits_for_it():
    need_root()
    with Init() as init:
        init.connect()
        identity = init.spawn(container("/bin/sleep", "1000"))
        init.kill(identity, signal.SIGTERM)
        expect_equal(init.wait(identity).exit_status, -15)


@test
def adopts_what_daemonized():
    need_root()
    with Init() as init:
        init.connect()
        daemon = "import os, sys, time\nif os.fork(): os._exit(0)\nos.setsid(); print(os.getpid(), flush=True)\nos.dup2(2, 1)\n" \
                 "time.sleep(1000)"
        record, output = init.run(simple(PYTHON, "-c", daemon), capture=True)
        inner = int(output)
        pidfd = os.pidfd_open(outer_pid(init, inner))
        identity = bytes(range(16))
        init.adopt(identity, inner, pidfd)
        record = init.wait(identity, "RUNNING")
        expect_equal((record.pid, record.payload_pid, record.label), (inner, inner, "adopted"))
        init.kill(identity, signal.SIGUSR1)
        expect_equal(init.wait(identity).exit_status, -signal.SIGUSR1, "status")
        # Somebody else's child: that it is dead is all that can be known.
        other = subprocess.Popen(["sleep", "1000"])
        init.adopt(bytes(range(1, 17)), 30000, os.pidfd_open(other.pid))
        init.wait(bytes(range(1, 17)), "RUNNING")
        other.kill()
        other.wait()
        expect_equal(init.wait(bytes(range(1, 17))).wait_status, LOST, "status")
        os.close(pidfd)


@test
def held_descriptors():
    with Init() as init:
        init.connect()
        reader, writer = os.pipe()
        init.hold(b"h" * 16, "listen", writer)
        os.close(writer)
        init.kill_manager()
        init.connect()
        record = init.records[b"h" * 16]
        expect_equal((record.state, record.held, len(record.fds)), ("HOLDING", ["listen"], 1))
        expect_equal(os.fstat(record.fds[0]).st_ino, os.fstat(reader).st_ino, "the same pipe")
        os.close(record.fds[0])
        init.send("FORGET", b"h" * 16)
        expect_equal(os.read(reader, 1), b"", "released")
        os.close(reader)


@test
def manager_killed_ten_times():
    with Init() as init:
        init.connect()
        reader, writer = os.pipe()
        alive = [init.spawn(simple("/bin/sleep", "1000"), held={"log": writer}) for _ in range(3)]
        ends = init.spawn(simple("/bin/sh", "-c", "sleep 0.5; exit 3"), label="ends")
        pids = {identity: init.wait(identity, "RUNNING").pid for identity in alive}
        for i in range(10):
            init.kill_manager()
            init.connect()
            expect_equal(init.welcome["starts"], i + 2, "starts")
            expect_equal(init.table_ends, 1, "ends of table")
            expect_equal({identity: init.records[identity].pid for identity in alive}, pids, "pids")
            for identity in alive:
                record = init.records[identity]
                expect_equal((record.state, record.held, len(record.fds)), ("RUNNING", ["log"], 1))
                expect_equal(os.fstat(record.fds[0]).st_ino, os.fstat(reader).st_ino, "held")
                os.close(record.fds[0])
        expect_equal((init.wait(ends).exit_status, init.records[ends].label), (3, "ends"), "ended meanwhile")
        os.close(reader)
        os.close(writer)


@test
def manager_that_closes_the_socket_is_replaced():
    with Init() as init:
        init.connect()
        first = init.manager_pid
        init.control.send(b"1")  # exit
        init.disconnect()
        init.connect()
        expect(init.manager_pid != first, "a new one")


# --- the end --------------------------------------------------------------------------------------------

@test
def signals_are_told_to_the_manager():
    with Init() as init:
        init.connect(hello=False)
        own = children_of(init.process.pid)[0]
        os.kill(own, signal.SIGTERM)
        os.kill(own, signal.SIGWINCH)
        init.send("HELLO")
        init.until(lambda: init.signals, "the signal from before the greeting")
        os.kill(own, signal.SIGHUP)
        init.until(lambda: len(init.signals) == 2, "SIGHUP")
        expect_equal(init.signals, [signal.SIGTERM, signal.SIGHUP])
        init.shutdown(exit_status=6)
        expect_equal(init.process.wait(20), 6, "exit status")


@test
def ends_without_a_manager():
    command = [*ISOLATED, SVC_INIT, "--manager=/no/such/manager"]
    with running(command, stderr=subprocess.DEVNULL) as process:
        own = wait_for(lambda: children_of(process.pid), "svc-init")[0]
        wait_for(lambda: open(f"/proc/{own}/comm").read() == "svc-init\n", "its execve")
        # Signals are taken as soon as they are blocked.
        wait_for(lambda: "SigBlk:\t0000000000000000" not in open(f"/proc/{own}/status").read(), "its mask")
        os.kill(own, signal.SIGTERM)
        expect_equal(process.wait(60), 128 + signal.SIGTERM, "exit status")


@test
def subreaper_takes_everything_along():
    outer = [*ISOLATED, "sh", "-c", '"$@"; status=$?; ls /proc | grep -c "^[0-9]"; exit $status', "-"]
    with Init("--subreaper", isolated=outer, stdout=subprocess.PIPE, text=True) as init:
        init.connect()
        expect_equal(init.welcome["mode"], 2, "mode")
        script = "setsid sleep 1000 & setsid sh -c 'setsid sleep 1000 & sleep 1000' & sleep 1000"
        init.wait(init.spawn(simple("/bin/sh", "-c", script)), "RUNNING")
        expect_equal(init.run(simple("/bin/sh", "-c", "setsid sleep 1000 & exit 0")).exit_status, 0)
        init.shutdown(exit_status=4)
        expect_equal(init.process.wait(30), 4, "exit status")
        expect_equal(int(init.process.stdout.read()), 3, "sh, ls and grep")


@test
def refuses_a_process_that_is_not_pid_1():
    result = subprocess.run([*ISOLATED, "sh", "-c", f'"{SVC_INIT}"; exit $?'], stderr=subprocess.DEVNULL, timeout=20)
    expect_equal(result.returncode, 2)


@test
def works_without_privilege():
    need_root()
    with Init(isolated=[*ISOLATED, *UNPRIVILEGED]) as init:
        init.connect()
        record, output = init.run(simple("/bin/sh", "-c", "id -u; exit 3"), capture=True)
        expect_equal((record.exit_status, output), (3, "65534\n"))
        record = init.run(Program(NEWPID)("SESSION").exec("/bin/true"))
        expect_equal((record.state, record.failed_op, record.failed_errno), ("FAILED", OP_CLONE, 1), "a PID namespace")
        record = init.run(Program(NEWNS)("SESSION").exec("/bin/true"))
        expect_equal((record.state, record.failed_op, record.failed_errno), ("FAILED", OP_CLONE, 1), "a mount namespace")
        init.shutdown()
        expect_equal(init.process.wait(20), 0)


@test
def born_in_its_cgroup():
    need_root()
    root = next((line.split()[1] for line in open("/proc/mounts") if line.split()[2] == "cgroup2"), None)
    if not root:
        skip("no cgroup2")
    path = f"{root}/svc-init-test.{os.getpid()}"
    os.mkdir(path)
    try:
        with Init() as init:
            init.connect()
            group = os.open(path, os.O_PATH | os.O_DIRECTORY)
            program = Program()("SESSION")("STDIO")("UNSHARE", flags=NEWCGROUP).exec("/bin/cat", "/proc/self/cgroup")
            record, output = init.run(program, cgroup=group, capture=True)
            expect("0::/" in output.split(), output)
            record, output = init.run(simple("/bin/cat", "/proc/self/cgroup"), cgroup=group, capture=True)
            expect(f"/{os.path.basename(path)}\n" in output, output)
            os.close(group)
    finally:
        wait_for(lambda: not open(path + "/cgroup.procs").read(), "its end")
        os.rmdir(path)


main()
