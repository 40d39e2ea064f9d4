"""A whole svcd in namespaces of its own: svc-init as PID 1, its manager, units in a scratch directory.

    with Tree("restart") as tree:
        tree.unit("a.service", "[Service]\\nExecStart=@GUEST@ forever\\n")
        tree.start("a.service")
        expect_equal(tree.show("a.service", "ActiveState"), "active")

Inside, the scratch directory is @DIR@ (/mnt, where the host has nothing) and the guest @GUEST@; outside it is tree.directory.
Its cgroups are below a directory of its own in the unified hierarchy. At the end of the block the tree is shut down and must
have left nothing: no process, mount or cgroup."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from svcd_test import BUILD, SVC_INIT, SVCCTL, SVCD, expect, expect_equal, wait_for

# A test that is ended ends its tree too: in order when there is time for it, else by the death signal of its first process.
signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))

GUEST = os.path.join(BUILD, "tests", "guest", "guest")
INSIDE = "/mnt"
NAMESPACES = ("mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time")


def cgroup_mount():
    """Where the version 2 hierarchy is mounted, or None."""
    with open("/proc/self/mountinfo") as file:
        for line in file:
            if " - cgroup2 " in line:
                return line.split()[4]
    return None


def processes_in_namespace(inode):
    """Host pids of the processes whose PID namespace is this one."""
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.readlink(f"/proc/{name}/ns/pid") == inode:
                found.append(int(name))
        except OSError:
            pass
    return found


def make_image(image):
    """A root that holds the guest and little else."""
    for folder in ("etc", "usr/lib", "srv", "var/lib", "home/anna", "root", "tmp", "opt", "boot", "proc", "sys", "dev", "run"):
        os.makedirs(os.path.join(image, folder))
    shutil.copy(GUEST, os.path.join(image, "guest"))
    for path, text in {"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\n"
                                     "anna:x:1000:1000::/home/anna:/bin/sh\n",
                       "etc/group": "root:x:0:\nadm:x:4:\ncdrom:x:24:\nwww-data:x:33:\nanna:x:1000:\n",
                       "etc/image": "lower\n", "home/anna/letter": "secret\n", "root/key": "secret\n",
                       "usr/lib/library": "library\n"}.items():
        with open(os.path.join(image, path), "w") as file:
            file.write(text)


class Tree:
    def __init__(self, name, uid=0, pass_fds=(), before=(), network=False):
        """With a UID: everything runs as this user, without a capability, and sees no cgroup hierarchy: an ordinary container.
        svc-init inherits PASS_FDS; BEFORE is a command that runs it. With NETWORK: in a network namespace of its own."""
        self.pass_fds, self.before, self.network = pass_fds, before, network
        self.name, self.uid = name, uid
        self.cgroup = None
        if not uid and cgroup_mount():
            self.cgroup = os.path.join(cgroup_mount(), f"svcd-test-{name}-{os.getpid()}")
        self.process = self.pid = self.pid_namespace = None

    # --- its life

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix=f"svcd-{self.name}-", dir="/tmp")
        os.chmod(self.directory, 0o755)
        self.log = open(os.path.join(self.directory, "log"), "w+")
        try:
            self.fill()
            self.boot()
        except BaseException:
            self.__exit__(AssertionError, None, None)
            raise
        return self

    def fill(self):
        for folder in ("units", "run", "state", "data", "data/volume", "bin"):
            os.mkdir(os.path.join(self.directory, folder))
            os.chown(os.path.join(self.directory, folder), self.uid, self.uid)
        shutil.copy(GUEST, os.path.join(self.directory, "guest"))
        for program in (SVC_INIT, SVCD, SVCCTL):
            shutil.copy(program, os.path.join(self.directory, "bin"))
        self.make_image()

    def boot(self):
        if self.cgroup:
            os.mkdir(self.cgroup)
        arguments = [f"{INSIDE}/bin/svc-init", f"--manager={INSIDE}/bin/svcd", f"--unit-path={INSIDE}/units",
                     f"--runtime-dir={INSIDE}/run", f"--state-dir={INSIDE}/state",
                     *([f"--cgroup-root={self.cgroup}"] if self.cgroup else [])]
        prepare = f'mount --bind "$0" {INSIDE}'
        if self.uid:
            prepare += " && mount -t tmpfs -o ro,mode=555 none /sys/fs/cgroup"
            arguments = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", "--bounding-set=-all",
                         "--inh-caps=-all", "--no-new-privs", *arguments]
        arguments = [*self.before, *arguments]
        # SAFETY.md; the scratch directory appears in the tree's own mount namespace only.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", *(["--net"] if self.network else []), "--pid", "--fork", "--kill-child", "--mount", "--mount-proc",
             "--propagation", "private", "sh", "-c", f'{prepare} && exec "$@"', self.directory, *arguments],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True, pass_fds=self.pass_fds)
        self.pid = wait_for(self.find_init, "svc-init in its namespace", 10)
        self.pid_namespace = os.readlink(f"/proc/{self.pid}/ns/pid")
        wait_for(lambda: os.path.exists(os.path.join(self.directory, "run", "bus")) or self.process.poll() is not None,
                 "the manager's socket", 20)
        expect(self.process.poll() is None, f"svc-init ended: {self.read_log()}")

    def find_init(self):
        expect(self.process.poll() is None, f"the tree ended at once: {self.read_log()}")
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
                children = file.read().split()
            with open(f"/proc/{children[0]}/comm") as file:
                return int(children[0]) if file.read().strip() == "svc-init" else None
        except (OSError, IndexError):
            return None

    def __exit__(self, kind, value, traceback):
        problems = []
        if self.process:
            problems = self.shut_down()
        problems += self.remove()
        if kind:
            for line in self.read_log().splitlines()[-30:]:
                print(f"# {self.name}: {line}")
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        if not kind:
            expect(not problems, "after shutdown: " + "; ".join(problems))

    def shut_down(self):
        """SIGTERM to svc-init, as `docker stop` would. Returns what was wrong."""
        problems = []
        if self.process.poll() is None:
            if self.pid:
                os.kill(self.pid, signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                problems.append("svc-init does not end 30 s after SIGTERM")
                self.process.kill()
                self.process.wait()
        if self.pid_namespace:
            left = processes_in_namespace(self.pid_namespace)
            if left:
                problems.append(f"processes {left}")
        return problems

    def remove(self):
        """Takes away what is left of the tree's own cgroup and mounts, and says what there was."""
        problems = []
        with open("/proc/self/mountinfo") as file:
            problems += [f"mount {line.split()[4]}" for line in file if self.directory in line]
        if self.cgroup and os.path.isdir(self.cgroup):
            for path, folders, _ in os.walk(self.cgroup, topdown=False):
                with open(os.path.join(path, "cgroup.procs")) as file:
                    pids = file.read().split()
                if pids:
                    problems.append(f"cgroup {path} with {pids}")
                    with open(os.path.join(path, "cgroup.kill"), "w") as file:
                        file.write("1")
                    wait_for(lambda: not open(os.path.join(path, "cgroup.procs")).read(), "an empty cgroup")
                elif path.endswith(".service"):
                    problems.append(f"cgroup {path}")
                os.rmdir(path)
        return problems

    # --- what is in it

    def make_image(self):
        make_image(os.path.join(self.directory, "image"))

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def substitute(self, text):
        text = text.replace("@GUEST@", f"{INSIDE}/guest").replace("@DIR@", INSIDE).replace("@IMAGE@", f"{INSIDE}/image")
        for kind in NAMESPACES:
            if f"@NS_{kind}@" in text:
                text = text.replace(f"@NS_{kind}@", self.namespace(self.pid, kind))
        return text

    @staticmethod
    def namespace(pid, kind):
        return re.search(r"\[(\d+)\]", os.readlink(f"/proc/{pid}/ns/{kind}")).group(1)

    def unit(self, name, text):
        os.makedirs(os.path.dirname(self.path("units", name)), exist_ok=True)
        with open(self.path("units", name), "w") as file:
            file.write(self.substitute(text))

    def service(self, name, exec_start, extra=""):
        """The usual: one [Service] whose only command is the guest with these words."""
        self.unit(name, f"[Service]\nExecStart=@GUEST@ {exec_start}\n{extra}\n")

    def read_log(self):
        self.log.flush()
        with open(self.log.name) as file:
            return file.read()

    def read(self, *parts):
        with open(self.path(*parts)) as file:
            return file.read()

    def write_host(self, path, text):
        """Puts a file of our own over one of the host's, for the tree only."""
        own = self.path("data", path.replace("/", "-"))
        with open(own, "w") as file:
            file.write(text)
        inside = own.replace(self.directory, INSIDE)
        expect(self.run("mount", "--bind", inside, path).returncode == 0, f"mount over {path}")

    def exists(self, *parts):
        return os.path.lexists(self.path(*parts))

    # --- asking it

    def run(self, *argv, timeout=30, **options):
        """A command inside: in the tree's mount and PID namespace."""
        as_user = [f"--setuid={self.uid}", f"--setgid={self.uid}"] if self.uid else []
        return subprocess.run(["nsenter", "--target", str(self.pid), "--mount", "--pid", *(["--net"] if self.network else []), *as_user, "--", *argv], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                              env={**os.environ, "SVCD_RUNTIME_DIR": f"{INSIDE}/run"}, **options)

    def svcctl(self, *arguments, timeout=30):
        return self.run(f"{INSIDE}/bin/svcctl", *arguments, timeout=timeout)

    def good(self, *arguments, timeout=30):
        """svcctl that must succeed; its output."""
        result = self.svcctl(*arguments, timeout=timeout)
        expect(result.returncode == 0, f"svcctl {' '.join(arguments)}: exit status {result.returncode}: {result.stderr}{result.stdout}")
        return result.stdout

    def start(self, *units, timeout=30):
        result = self.svcctl("start", *units, timeout=timeout)
        if result.returncode != 0:
            raise AssertionError(f"start {' '.join(units)}: {result.stderr}\n" + "\n".join(self.tell(unit) for unit in units))

    def tell(self, unit):
        """What a person would look at after a failure."""
        return self.svcctl("status", unit).stdout + self.svcctl("logs", unit).stdout

    def show(self, unit, *properties):
        """One property as text, or several as a dictionary."""
        lines = self.good("show", unit, *[f"--property={name}" for name in properties]).splitlines()
        values = dict(line.split("=", 1) for line in lines if "=" in line)
        if len(properties) == 1:
            return values.get(properties[0])
        return {name: values.get(name) for name in properties}

    def expect_show(self, unit, **expected):
        found = self.show(unit, *expected) if len(expected) > 1 else {name: self.show(unit, name) for name in expected}
        expect_equal(found, {name: str(value) for name, value in expected.items()}, unit)

    def wait_show(self, unit, seconds=20, **expected):
        """Until the properties have these values."""
        last = {}

        def reached():
            last.update({name: self.show(unit, name) for name in expected})
            return last == {name: str(value) for name, value in expected.items()}
        try:
            wait_for(reached, unit, seconds)
        except AssertionError:
            raise AssertionError(f"{unit}: {last}, expected {expected}\n{self.tell(unit)}") from None

    def main_process(self, unit):
        """(pid in the tree, start time): what must not change when nobody restarts it."""
        pid = int(self.show(unit, "MainPID"))
        expect(pid > 0, f"{unit} has no main process")
        status = self.run("cat", f"/proc/{pid}/stat").stdout
        return pid, status.rpartition(")")[2].split()[19]

    def manager_pid(self):
        """The manager's pid in the tree: the child of svc-init that runs svcd."""
        for candidate in processes_in_namespace(self.pid_namespace):
            status = read_status(candidate)
            if "Name:\tsvcd\n" in status and f"\nPPid:\t{self.pid}\n" in status and "\nState:\tZ" not in status:
                return int(re.search(r"\nNSpid:\t\d+\t(\d+)", status).group(1))
        return None

    def kill(self, pid, name="KILL"):
        """Signals a process by its pid in the tree."""
        result = self.run("kill", f"-{name}", str(pid))
        expect(result.returncode == 0, f"kill {pid}: {result.stderr}")

    def cgroups_of(self, unit):
        return [path for path, _, _ in os.walk(self.cgroup) if os.path.basename(path) == unit] if self.cgroup else []


def read_status(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            return file.read()
    except OSError:
        return ""
