"""Past classes of container escapes, each tried with a hostile root file system, payload or neighbour
(docs/SECURITY.md says which test stands for which class). What is tried is harmless where it fails."""
import hashlib
import os
import re
import shutil
import socket
import time

from svcd_test import SVC_INIT, expect, expect_equal, main, test, wait_for
from tree import Tree, processes_in_namespace

# Nothing of what a [Container] gets by itself is taken away: what holds for this one holds for all.
CONTAINER = "[Container]\nImage=@IMAGE@\nNetwork=none\nExec=/guest {checks}\n{container}\n[Service]\n{service}\n"
NO_LIMIT = "[Unit]\nStartLimitIntervalSec=0\n"
STRONGEST = "UserNS=auto\nAddCapability=all\nSeccompProfile=unconfined\n"
# What a masked place could be led astray to. Its content is looked at before and after.
TARGETS = ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/kernel/hostname")


def container(tree, name, checks, container="", service="Type=oneshot"):
    tree.unit(name, CONTAINER.format(checks=checks, container=container, service=service))


def root_directory(tree, name, checks, service="Type=oneshot\n"):
    tree.unit(name, f"{NO_LIMIT}[Service]\nRootDirectory=@DIR@/shared\nMountAPIVFS=yes\nExecStart=/guest {checks}\n{service}\n")


def outcome(tree, name):
    """(whether it started well, exit status, what was told)"""
    result = tree.svcctl("start", name)
    shown = tree.show(name, "Result", "ExecMainStatus")
    return result.returncode == 0, shown["ExecMainStatus"], result.stderr + tree.tell(name)


def mounts_of(pid):
    with open(f"/proc/{pid}/mountinfo") as file:
        return sorted(line.split(" - ")[0].split()[3:5] for line in file)


def sha(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def sysctls():
    found = {}
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname"):
        with open(path) as file:
            found[path] = file.read()
    return found


# --- descriptors and directories ----------------------------------------------------------------------------

@test
def working_directory_through_a_descriptor():
    """The class of CVE-2024-21626: /proc/self/fd/N as the working directory, while something of the host is open there."""
    with Tree("cwd") as tree:
        names = []
        for number in range(3, 65):
            for kind, text in (("box", CONTAINER.format(checks="cwd /* -- absent ./bin/svc-init ../bin/svc-init ../../../mnt/bin",
                                                        container=f"WorkingDir=/proc/self/fd/{number}", service="Type=oneshot")),
                               ("root", "[Service]\nType=oneshot\nRootDirectory=@IMAGE@\nMountAPIVFS=yes\n"
                                        f"WorkingDirectory=/proc/self/fd/{number}\n"
                                        "ExecStart=/guest cwd /* -- absent ./bin/svc-init ../bin/svc-init ../../../mnt/bin\n")):
                names.append(f"{kind}{number}.service")
                tree.unit(names[-1], text)
        tree.svcctl("start", *names, timeout=120)
        for name in names:
            wait_for(lambda: tree.show(name, "ActiveState") not in ("activating", "active"), name)
            shown = tree.show(name, "Result", "ExecMainStatus")
            expect(shown == {"Result": "exit-code", "ExecMainStatus": "200"} or shown == {"Result": "success", "ExecMainStatus": "0"},
                   f"{name}: {shown}\n{tree.tell(name)}")


@test
def descriptors_of_ancestors_stay_outside():
    """200 descriptors without close-on-exec in what started svc-init: no payload has one."""
    folder = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    leaks = [os.dup(folder) for _ in range(200)]
    try:
        with Tree("leaks", pass_fds=leaks) as tree:
            expect(len(os.listdir(f"/proc/{tree.pid}/fd")) > 200, "the descriptors did not reach svc-init: this proves nothing")
            tree.service("plain.service", "descriptors 0,1,2", "Type=oneshot")
            tree.service("sandbox.service", "descriptors 0,1,2", "Type=oneshot\nProtectSystem=strict\nPrivateNetwork=yes\nPrivatePIDs=yes\n"
                         "SystemCallFilter=@system-service\n")
            container(tree, "box.service", "descriptors 0,1,2 -- notify READY=1 -- forever", "Notify=yes\n", "")
            tree.start("plain.service", "sandbox.service", "box.service")
            result = tree.svcctl("exec", "box.service", "/guest", "descriptors", "0,1,2")
            expect_equal((result.returncode, result.stderr), (0, ""), "exec")
    finally:
        for fd in [folder, *leaks]:
            os.close(fd)


@test
def the_container_cannot_look_into_its_init():
    """PID 1 in there is a copy of svc-init: its program, memory and descriptors are the host's."""
    checks = "peek 1 -- init svc-init"
    with Tree("peek") as tree:
        for number, lines in enumerate(("", "User=www-data\n", "UserNS=auto\n", STRONGEST)):
            container(tree, f"box{number}.service", checks, lines)
            tree.start(f"box{number}.service")
        tree.service("sandbox.service", checks, "Type=oneshot\nPrivatePIDs=yes\nUser=www-data\n")
        tree.start("sandbox.service")


@test
def what_enters_a_container_cannot_be_looked_into():
    """While `svcctl exec` enters, and while a program of the image claims to be an interpreter of /proc/self/exe (CVE-2019-5736,
    CVE-2016-9962), a payload looks at everything that comes, and tries to write to its program."""
    before = sha(SVC_INIT)
    with Tree("enter") as tree:
        with open(tree.path("image", "script"), "w") as file:
            file.write("#!/proc/self/exe\n")
        os.chmod(tree.path("image", "script"), 0o755)
        for number, lines in enumerate(("", STRONGEST)):
            name = f"box{number}.service"
            container(tree, name, "notify READY=1 -- spy 12", lines + "Notify=yes\n", "Restart=no")
            tree.start(name)
            for _ in range(60):
                tree.svcctl("exec", name, "/guest", "print", "here")
                tree.svcctl("exec", name, "/script")
            tree.wait_show(name, ActiveState="inactive", Result="success")
            container(tree, f"script{number}.service", "", lines)
            tree.unit(f"script{number}.service", tree.read("units", f"script{number}.service").replace("/guest ", "/script"))
            good, status, told = outcome(tree, f"script{number}.service")
            expect(not good, f"a program that is its own interpreter ran: {told}")
        expect_equal(sha(tree.path("bin", "svc-init")), before, "svc-init's program")


# --- mounts led astray --------------------------------------------------------------------------------------

LINKED = {  # name in the image: what it is a link to
    "dev": TARGETS[0], "dev2": "/dev", "proc": "/sys", "sys": "/proc", "run": "/../../../run", "tmp": "/proc/self/root/tmp",
}


@test
def an_image_of_links():
    """/proc, /sys, /dev, /run or /tmp of the image lead elsewhere: the container does not start, or has its own all the same."""
    before = sysctls()
    with Tree("links") as tree:
        mounts = mounts_of(tree.pid)
        for number, (name, target) in enumerate([("dev", target) for target in (*TARGETS, "/etc", "/../../mnt", "nowhere")]
                                                + [("proc", target) for target in ("/sys", "/etc", "/proc/self/root", "/../../mnt")]
                                                + [("sys", "/proc/sys"), ("run", "/../../../mnt/run"), ("tmp", "/proc/1/root/tmp")]):
            image = tree.path(f"image{number}")
            shutil.copytree(tree.path("image"), image, symlinks=True)
            os.rmdir(os.path.join(image, name))
            os.symlink(target, os.path.join(image, name))
            for kind, lines in (("box", f"[Container]\nImage=@DIR@/image{number}\nExec=/guest {{checks}}\n[Service]\nType=oneshot\n"),
                                ("root", f"[Service]\nType=oneshot\nRootDirectory=@DIR@/image{number}\nMountAPIVFS=yes\nExecStart=/guest {{checks}}\n")):
                checks = "absent /bin/svc-init /mnt/bin -- device /dev/null 1:3 -- filesystem /proc proc"
                if kind == "box":
                    checks += " -- hidden /proc/kcore /proc/keys /proc/timer_list -- open-error /proc/sys/kernel/core_pattern w EROFS" \
                              " -- open-error /proc/sys/kernel/hostname w EROFS"
                unit = f"{kind}{number}.service"
                tree.unit(unit, lines.format(checks=checks))
                good, status, told = outcome(tree, unit)
                expect(good or status in ("226", "200"), f"{name} -> {target}: {told}")
        expect_equal(mounts_of(tree.pid), mounts, "mounts of the host")
    expect_equal(sysctls(), before, "kernel variables")


@test
def an_image_of_links_in_dev():
    """An image whose /dev holds links or files for what is mounted there (CVE-2025-31133, CVE-2025-52565)."""
    before = sysctls()
    with Tree("dev") as tree:
        dev = tree.path("image", "dev")
        for name in ("null", "console", "pts", "ptmx", "shm", "mqueue", "tty", "zero", "full"):
            os.symlink(TARGETS[0], os.path.join(dev, name))
        container(tree, "box.service", "device /dev/null 1:3 -- device /dev/zero 1:5 -- filesystem /dev/pts devpts -- filesystem /dev/shm tmpfs"
                  " -- filesystem /dev/mqueue mqueue -- open-error /proc/sys/kernel/core_pattern w EROFS -- hidden /proc/kcore")
        tree.unit("keep.service", "[Service]\nType=oneshot\nRootDirectory=@IMAGE@\nPrivateDevices=yes\nInaccessiblePaths=/dev/null /etc/image\n"
                  "BindReadOnlyPaths=/proc\nExecStart=/guest inaccessible /etc/image -- filesystem /dev/pts devpts\n")
        tree.start("box.service")
        good, status, told = outcome(tree, "keep.service")
        expect(good or status == "226", told)
        # Masking /dev/null by the null device of an image would hide nothing.
        tree.unit("mask.service", "[Service]\nType=oneshot\nRootDirectory=@IMAGE@\nInaccessiblePaths=/etc/image\nExecStart=/guest inaccessible /etc/image\n")
        tree.start("mask.service")
    expect_equal(sysctls(), before, "kernel variables")


def race(tree, place, target, starts, checks, unit):
    """Starts a unit again and again while a neighbour exchanges PLACE of the shared root with a link to TARGET."""
    link = place + ".link"
    os.symlink(target, tree.path("shared", link))
    tree.unit("racer.service", f"{NO_LIMIT}[Service]\nType=exec\nExecStart=@GUEST@ swap @DIR@/shared/{place} @DIR@/shared/{link}\n")
    tree.good("daemon-reload")
    tree.start("racer.service")
    tally = {}
    for _ in range(starts):
        good, status, told = outcome_quick(tree, unit)
        tally[status] = tally.get(status, 0) + 1
        expect(status in ("0", "226", "200", "203"), f"{place} -> {target}: exit status {status}: {tree.tell(unit)}")
    tree.good("stop", "racer.service")
    if os.path.islink(tree.path("shared", place)):
        os.rename(tree.path("shared", place), tree.path("shared", link + ".old"))
        os.rename(tree.path("shared", link), tree.path("shared", place))
        os.unlink(tree.path("shared", link + ".old"))
    else:
        os.unlink(tree.path("shared", link))
    return tally


def outcome_quick(tree, name):
    result = tree.svcctl("start", name)
    return result.returncode == 0, tree.show(name, "ExecMainStatus"), ""


@test
def a_root_that_changes_while_it_is_used():
    """Two services share a root; one exchanges /proc, /dev or a masked place with a link while the other starts: it fails to
    start or it has all of its protection (CVE-2023-27561, CVE-2025-52881)."""
    before = sysctls()
    with Tree("race") as tree:
        shutil.copytree(tree.path("image"), tree.path("shared"), symlinks=True)
        os.mkdir(tree.path("shared", "other"))
        mounts = mounts_of(tree.pid)
        root_directory(tree, "victim.service",
                       "own-proc -- hidden /etc/image -- absent /bin/svc-init /mnt/bin",
                       "Type=oneshot\nProtectKernelTunables=yes\nProtectKernelLogs=yes\nInaccessiblePaths=/etc/image\n")
        tally = {}
        for place, target in (("proc", "/other"), ("proc", "/sys"), ("dev", "/other"), ("sys", "/other"), ("etc", "/other")):
            tally[f"{place} -> {target}"] = race(tree, place, target, 60, "", "victim.service")
        print(f"# {tally}")
        expect_equal(mounts_of(tree.pid), mounts, "mounts of the host")
    expect_equal(sysctls(), before, "kernel variables")


STARTS = 10000
SECONDS = 480  # the bound; 10,000 starts take half a minute on an idle machine


@test
def a_mount_point_that_changes():
    """The class of CVE-2021-30465: a neighbour exchanges a folder of a shared volume with a link while 10,000 containers are started
    that have mounts in it. Never is a directory made or something mounted outside of the container."""
    with Tree("mounts") as tree:
        os.mkdir(tree.path("outside"))
        before = mounts_of(tree.pid)
        for number, target in enumerate(("/mnt/outside", "../../../../../mnt/outside", "/proc/1/root/mnt/outside")):
            for folder in (f"data/v{number}/place/deep", f"data/inner{number}"):
                os.makedirs(tree.path(folder))
            os.symlink(target, tree.path(f"data/v{number}/link"))
            tree.unit(f"racer{number}.service", f"[Service]\nType=exec\nExecStart=@GUEST@ swap @DIR@/data/v{number}/place @DIR@/data/v{number}/link\n")
            tree.unit(f"victim{number}.service",
                      f"{NO_LIMIT}[Container]\nImage=@IMAGE@\nNetwork=host\nVolume=@DIR@/data/v{number}:/volume\n"
                      f"Volume=@DIR@/data/inner{number}:/volume/place/deep\nTmpfs=/volume/place/new{number}\nMask=/volume/place/deep/secret\n"
                      "Exec=/guest absent /bin/svc-init /mnt/bin\n[Service]\nType=exec\nRestart=always\nRestartSec=0\n")
        tree.start(*[f"racer{number}.service" for number in range(3)])
        tree.svcctl("start", *[f"victim{number}.service" for number in range(3)])

        def starts():
            time.sleep(0.5)
            expect_equal(os.listdir(tree.path("outside")), [], "outside of the container")
            return sum(int(tree.show(f"victim{number}.service", "NRestarts")) for number in range(3)) >= STARTS
        wait_for(starts, f"{STARTS} starts", SECONDS)
        for number in range(3):
            expect(int(tree.show(f"victim{number}.service", "NRestarts")) > STARTS // 10, f"victim{number}.service was hardly started")
            expect(tree.show(f"victim{number}.service", "ExecMainStatus") in ("0", "226"), tree.tell(f"victim{number}.service"))
        tree.good("stop", *[f"{kind}{number}.service" for kind in ("victim", "racer") for number in range(3)])
        expect_equal(mounts_of(tree.pid), before, "mounts of the host")
        expect_equal(os.listdir(tree.path("outside")), [], "outside of the container")
        for number in range(3):
            expect(not os.listdir(tree.path(f"data/inner{number}")), "something was made in the mounted folder")


@test
def a_volume_in_the_place_of_proc():
    """A folder that looks like procfs, mounted over /proc: nothing is read or written there on the container's behalf (CVE-2019-16884,
    CVE-2019-19921)."""
    with Tree("proc") as tree:
        for name in ("attr/exec", "attr/current", "attr/apparmor/exec", "oom_score_adj", "uid_map", "gid_map", "setgroups", "timens_offsets",
                     "coredump_filter", "ns/user"):
            for folder in ("self", "1", "thread-self"):
                path = tree.path("data", "volume", folder, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w") as file:
                    file.write("untouched\n")
        for number, lines in enumerate(("", "UserNS=auto\n", "User=www-data\n")):
            for target in ("/proc", "/proc/self", "/proc/1"):
                unit = f"box{number}{target.replace('/', '-')}.service"
                container(tree, unit, "refused mount", f"{lines}Volume=@DIR@/data/volume:{target}\n",
                          "Type=oneshot\nOOMScoreAdjust=100\nNoNewPrivileges=yes\nBoottimeOffsetSec=1h\n")
                good, status, told = outcome(tree, unit)
                expect(good or status == "226", told)
        for folder, _, names in os.walk(tree.path("data", "volume")):
            for name in names:
                with open(os.path.join(folder, name)) as file:
                    expect_equal(file.read(), "untouched\n", os.path.join(folder, name))


# --- who one is ---------------------------------------------------------------------------------------------

@test
def names_that_are_no_users():
    """`User=0day` was once root (CVE-2017-1000082); an overflowing number is none either."""
    with Tree("users") as tree:
        number = 0
        for value in ("0day", "-1", "4294967295", "4294967296", "18446744073709551616", "65535", "0x0", "+0", "00day", "root:root", "a b",
                      "nosuchuser", "99999999999999999999", "1.0", "../root", "%n"):
            for section, key in (("Service", "User"), ("Service", "Group"), ("Service", "SupplementaryGroups"), ("Container", "User")):
                if section == "Container":
                    text = f"[Container]\nImage=@IMAGE@\n{key}={value}\nExec=/guest write /ran x\n"
                else:
                    text = f"[Service]\nType=oneshot\n{key}={value}\nExecStart=@GUEST@ write @DIR@/data/ran x\n"
                number += 1
                tree.unit(f"user{number}.service", text)
                result = tree.svcctl("start", f"user{number}.service")
                expect(result.returncode != 0, f"[{section}] {key}={value} was taken")
        expect(not tree.exists("data", "ran"), "one ran")


@test
def groups_are_exact():
    """No group of who started svc-init, no group that the user lacks, and none can be given up to get past a group that is denied."""
    with Tree("groups", before=("setpriv", "--groups=4,24,1000")) as tree:
        container(tree, "root.service", "groups none -- capabilities inheritable=none")
        container(tree, "user.service", "groups none -- capabilities inheritable=none ambient=none effective=none", "User=www-data\n")
        container(tree, "mapped.service", "groups none -- capabilities inheritable=none", "UserNS=auto\n")
        tree.service("plain.service", "groups 4 -- capabilities inheritable=none effective=none",
                     "Type=oneshot\nUser=www-data\nSupplementaryGroups=adm\n")
        # A file that the group may not read, and everyone else may.
        secret = tree.path("data", "secret")
        with open(secret, "w") as file:
            file.write("secret\n")
        os.chown(secret, 0, 4)
        os.chmod(secret, 0o604)
        tree.service("denied.service", "content @DIR@/data/secret 'Permission denied' -- refused setgroups",
                     "Type=oneshot\nUser=www-data\nSupplementaryGroups=adm\n")
        tree.service("denied-users.service", "content @DIR@/data/secret 'Permission denied' -- refused setgroups",
                     "Type=oneshot\nUser=www-data\nSupplementaryGroups=adm\nPrivateUsers=identity\n")
        tree.start("root.service", "user.service", "mapped.service", "plain.service", "denied.service", "denied-users.service")


@test
def nothing_of_a_dynamic_user_outlives_it():
    """CVE-2019-3843, CVE-2019-3844: neither a set-user-id file nor one of its own can be left where the next owner of the id finds it."""
    with Tree("dynamic") as tree:
        os.mkdir(tree.path("data", "open"))
        os.chmod(tree.path("data", "open"), 0o1777)
        os.makedirs(tree.path("image", "srv", "open"))
        os.chmod(tree.path("image", "srv", "open"), 0o1777)
        refused = "refused chmod-suid -- no-new-privileges 1 -- refused x86-mount ENOSYS"
        tree.service("host.service", f"{refused} -- write-error @DIR@/data/open/left x EROFS -- write /tmp/left x -- write /var/tmp/left x"
                     " -- write ${STATE_DIRECTORY}/left x -- make-suid ${STATE_DIRECTORY}/left EPERM -- make-suid /tmp/left EPERM",
                     "Type=oneshot\nDynamicUser=yes\nStateDirectory=host\n")
        with open(tree.path("data", "open", "left"), "w"):
            pass
        os.chmod(tree.path("data", "open", "left"), 0o666)
        tree.start("host.service")
        uid = os.stat(tree.path("state", "lib", "private", "host", "left")).st_uid
        expect(61184 <= uid <= 65519, f"its files belong to {uid}")
        expect_equal(os.stat(tree.path("state", "lib", "private")).st_mode & 0o777, 0o700, "where they are")
        for folder in ("/tmp", "/var/tmp"):
            expect(not os.path.exists(f"{folder}/left"), f"a file is left in {folder}")
        for folder, _, names in os.walk(tree.directory):
            for name in names:
                status = os.lstat(os.path.join(folder, name))
                expect(not status.st_mode & 0o6000, f"{name} is set-user-id")
                expect(status.st_uid != uid or "private" in folder, f"{folder}/{name} belongs to {uid}")
        # Explicit permission does not help: what DynamicUser= implies is implied.
        tree.service("asks.service", refused, "Type=oneshot\nDynamicUser=yes\nNoNewPrivileges=no\nRestrictSUIDSGID=no\nProtectSystem=no\n")
        tree.start("asks.service")


@test
def exec_is_no_wider_than_the_service():
    checks = ("uid", "33", "--", "gid", "33", "--", "groups", "none", "--", "no-new-privileges", "1", "--", "seccomp", "2", "--", "capabilities",
              "bounding=chown", "effective=chown", "permitted=chown", "--", "refused", "mount", "--", "refused",
              "unshare-user", "--", "uid-map", "0 * 65536", "--", "interfaces", "lo", "--", "descriptors", "0,1,2", "--", "hidden", "/proc/kcore",
              "--", "refused", "setuid-root")
    with Tree("exec-wide") as tree:
        container(tree, "box.service", "notify READY=1 -- forever",
                  "User=www-data\nUserNS=auto\nDropCapability=all\nAddCapability=CAP_CHOWN\nNoNewPrivileges=yes\nNotify=yes\n", "")
        tree.start("box.service")
        result = tree.svcctl("exec", "box.service", "/guest", *checks)
        expect_equal((result.returncode, result.stderr), (0, ""), "exec")


# --- cgroups ------------------------------------------------------------------------------------------------

@test
def the_cgroup_tree_is_out_of_reach():
    """Read-only unless delegated, rooted at the own group, without version 1's release_agent (CVE-2022-0492, CVE-2023-25809)."""
    with Tree("cgroups") as tree:
        for number, lines in enumerate(("", "UserNS=auto\n", STRONGEST)):
            container(tree, f"box{number}.service",
                      "cgroup / -- read-only /sys/fs/cgroup -- open-error /sys/fs/cgroup/cgroup.procs w E*"
                      " -- absent /sys/fs/cgroup/release_agent /sys/fs/cgroup/notify_on_release /sys/fs/cgroup/unified"
                      " /sys/fs/cgroup/../cgroup/system.slice", lines)
            tree.start(f"box{number}.service")
        container(tree, "delegated.service", "cgroup / -- cgroup-delegated -- absent /sys/fs/cgroup/release_agent /sys/fs/cgroup/system.slice",
                  "", "Type=oneshot\nDelegate=yes\n")
        tree.service("user.service", f"cgroup-delegated -- write-error {tree.cgroup}/cgroup.procs 0 EACCES"
                     f" -- write-error {tree.cgroup}/system.slice/cgroup.procs 0 EACCES",
                     "Type=oneshot\nDelegate=yes\nUser=www-data\n")
        tree.start("delegated.service", "user.service")


# --- system calls -------------------------------------------------------------------------------------------

@test
def other_tables_of_system_calls():
    """32-bit calls, x32 and clone3 get past no filter."""
    with Tree("tables") as tree:
        container(tree, "box.service", "refused-somehow x86-mount -- refused-somehow x86-unshare-user -- refused-somehow x86-keyctl"
                  " -- refused x32-mount ENOSYS -- refused clone3 ENOSYS -- refused clone-user -- refused unshare-user")
        tree.service("families.service", "refused socket-inet EAFNOSUPPORT -- refused-somehow x86-socket-inet -- refused-somehow x86-socketcall"
                     " -- allowed socket-unix", "Type=oneshot\nRestrictAddressFamilies=AF_UNIX\n")
        tree.service("namespaces.service", "refused unshare-user -- refused clone-user -- refused clone3 ENOSYS -- refused-somehow x86-unshare-user",
                     "Type=oneshot\nRestrictNamespaces=yes\n")
        tree.service("filter.service", "refused mount -- refused-somehow x86-mount -- refused-somehow x32-mount",
                     "Type=oneshot\nSystemCallFilter=~mount\nSystemCallErrorNumber=EPERM\n")
        tree.service("native.service", "refused-somehow x86-mount -- refused-somehow x32-getpid -- refused-somehow x86",
                     "Type=oneshot\nSystemCallArchitectures=native\nSystemCallErrorNumber=EPERM\n")
        tree.start("box.service", "families.service", "namespaces.service", "filter.service", "native.service")


@test
def no_byte_into_a_terminal():
    """TIOCSTI (CVE-2017-5226): no controlling terminal by default, and a container may not even on one it was given."""
    leader, follower = os.openpty()
    try:
        with Tree("tiocsti") as tree:
            tree.service("plain.service", "refused controlling-tty ENXIO", "Type=oneshot")
            container(tree, "box.service", "refused controlling-tty ENXIO -- refused tiocsti -- refused tioclinux")
            tree.start("plain.service", "box.service")
            # The tree has the machine's /dev/pts.
            container(tree, "tty.service", "stream stdin tty -- refused tiocsti -- refused tioclinux", "",
                      f"Type=oneshot\nStandardInput=file:{os.ttyname(follower)}\n")
            good, _, told = outcome(tree, "tty.service")
            expect(good, told)
    finally:
        os.close(leader)
        os.close(follower)


# --- neighbours ---------------------------------------------------------------------------------------------

@test
def abstract_sockets():
    """CVE-2020-15257: they belong to the network namespace. svcd has none, and those of the host are seen with Network=host only."""
    name = f"svcd-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0" + name)
        listener.listen()
        with Tree("abstract") as tree:
            pids = processes_in_namespace(tree.pid_namespace)
            inodes = {match.group(1) for pid in pids for fd in os.listdir(f"/proc/{pid}/fd")
                      if (match := re.match(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}")))}
            with open("/proc/net/unix") as file:
                ours = [line for line in file if len(line.split()) > 7 and line.split()[7].startswith("@") and line.split()[6] in inodes]
            expect_equal(ours, [], "abstract sockets of svcd")
            container(tree, "box.service", f"connect-abstract {name} ECONNREFUSED")
            tree.service("private.service", f"connect-abstract {name} ECONNREFUSED", "Type=oneshot\nPrivateNetwork=yes\n")
            tree.service("shared.service", f"connect-abstract {name} success", "Type=oneshot\n")
            tree.start("box.service", "private.service", "shared.service")


@test
def signals_from_inside():
    """Neither the container's init nor anything outside hears what a container sends."""
    with Tree("signals") as tree:
        tree.service("neighbour.service", "forever", "Type=exec\n")
        tree.start("neighbour.service")
        neighbour, manager = tree.main_process("neighbour.service"), tree.manager_pid()
        for number, lines in enumerate(("", STRONGEST, "User=www-data\n")):
            container(tree, f"box{number}.service", "kill 1 STOP -- kill 1 KILL -- kill -1 KILL -- orphans 100 -- no-zombies", lines)
            tree.start(f"box{number}.service")
        tree.service("user.service", "kill 1 KILL EPERM -- kill 1 STOP EPERM -- kill -1 KILL -- kill -1 STOP", "Type=oneshot\nUser=www-data\n")
        tree.start("user.service")
        # Root without a PID namespace can end everyone, but not svc-init.
        tree.service("root.service", "kill 1 KILL -- kill 1 STOP -- kill 1 ABRT", "Type=oneshot\n")
        tree.start("root.service")
        expect_equal(tree.main_process("neighbour.service"), neighbour, "the neighbour")
        expect_equal(tree.manager_pid(), manager, "the manager")


@test
def the_environment_of_the_manager_stays_outside():
    """What svc-init was started with is no business of a payload (CVE-2025-23266)."""
    os.environ.update(LD_PRELOAD_TEST="x", LD_LIBRARY_PATH="/nonexistent", SVCD_SECRET="s")
    try:
        with Tree("environment") as tree:
            checks = "no-environment LD_PRELOAD_TEST LD_LIBRARY_PATH SVCD_SECRET SVCD_RUNTIME_DIR"
            container(tree, "box.service", checks + " -- notify READY=1 -- forever", "Notify=yes\n", "")
            tree.service("plain.service", checks, "Type=oneshot")
            tree.start("box.service", "plain.service")
            result = tree.svcctl("exec", "box.service", "/guest", *checks.split())
            expect_equal((result.returncode, result.stderr), (0, ""), "exec")
    finally:
        for name in ("LD_PRELOAD_TEST", "LD_LIBRARY_PATH", "SVCD_SECRET"):
            del os.environ[name]


main()
