"""What each directive does, seen from inside: every unit in behaviour/ is a oneshot whose command is the guest with checks, so
that a unit that starts well has shown its directive's effect. One tree runs them all."""
import os
import re

from behaviour_files import make_files
from svcd_test import expect, expect_equal, main, test
from tree import Tree, cgroup_mount

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "behaviour")

# Controllers that this machine may lack: a limit that cannot be enforced must stop the unit. tests/vm shows the effects.
LIMITS = {
    "memory": ("MemoryMax=64M", "MemoryHigh=64M", "MemoryLow=1M", "MemoryMin=1M", "MemorySwapMax=0", "MemoryZSwapMax=0",
               "MemoryZSwapWriteback=no", "OOMPolicy=kill", "Delegate=memory"),
    "cpu": ("CPUWeight=200", "CPUWeight=idle", "CPUQuota=20%", "Delegate=cpu io"),
    "cpuset": ("AllowedCPUs=0", "AllowedMemoryNodes=0", "CPUSetPartition=root"),
    "pids": ("TasksMax=100", "TasksMax=10%"),
    "io": ("IOWeight=200", "IOReadBandwidthMax=/ 1M", "IODeviceLatencyTargetSec=/ 25ms"),
    "hugetlb": ("HugeTLBMax=2M 1M", "HugeTLBReservedMax=2M 1M"),
    "rdma": ("RDMAHandlesMax=mlx5_0 2", "RDMAObjectsMax=mlx5_0 2"),
    "misc": ("MiscMax=sev 1",),
}

_tree = None


def the_tree():
    """Started by the first case that needs it, ended by the last case."""
    global _tree
    if not _tree:
        os.environ.update(TREE_PASSED="passed", TREE_KEPT="kept")
        tree = Tree("behaviour").__enter__()
        make_files(tree.directory)
        _tree = tree
    return _tree


def behaves(name):
    def case():
        tree = the_tree()
        with open(os.path.join(HERE, name)) as file:
            tree.unit(name, file.read().replace("@OUTSIDE@", tree.directory))
        tree.start(name)
        tree.expect_show(name, Result="success", ExecMainStatus="0")
    case.__name__ = name.rpartition(".")[0].replace("-", "_")
    return case


for _name in sorted(os.listdir(HERE)):
    test(behaves(_name))


SECCOMP_PROFILE = """{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13, "syscalls": [
    {"names": ["access", "arch_prctl", "brk", "capget", "clone", "clone3", "close", "execve", "exit", "exit_group", "fork", "fstat", "futex",
               "getpid", "getrandom", "getuid", "ioctl", "mmap", "mprotect", "munmap", "newfstatat", "openat", "prctl", "prlimit64", "read",
               "readlink", "readlinkat", "rseq", "rt_sigaction", "rt_sigprocmask", "set_robust_list", "set_tid_address", "uname", "umask",
               "wait4", "write"], "action": "SCMP_ACT_ALLOW"},
    {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]},
    {"names": ["mkdir"], "action": "SCMP_ACT_KILL_PROCESS"},
    {"names": ["chroot"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_CHROOT"]}}]}
"""


@test
def seccomp_profiles():
    # directive: Container.SeccompProfile
    tree = the_tree()
    with open(tree.path("profile.json"), "w") as file:
        file.write(SECCOMP_PROFILE)
    text = "[Container]\nImage=@IMAGE@\nSeccompProfile=@DIR@/profile.json\n{}Exec=/guest {}\n[Service]\nType=oneshot\n"
    checks = "no-new-privileges 0 -- refused mount EACCES -- refused mkdir SIGSYS -- allowed socket-inet -- refused socket-unix EACCES"
    tree.unit("profile.service", text.format("", checks + " -- allowed chroot"))
    tree.start("profile.service")
    # Another user, who never had CAP_SYS_ADMIN, and a root without a capability.
    tree.unit("profile-user.service", text.format("User=33\nDropCapability=all\n",
                                                  checks + " -- refused chroot EACCES -- capabilities permitted=none bounding=none"))
    tree.start("profile-user.service")
    # The file is read at every start.
    with open(tree.path("profile.json"), "w") as file:
        file.write(SECCOMP_PROFILE.replace('"SCMP_CMP_EQ"', '"SCMP_CMP_LIKE"'))
    result = tree.svcctl("start", "profile.service")
    told = result.stderr + tree.svcctl("status", "profile.service").stdout
    expect_equal(result.returncode, 1, told)
    expect("profile.service:3" in told and "SeccompProfile=" in told and "profile.json: syscalls[1].args[0].op: this is no" in told, told)
    tree.expect_show("profile.service", ExecMainStatus="228")


@test
def landlock_scopes():
    # directive: Service.LandlockScope
    tree = the_tree()
    tree.service("outside.service", "listen-abstract svcd-test-scope", "Type=exec\n")
    tree.start("outside.service")
    checks = "attempt abstract-socket svcd-test-scope {} -- attempt signal 1 {}"
    for name, scope, result in (("free", "", "success success"), ("scoped", "LandlockScope=abstract-unix-socket signal\n", "EPERM EPERM"),
                                ("half", "LandlockScope=signal\n", "success EPERM")):
        tree.service(f"scope-{name}.service", checks.format(*result.split()), f"Type=oneshot\n{scope}")
        tree.start(f"scope-{name}.service")
    # The container's init still hands on what stops it.
    tree.service("scope-init.service", "await-signal TERM", "Type=exec\nPrivatePIDs=yes\nLandlockScope=signal\n")
    tree.start("scope-init.service")
    tree.good("stop", "scope-init.service", "outside.service")
    tree.expect_show("scope-init.service", Result="success", ExecMainStatus="0")


@test
def landlock_of_a_missing_path():
    tree = the_tree()
    tree.service("landlock-missing.service", "print", "Type=oneshot\nLandlockRead=/usr @GUEST@\nLandlockRead=/usr /nonexistent\n")
    result = tree.svcctl("start", "landlock-missing.service")
    told = result.stderr + tree.svcctl("status", "landlock-missing.service").stdout
    expect(result.returncode == 1 and "landlock-missing.service:5" in told and "/nonexistent" in told, told)
    tree.expect_show("landlock-missing.service", ExecMainStatus="226")


@test
def labels_without_their_module_are_refused():
    # directive: Service.AppArmorProfile Service.SELinuxContext Service.SmackProcessLabel Container.AppArmor Container.SecurityLabelType
    # directive: Container.SecurityLabelLevel Container.SecurityLabelFileType Container.SecurityLabelNested Container.SecurityLabelDisable
    tree = the_tree()
    with open("/proc/filesystems") as file:
        text = file.read()
    active = {"SELinux": "selinuxfs" in text, "Smack": "smackfs" in text, "AppArmor": os.path.exists("/sys/module/apparmor")}
    container = "[Container]\nImage=@IMAGE@\n{}\nExec=/guest print\n[Service]\nType=oneshot\n"
    service = "[Service]\nType=oneshot\nExecStart=@GUEST@ print\n{}\n"
    for number, (text, line, status, module) in enumerate(((service, "AppArmorProfile=web", 231, "AppArmor"), (service, "SELinuxContext=a:b:c", 229, "SELinux"),
                                       (service, "SmackProcessLabel=web", 236, "Smack"), (container, "AppArmor=web", 231, "AppArmor"),
                                       (container, "SecurityLabelType=spc_t", 229, "SELinux"),
                                       (container, "SecurityLabelLevel=s0:c1,c2", 229, "SELinux"),
                                       (container, "SecurityLabelFileType=usr_t", 229, "SELinux"),
                                       (container, "SecurityLabelNested=yes", 229, "SELinux"))):
        if active[module]:
            continue
        unit = f"label-{number}.service"
        tree.unit(unit, text.format(line))
        result = tree.svcctl("start", unit)
        told = result.stderr + tree.svcctl("status", unit).stdout
        expect_equal(result.returncode, 1, f"{line}: {told}")
        expect(f"{module} is not active in this kernel" in told and line.partition("=")[0] in told, f"{line}: {told}")
        tree.expect_show(unit, ExecMainStatus=str(status))
        # Where errors do not matter, or nothing is asked for.
        tree.unit(unit, text.format(line.replace("=", "=-", 1) if text is service else "SecurityLabelDisable=yes"))
        tree.good("daemon-reload")
        tree.start(unit)


@test
def a_command_inside_may_do_what_its_service_may():
    tree = the_tree()
    tree.service("inside.service", "forever", "Type=exec\nPrivatePIDs=yes\nCapabilityBoundingSet=CAP_KILL CAP_CHOWN\nSystemCallFilter=~swapon\n"
                 "SystemCallErrorNumber=ENOANO\nLandlockBindTCP=none\nProtectKernelLogs=yes\nSecureBits=no-setuid-fixup\nCPUAffinity=0\n")
    tree.start("inside.service")
    checks = ("capabilities bounding=kill,chown permitted=kill,chown inheritable=none ambient=none -- refused swapon ENOANO -- attempt bind 4000 EACCES"
              " -- refused syslog -- secure-bits 0x4 -- cpus 0 -- no-new-privileges 1 -- keyring own")
    tree.good("exec", "inside.service", "--", "/mnt/guest", *checks.split())
    checks = ("capabilities permitted=+sys_admin,+syslog,+sys_module inheritable=none -- allowed swapon syslog -- attempt bind 4000 success"
              " -- secure-bits 0 -- seccomp 0 -- no-new-privileges 0 -- cpus 0")
    tree.good("exec", "--privileged", "inside.service", "--", "/mnt/guest", *checks.split())
    tree.good("stop", "inside.service")


@test
def attributes_that_the_kernel_refuses():
    tree = the_tree()
    for number, (lines, directive, status) in enumerate((("CPUAffinity=4000", "CPUAffinity", 215),
                                                         ("NUMAPolicy=bind\nNUMAMask=63", "NUMAPolicy", 242),
                                                         ("CPUAffinity=numa", "CPUAffinity", 215),
                                                         ("SystemCallFilter=@nonsense", "SystemCallFilter", 228),
                                                         ("SystemCallArchitectures=z80", "SystemCallArchitectures", 228),
                                                         ("CapabilityBoundingSet=62", "CapabilityBoundingSet", 218))):
        unit = f"kernel-refuses-{number}.service"
        tree.service(unit, "print", f"Type=oneshot\n{lines}\n")
        result = tree.svcctl("start", unit)
        told = result.stderr + tree.svcctl("status", unit).stdout
        expect(result.returncode == 1 and f"{unit}:4: {directive}=" in told, f"{lines}: {told}")
        tree.expect_show(unit, ExecMainStatus=str(status))


@test
def keyrings():
    # directive: Service.KeyringMode
    tree = the_tree()
    serials = {}
    for mode in ("inherit", "private"):
        for number in (1, 2):
            unit = f"keyring-{mode}-{number}.service"
            tree.service(unit, "print-keyring", f"Type=oneshot\nKeyringMode={mode}\n")
            tree.start(unit)
            serials[mode, number] = re.search(r"keyring (-?\d+)", tree.svcctl("logs", unit).stdout).group(1)
    expect_equal(serials["inherit", 1], serials["inherit", 2], "the inherited session keyring")
    expect(len({serials["inherit", 1], serials["private", 1], serials["private", 2]}) == 3, f"private session keyrings: {serials}")


@test
def limits_without_a_controller_are_refused():
    tree = the_tree()
    with open(os.path.join(cgroup_mount() or "/nonexistent", "cgroup.controllers")) as file:
        there = file.read().split()
    for controller, lines in LIMITS.items():
        if controller in there:
            continue
        for number, line in enumerate(lines):
            unit = f"{controller}-{number}.service"
            tree.service(unit, "forever", f"Type=exec\n{line}\n")
            result = tree.svcctl("start", unit)
            told = result.stderr + tree.svcctl("status", unit).stdout
            expect_equal(result.returncode, 1, f"{line}: {told}")
            expect(f"{unit}:4" in told and line.partition("=")[0] in told and re.search(rf"\b{controller}\b", told),
                   f"{line} is not refused clearly: {told}")


@test
def a_persistent_upper_layer_stays():
    tree = the_tree()
    # directive: Container.Upper Container.UpperDirectory
    for upper in ("Upper=persistent", "UpperDirectory=@DIR@/data/upper"):
        for checks in ("absent /kept -- write /kept text", "content /kept text"):
            tree.unit("persistent.service", f"[Container]\nImage=@IMAGE@\n{upper}\nExec=/guest {checks}\n[Service]\nType=oneshot\n")
            tree.good("daemon-reload")
            tree.start("persistent.service")
    expect_equal(tree.read("data", "upper", "data", "kept"), "text\n", "the upper directory")
    expect(not tree.exists("image", "kept"), "the lower layer got a file")


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
