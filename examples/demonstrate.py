#!/usr/bin/env python3
"""./quickstart's second half: runs svcd with the units of this folder in namespaces of its own.

Without arguments it shows what runs and stays until Ctrl-C. With --once it demonstrates, one by one, what svcd promises; every
point is checked from outside the manager (an HTTP answer, /proc, a file), printed, and counts for the exit status."""
import atexit
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
BUILD = os.environ.get("SVCD_BUILD", os.path.join(TOP, "build"))
SVCCTL = os.path.join(BUILD, "cli", "svcctl")
URL = "http://127.0.0.1:8080/"


def wait_for(condition, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            value = condition()
        except (OSError, subprocess.SubprocessError):
            value = None
        if value:
            return value
        time.sleep(0.02)
    return None


def fetch(url=URL):
    with urllib.request.urlopen(url, timeout=2) as answer:
        return answer.read().decode()


class Tree:
    """A running svc-init with the example units."""

    def __init__(self):
        # In the users' own place: the containers' users must be able to reach it.
        self.directory = tempfile.mkdtemp(prefix="svcd-quickstart-", dir="/var/tmp")
        os.chmod(self.directory, 0o755)
        self.runtime = os.path.join(self.directory, "run")
        self.state = os.path.join(self.directory, "state")
        self.units = os.path.join(self.directory, "units")
        os.environ["SVCD_RUNTIME_DIR"] = self.runtime
        self.prepare()
        self.log_path = os.path.join(self.directory, "svcd.log")
        path = self.units
        if self.controllers() >= {"memory", "cpu", "pids"}:
            path = os.path.join(HERE, "with-controllers") + ":" + path
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen(
                [os.path.join(TOP, "scripts", "tree"), "quickstart", f"--unit-path={path}", f"--runtime-dir={self.runtime}",
                 f"--state-dir={self.state}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        atexit.register(self.stop)

    @staticmethod
    def controllers():
        with open("/proc/mounts") as mounts:
            for line in mounts:
                fields = line.split()
                if fields[2] == "cgroup2":
                    with open(os.path.join(fields[1], "cgroup.controllers")) as file:
                        return set(file.read().split())
        return set()

    def prepare(self):
        """The units, and what their volumes show. The ids are those inside the containers: volumes are idmapped."""
        shutil.copytree(HERE, self.units, ignore=shutil.ignore_patterns("*.py", "with-controllers", "www"))
        shutil.copytree(os.path.join(HERE, "www"), os.path.join(self.state, "lib", "www"))
        redis = os.path.join(self.state, "lib", "redis")
        os.makedirs(redis)
        shutil.chown(redis, "redis", "redis")

    def ready(self):
        return wait_for(lambda: self.process.poll() is None and run("is-system-running")[1].strip() == "running")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def run(*arguments, text_input=None):
    done = subprocess.run([SVCCTL, *arguments], capture_output=True, text=True, input=text_input, timeout=60)
    return done.returncode, done.stdout, done.stderr


def show(unit, *properties):
    values = run("show", unit, *(f"--property={p}" for p in properties), "--value")[1].splitlines()
    return values[0] if len(properties) == 1 and values else values


def svc_init_pid(tree):
    """svc-init, as this namespace sees it: the one whose parent is the tree's unshare."""
    with open(f"/proc/{tree.process.pid}/task/{tree.process.pid}/children") as file:
        for unshare in file.read().split():
            with open(f"/proc/{unshare}/task/{unshare}/children") as below:
                for pid in below.read().split():
                    return int(pid)
    return None


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def host_pid(tree, pid):
    """The pid here of a process that svc-init's namespace calls PID."""
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/status") as file:
                numbers = re.search(r"^NSpid:(.*)$", file.read(), re.M).group(1).split()
            if len(numbers) > 1 and numbers[1] == str(pid) and same_tree(tree, name):
                return int(name)
        except (OSError, AttributeError):
            pass
    return None


def same_tree(tree, pid):
    root = svc_init_pid(tree)
    while int(pid) > 1:
        if int(pid) == root:
            return True
        with open(f"/proc/{pid}/stat") as file:
            pid = file.read().rsplit(")", 1)[1].split()[1]
    return False


# --- the points -----------------------------------------------------------------------------------------------------

POINTS = []


def point(text):
    def register(function):
        POINTS.append((text, function))
        return function
    return register


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def in_container(unit, *command):
    status, out, error = run("exec", unit, "--", *command)
    return status, (out + error).strip()


@point("nginx, unmodified, answers HTTP from its container")
def nginx_answers(tree):
    page = wait_for(fetch)
    expect(page and "run by svcd" in page, f"no page: {page}")
    return page.strip().splitlines()[-1]


@point("redis answers PING inside its network namespace, where only lo is")
def redis_answers(tree):
    status, out = in_container("redis", "redis-cli", "ping")
    expect(status == 0 and out == "PONG", out)
    status, interfaces = in_container("redis", "ls", "/sys/class/net")
    expect(interfaces.split() == ["lo"], f"interfaces: {interfaces}")
    return f"redis-cli ping: {out}; interfaces: {interfaces}"


@point("seen from inside: own PID 1, own hostname, mapped ids, few capabilities, a filter, no descriptor, no file of the host's /tmp")
def isolation_from_inside(tree):
    with tempfile.NamedTemporaryFile(dir="/tmp", prefix="svcd-host-file-") as secret:
        status, _ = in_container("nginx", "test", "-e", secret.name)
        expect(status == 1, f"{secret.name} is visible")
    _, descriptors = in_container("nginx", "sh", "-c", "ls /proc/$$/fd")
    expect(descriptors.split() == ["0", "1", "2"], f"descriptors {descriptors}")
    _, hostname = in_container("nginx", "uname", "-n")
    expect(hostname == "web", f"hostname {hostname}")
    _, uid_map = in_container("nginx", "cat", "/proc/self/uid_map")
    inside, outside, count = (int(n) for n in uid_map.split())
    expect(inside == 0 and outside >= 65536 and count == 65536, f"uid map {uid_map}")
    _, status = in_container("nginx", "cat", "/proc/1/status")
    expect("svc-init" in status.splitlines()[0], f"PID 1 is {status.splitlines()[0]}")
    _, status = in_container("nginx", "cat", "/proc/self/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    # CHOWN 0, DAC_OVERRIDE 1, SETGID 6, SETUID 7
    expect(int(fields["CapBnd"], 16) == 0b11000011, f"bounding set {fields['CapBnd']}")
    expect(fields["Seccomp"] == "2", f"Seccomp: {fields['Seccomp']}")
    status, refused = in_container("nginx", "unshare", "--mount", "true")
    expect(status != 0, "unshare(CLONE_NEWNS) was not refused")
    return f"hostname {hostname}, uid 0 is {outside} outside, CapBnd {fields['CapBnd'][-4:]}, {refused.splitlines()[-1]}"


@point("kill -9 of nginx's main process: a new one answers, and status tells why")
def killed_and_back(tree):
    before = show("nginx", "MainPID")
    pid = host_pid(tree, before)
    expect(pid, f"no process {before}")
    begin = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    expect(wait_for(lambda: show("nginx", "MainPID") not in (before, "0") and fetch()), "nginx did not come back")
    took = time.monotonic() - begin
    _, status, _ = run("status", "nginx")
    line = next((line.strip() for line in status.splitlines() if "Restarts:" in line), "")
    expect(re.search(r"Restarts: *1\b", line), f"status says {line!r}")
    expect(re.search(r"KILL|signal", status), "status does not tell the cause")
    return f"answers again after {took * 1000:.0f} ms (100 of them RestartSec=); {line}"


@point("a file in the ephemeral root is gone after a restart and never reached the lower layer; in the volume it stays")
def files(tree):
    status, out = in_container("nginx", "sh", "-c", "echo 1 >/etc/svcd-was-here && echo 2 >/srv/www/kept && cat /etc/svcd-was-here")
    expect(status == 0 and out == "1", out)
    expect(not os.path.exists("/etc/svcd-was-here"), "the write reached the host")
    expect(run("restart", "nginx")[0] == 0, "restart failed")
    expect(wait_for(lambda: fetch(URL + "kept") == "2\n"), "the volume forgot")
    status, _ = in_container("nginx", "test", "-e", "/etc/svcd-was-here")
    expect(status == 1, "the file is still there")
    return "/etc/svcd-was-here: gone; /srv/www/kept: served"


@point("1,000 orphans are all reaped: by a container's own PID 1, and without a PID namespace by svc-init")
def orphans(tree):
    script = "i=0; while [ $i -lt 1000 ]; do (true &) ; i=$((i + 1)); done"
    status, out = in_container("nginx", "sh", "-c", script)
    expect(status == 0, out)
    write_unit(tree, "orphans", f"[Service]\nType=oneshot\nExecStart=/bin/sh -c '{script.replace('$', '$$')}'\n")
    status, _, error = run("start", "orphans")
    expect(status == 0, error)
    init = svc_init_pid(tree)
    expect(wait_for(lambda: not any(is_zombie(pid) for pid in children(init))), "svc-init has zombies")

    def zombies():
        _, listing = in_container("nginx", "sh", "-c", "grep -ls '^State:.Z' /proc/[0-9]*/status | wc -l")
        return int(listing or 0)
    expect(wait_for(lambda: zombies() == 0), f"{zombies()} zombies")
    return "no zombie left, there or there"


def is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return False


def write_unit(tree, name, text):
    with open(os.path.join(tree.units, name + ".service"), "w") as file:
        file.write(text)


@point("the manager is killed ten times under running services, and no service notices")
def manager_killed(tree):
    init = svc_init_pid(tree)
    before = show("nginx", "MainPID"), show("redis", "MainPID")
    write_unit(tree, "away", "[Service]\nExecStart=/bin/sleep infinity\n")
    expect(run("start", "away")[0] == 0, "away.service did not start")
    away = host_pid(tree, show("away", "MainPID"))
    for i in range(10):
        manager = next(pid for pid in wait_for(lambda: [c for c in children(init) if comm(c) == "svcd"]))
        os.kill(manager, signal.SIGKILL)
        if i == 5:  # this one ends while nobody manages it
            os.kill(away, signal.SIGTERM)
        expect(wait_for(lambda: [c for c in children(init) if comm(c) == "svcd" and c != manager]), "no new manager")
        expect(wait_for(lambda: run("is-active", "nginx")[0] == 0), "svcctl does not work again")
    after = show("nginx", "MainPID"), show("redis", "MainPID")
    expect(before == after, f"main processes were {before}, are {after}")
    expect("run by svcd" in fetch(), "nginx does not answer")
    expect(wait_for(lambda: show("away", "ActiveState") == "inactive"), f"away.service is {show('away', 'ActiveState')}")
    expect(show("away", "ExecMainStatus") == "15", f"away.service ended with {show('away', 'ExecMainStatus')}")
    return f"main processes {' and '.join(after)} as before; the service that ended meanwhile: killed by signal 15"


def comm(pid):
    with open(f"/proc/{pid}/comm") as file:
        return file.read().strip()


@point("a unit that cannot be enforced is refused with file and line; the others go on")
def broken_units(tree):
    broken = {
        "broken-volume": "[Container]\nImage=/\nExec=/bin/true\nVolume=/does/not/exist:/data\n",
        "broken-user": "[Service]\nType=oneshot\nExecStart=/bin/true\nUser=nobody-of-this-name\n",
        "broken-key": "[Service]\nType=oneshot\nExecStart=/bin/true\nMemroyMax=1G\n",
        "broken-filter": "[Service]\nType=oneshot\nExecStart=/bin/true\nSystemCallFilter=opne\n",
    }
    for name, text in broken.items():
        write_unit(tree, name, text)
    run("daemon-reload")
    said = []
    for name in broken:
        status, _, error = run("start", name)
        expect(status != 0, f"{name} was started")
        line = next((line for line in error.splitlines() if f"{name}.service:" in line), None)
        expect(line and re.search(rf"{name}\.service:\d+", line), f"{name}: no file and line in {error!r}")
        said.append(line.strip())
    expect(run("is-active", "nginx", "redis")[0] == 0, "others were affected")
    return "\n".join(said)


@point("after stop nothing of the unit is left: no process, cgroup, mount or namespace")
def stopped(tree):
    pid = host_pid(tree, show("redis", "MainPID"))
    namespaces = {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in ("mnt", "pid", "net", "ipc", "uts", "user", "cgroup")}
    group = next((line[3:].strip() for line in open(f"/proc/{pid}/cgroup") if line.startswith("0::")), "")
    expect(run("stop", "redis")[0] == 0, "stop failed")

    def left():
        found = []
        for name in os.listdir("/proc"):
            for kind, inode in namespaces.items():
                try:
                    if name.isdigit() and kind != "mnt" and os.readlink(f"/proc/{name}/ns/{kind}") == inode:
                        found.append(f"{name}: {kind}")
                except OSError:
                    pass
        return found
    expect(wait_for(lambda: not left()), f"left: {left()}")
    with open("/proc/mounts") as mounts:
        mount = next((line.split()[1] for line in mounts if line.split()[2] == "cgroup2"), None)
    expect(not (mount and "redis" in group and os.path.exists(mount + group)), f"cgroup {group} is left")
    return "process, namespaces and cgroup are gone"


def demonstrate(tree):
    failed = 0
    for text, function in POINTS:
        try:
            said = function(tree)
            print(f"  ok      {text}")
        except (AssertionError, OSError, subprocess.SubprocessError, ValueError, StopIteration) as error:
            failed += 1
            said = f"{type(error).__name__}: {error}"
            print(f"  FAILED  {text}")
        for line in (said or "").splitlines():
            print(f"            {line}")
    return failed


def main():
    tree = Tree()
    if not tree.ready():
        with open(tree.log_path) as log:
            print(log.read(), file=sys.stderr)
        print("svcd did not start the example units:", file=sys.stderr)
        subprocess.run([SVCCTL, "status", "--no-pager", "nginx", "redis"])
        sys.exit(1)
    print("svcd runs the units of examples/ (own PID and mount namespace, nothing on this machine is touched):\n")
    for command in (["list-units"], ["status", "nginx"], ["status", "redis"]):
        print("$ svcctl " + " ".join(command), flush=True)
        subprocess.run([SVCCTL, "--no-pager", *command])
        print(flush=True)
    if "--once" in sys.argv[1:]:
        failed = demonstrate(tree)
        tree.stop()
        left = os.path.exists(f"/proc/{tree.process.pid}")
        print("  FAILED  after shutdown the tree is left" if left else "  ok      after shutdown nothing of the tree is left")
        sys.exit(1 if failed or left else 0)
    print(f"It stays until Ctrl-C. In another terminal:\n\n    export SVCD_RUNTIME_DIR={tree.runtime}\n"
          f"    {os.path.relpath(SVCCTL)} status\n    {os.path.relpath(SVCCTL)} explain nginx\n"
          f"    {os.path.relpath(SVCCTL)} exec redis -- redis-cli ping\n    curl {URL}\n")
    try:
        tree.process.wait()
    except KeyboardInterrupt:
        print("Stopping.")


if __name__ == "__main__":
    main()
