"""Every pair of isolation settings: the settings, what each is to be seen by, and which combinations there cannot be.

A row is a choice of one value for each key, {key: value's name}. A value brings lines for the unit and guest words for its effect; both may
look at the row, for a setting can change what another one means. rows() makes few rows in which every pair of values that may stand
together does (greedily, and always the same ones)."""
import itertools
import os
import shutil

UID = 33  # www-data, in the image and on the host
# Where everyone may write unless a setting forbids it; relative to where the row's unit finds them (see place()).
OPEN = ("usr/open", "etc/open", "srv", "var/lib/open")


def own_root(row):
    return row["root"] != "host"


def is_container(row):
    return row["root"] in ("image", "layers")


def user_namespace(row):
    return row["users"] != "no"


def is_user(row):
    return row["user"] != "root"


def is_dynamic(row):
    return row["user"] == "dynamic"


def uid(row):
    """As the guest's checks of numbers take it."""
    return {"root": "0", "www-data": str(UID), "dynamic": ">61183"}[row["user"]]


# What DynamicUser= implies.
def system(row):
    return "strict" if is_dynamic(row) else row["system"]


def home(row):
    return "read-only" if is_dynamic(row) and row["home"] == "no" else row["home"]


def private_tmp(row):
    return is_dynamic(row) or row["tmp"] == "yes"


def has_cap(row, name):
    """Whether the payload's bounding set has it, as far as the keys here decide that."""
    return row["caps"] == "default" and not is_user(row) and (not is_container(row) or name in ("chown", "kill", "setuid"))


def own_pids(row):
    return row["pids"] == "yes"


def everything_read_only(row):
    return system(row) == "strict" or row["read_only"] == "yes" or row["root"] == "squashfs"


class Value:
    def __init__(self, name, lines="", checks=(), needs=lambda row: True):
        """LINES of [Service] ("Container." or "Unit." before a line: of that section); CHECKS: guest words, one command each. Both may be a
        function of the row. NEEDS(row) says whether the value may stand in it; keys that have no value yet are missing."""
        self.name, self.lines, self.checks, self.needs = name, lines, checks, needs


def of_row(thing, row):
    return thing(row) if callable(thing) else thing


def needs(**wanted):
    """That these keys, where they are chosen already, have one of these values."""
    return lambda row: all(key not in row or row[key] in values for key, values in wanted.items())


def check_system(row):
    """What ProtectSystem= and a read-only root leave writable, in a root where everyone may write everywhere."""
    if not own_root(row):
        # The machine's own folders are looked at, never written to.
        protected = {"no": (), "yes": ("/usr",), "full": ("/usr", "/etc"), "strict": ("/usr", "/etc", "/", "/var", "/mnt/data/open")}[system(row)]
        return [f"read-only {' '.join(protected)}"] if protected else ["writable /mnt/data/open"] if row["read_only"] == "no" else []
    protected = {"no": (), "yes": ("usr/open",), "full": ("usr/open", "etc/open"), "strict": OPEN}[system(row)]
    if row["read_only"] == "yes" or row["root"] == "squashfs":
        protected = OPEN
    if row["extension"] != "no":
        protected = tuple({*protected, "usr/open"})
    rest = [name for name in OPEN if name not in protected]
    return ([f"read-only {' '.join('/' + name for name in protected)}"] if protected else []) + \
           ([f"writable {' '.join('/' + name for name in rest)}"] if rest else [])


def check_tmp(row):
    if private_tmp(row):
        return ["absent @OUTSIDE@", "writable /tmp /var/tmp", "mode /tmp 01777", "mode /var/tmp 01777"]
    if not own_root(row):
        return ["present @OUTSIDE@"]
    # A container has its own; one that is only a directory has what is there.
    return ["mode /tmp 01777", "read-only /tmp" if everything_read_only(row) and not is_container(row) else "writable /tmp"]


def check_home(row):
    if home(row) == "yes":
        return ["inaccessible /home /root"]
    if home(row) == "tmpfs":
        return ["absent /home/anna /root/key"]
    if not own_root(row) or is_user(row):
        return ["read-only /home"] if home(row) == "read-only" else []
    checks = ["content /home/anna/letter secret"]
    return checks + ["read-only /home/anna /root"] if home(row) == "read-only" else checks


def check_users(row):
    uid_maps = {
        "self": "0 0 1, * * 1" if is_user(row) else "0 0 1",
        "identity": "0 0 65536",
        "full": "0 0 1, 1 1 4294967294",
        "auto": "0 * 65536",
        "map": "0 200000 65536",
        "keep": "0 1 1000, 1000 0 1, 1001 1001 64535",
        "no": "0 0 4294967295",
    }
    kept = "is" if row["users"] == "no" else "differs"
    return [f"namespace user {kept} @NS_user@", f"uid-map '{uid_maps[row['users']]}'", f"gid-map '{uid_maps[row['users']]}'"]


def check_volume(row):
    place = "/volume" if own_root(row) else "/mnt/volume"
    if row["volume"] == "no":
        return [f"absent {place}/letter"]
    # Files of root are root's inside, whatever the map; with keep-id they are the one's who is root outside.
    owner = 1000 if row["users"] == "keep" else 0
    checks = [f"content {place}/letter volume", f"owner {place}/letter {owner} {owner}"]
    # A mount that was asked for by name is an exception from what the whole tree is.
    return checks + [f"{'read-only' if row['volume'] == 'ro' else 'writable'} {place}"]


# Settings that a system call filter enforces: for a payload without CAP_SYS_ADMIN they imply NoNewPrivileges=.
FILTERS = ("landlock", "filter", "devices", "namespaces", "suid", "write_execute", "kernel", "clock", "hostname", "families", "personality", "realtime", "native")


def check_no_new_privileges(row):
    implied = row["nnp"] == "yes" or is_dynamic(row) or any(row[key] != "no" for key in FILTERS) and not may_admin(row)
    return [f"no-new-privileges {int(implied)}"]


def may_admin(row):
    """CAP_SYS_ADMIN is left to the payload."""
    return row["caps"] == "default" and not is_user(row) and not is_container(row)


def check_caps(row):
    lost = (["mknod", "sys_rawio"] if row["devices"] == "yes" and not is_container(row) else []) + (["syslog"] if row["kernel"] == "yes" else []) + \
        (["sys_module"] if row["kernel"] == "yes" else []) + (["sys_time"] if row["clock"] == "yes" else [])
    without = "".join(f",-{name}" for name in lost)
    if row["caps"] == "few":
        return ["capabilities bounding=chown,net_bind_service effective=" + ("net_bind_service" if is_user(row) else "chown,net_bind_service")
                + (" ambient=net_bind_service inheritable=net_bind_service")]
    return [f"capabilities bounding=+chown,+kill{without} ambient=none inheritable=none" + (" effective=none permitted=none" if is_user(row) else "")]


def check_proc(row):
    if row["proc"] == "default":
        return ["present /proc/1 /proc/self/status"]
    if own_pids(row) and row["init"] == "no":
        # The payload itself; what enters has a Landlock domain of its own, which may not trace it.
        return ["present /proc/self/status" if row["landlock"] == "yes" else "present /proc/1"]
    # PID 1 is root's; who may trace it sees it all the same.
    return ["absent /proc/1", "present /proc/self/status"] if is_user(row) else ["present /proc/self/status"]


def check_cgroups(row):
    value = row["cgroups"]
    private = value in ("private", "strict")
    checks = [f"namespace cgroup {'differs' if private else 'is'} @NS_cgroup@"]
    if private:
        checks.append("cgroup /")
    if value in ("yes", "strict"):
        checks.append("read-only /sys/fs/cgroup")
    return checks


KEYS = {
    "root": (
        Value("host", "", ("present /mnt/bin/svc-init",)),
        Value("directory", "RootDirectory=@DIR@/pairs\nMountAPIVFS=yes\n", ("absent /mnt/bin", "content /etc/image lower", "filesystem /proc proc")),
        Value("squashfs", "RootImage=@DIR@/pairs.squashfs\nMountAPIVFS=yes\n",
              ("absent /mnt/bin", "content /etc/image lower", "read-only / /srv /usr/open"), needs(state=("no",), runtime=("no",))),
        Value("ephemeral", "RootDirectory=@DIR@/pairs\nRootEphemeral=yes\nMountAPIVFS=yes\n",
              lambda row: ["absent /mnt/bin", "content /etc/image lower"] + ([] if everything_read_only(row) else ["absent /srv/made", "touch /srv/made"])),
        Value("image", "Container.Image=@DIR@/pairs\n", ("absent /mnt/bin", "content /etc/image lower", "filesystem / overlay")),
        Value("layers", "Container.Image=@DIR@/layer:@DIR@/pairs\n", ("absent /mnt/bin", "content /over upper", "content /etc/image lower")),
    ),
    "users": (
        Value("no", lambda row: "Container.UserNS=host\n" if is_container(row) else "", check_users),
        Value("self", "PrivateUsers=self\n", check_users),
        Value("identity", "PrivateUsers=identity\n", check_users),
        Value("full", "PrivateUsers=full\n", check_users),
        Value("auto", "Container.UserNS=auto\n", check_users, needs(root=("image", "layers"))),
        Value("map", "Container.UIDMap=0:200000:65536\nContainer.GIDMap=0:200000:65536\n", check_users, needs(root=("image", "layers"))),
        # Without User= it would be run as the one who is kept.
        Value("keep", lambda row: "Container.UserNS=keep-id:uid=1000,gid=1000\n" + ("User=root\n" if row["user"] == "root" else ""), check_users,
              needs(root=("image", "layers"))),
    ),
    "user": (
        Value("root", "", (f"uid 0", "gid 0")),
        Value("www-data", "User=www-data\n", (f"uid {UID}", f"gid {UID}", "groups none")),
        Value("dynamic", "DynamicUser=yes\n", ("uid >61183", "uid <65520", "gid >61183", "groups none", "environment USER=*")),
    ),
    "pids": (
        Value("no", "PrivatePIDs=no\n", ("namespace pid is @NS_pid@",)),
        Value("yes", "PrivatePIDs=yes\n", lambda row: ["namespace pid differs @NS_pid@", "processes <4"]
              + (["pid 1"] if row["init"] == "no" else ["init svc-init"] if row["proc"] == "default" else [])),
    ),
    "init": (
        Value("yes", "", ()),
        Value("no", "Init=no\n", (), needs(pids=("yes",))),
    ),
    "network": (
        Value("no", lambda row: "Container.Network=host\n" if is_container(row) else "", ("namespace net is @NS_net@",)),
        Value("yes", lambda row: "Container.Network=none\n" if is_container(row) else "PrivateNetwork=yes\n",
              lambda row: ["namespace net differs @NS_net@", "interfaces lo"] + (["interface-up lo"] if row["families"] == "no" else [])),
        Value("joined", lambda row: "Unit.JoinsNamespaceOf=peer.service\n" + ("Container.Network=none\n" if is_container(row) else "PrivateNetwork=yes\n"),
              lambda row: ["namespace net is @PEER_net@", "interfaces lo"] + (["interface-up lo"] if row["families"] == "no" else [])),
    ),
    "ipc": (
        Value("no", "PrivateIPC=no\n", ("namespace ipc is @NS_ipc@",)),
        Value("yes", "PrivateIPC=yes\n", ("namespace ipc differs @NS_ipc@",)),
    ),
    "tmp": (
        Value("no", "", check_tmp),
        Value("yes", "PrivateTmp=yes\n", check_tmp),
    ),
    "devices": (
        Value("no", "", lambda row: ["device /dev/null 1:3"]),
        Value("yes", "PrivateDevices=yes\n", ("device /dev/null 1:3", "device /dev/urandom 1:9", "absent /dev/kmsg /dev/mem /dev/loop-control /dev/fuse")),
    ),
    "system": tuple(Value(name, f"ProtectSystem={name}\n", check_system) for name in ("no", "yes", "full", "strict")),
    "home": tuple(Value(name, f"ProtectHome={name}\n", check_home) for name in ("no", "yes", "read-only", "tmpfs")),
    "proc": (
        Value("default", "", check_proc),
        Value("invisible", "ProtectProc=invisible\n", check_proc),
    ),
    "subset": (
        Value("all", "", ("present /proc/meminfo",)),
        Value("pid", "ProcSubset=pid\n", ("absent /proc/meminfo /proc/kallsyms", "present /proc/self/status")),
    ),
    "cgroups": tuple(Value(name, f"ProtectControlGroups={name}\n", check_cgroups) for name in ("no", "yes", "private", "strict")),
    "hostname": (
        Value("no", "ProtectHostname=no\n", lambda row: [] if is_container(row) else ["namespace uts is @NS_uts@"]),
        Value("yes", "ProtectHostname=yes\n", ("namespace uts differs @NS_uts@", "refused sethostname")),
    ),
    "kernel": (
        Value("no", "", ()),
        Value("yes", "ProtectKernelTunables=yes\nProtectKernelModules=yes\nProtectKernelLogs=yes\n",
              lambda row: ["refused syslog", "refused init-module"]
              + ([] if row["subset"] == "pid" else ["open-error /proc/sys/kernel/hostname w E*"])),
    ),
    "clock": (
        Value("no", "", ()),
        Value("yes", "ProtectClock=yes\n", ("refused adjtimex",)),
    ),
    "time": (
        Value("no", "", ("namespace time is @NS_time@",)),
        Value("yes", "BoottimeOffsetSec=1h\n", ("namespace time differs @NS_time@", "time-offset boottime 3600")),
    ),
    "nnp": (
        Value("no", "NoNewPrivileges=no\n", check_no_new_privileges),
        Value("yes", "NoNewPrivileges=yes\n", check_no_new_privileges),
    ),
    "filter": (
        Value("no", "", ("allowed mkdir",)),
        Value("yes", "SystemCallFilter=~mkdir\nSystemCallErrorNumber=EPERM\n", ("refused mkdir", "seccomp 2")),
    ),
    "namespaces": (
        Value("no", "", ()),
        Value("yes", "RestrictNamespaces=yes\n", ("refused unshare-user", "refused clone-user", "refused unshare-net")),
    ),
    "suid": (
        Value("no", "", lambda row: ["refused chmod-suid"] if is_dynamic(row) else ["allowed chmod-suid"]),
        Value("yes", "RestrictSUIDSGID=yes\n", ("refused chmod-suid", "allowed chmod")),
    ),
    "write_execute": (
        Value("no", "", ("allowed write-exec",)),
        Value("yes", "MemoryDenyWriteExecute=yes\n", ("refused write-exec", "refused make-exec")),
    ),
    "families": (
        Value("no", "", ("allowed socket-inet socket-unix",)),
        Value("yes", "RestrictAddressFamilies=AF_UNIX\n", ("refused socket-inet EAFNOSUPPORT", "refused socket-netlink EAFNOSUPPORT", "allowed socket-unix")),
    ),
    "personality": (
        Value("no", "", ("allowed personality",)),
        Value("yes", "LockPersonality=yes\n", ("refused personality",)),
    ),
    "realtime": (
        Value("no", "", ()),
        Value("yes", "RestrictRealtime=yes\n", ("refused sched-realtime",)),
    ),
    "native": (
        Value("no", "", ()),
        Value("yes", "SystemCallArchitectures=native\n", ("refused-somehow x86", "refused-somehow x86-socketcall", "refused-somehow x32-getpid")),
    ),
    "caps": (
        Value("default", "", check_caps),
        Value("few", "CapabilityBoundingSet=CAP_CHOWN CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n", check_caps),
    ),
    "volume": (
        Value("no", "", check_volume),
        Value("rw", lambda row: volume_line(row, False), check_volume),
        Value("ro", lambda row: volume_line(row, True), check_volume),
    ),
    "read_only": (
        Value("no", "", ()),
        Value("yes", lambda row: "Container.ReadOnly=yes\n" if is_container(row) else "ReadOnlyPaths=/\n", ("read-only /usr /etc /",)),
    ),
    "hidden": (
        Value("no", "", ("present /opt",)),
        Value("path", "InaccessiblePaths=/opt\n", ("inaccessible /opt",)),
        Value("tmpfs", "TemporaryFileSystem=/opt:mode=1777\n", lambda row: ["filesystem /opt tmpfs"]),
    ),
    "noexec": (
        Value("no", "", ()),
        Value("yes", lambda row: f"NoExecPaths={'/srv' if own_root(row) else '/mnt/data'}\n",
              lambda row: [f"not-executable {'/srv' if own_root(row) else '/mnt/data'}/guest"]),
    ),
    "extension": (
        Value("no", "", ("absent /usr/extended",)),
        Value("directory", "ExtensionDirectories=@DIR@/extension\n", ("content /usr/extended yes", "filesystem /usr overlay", "read-only /usr")),
        Value("image", "ExtensionImages=@DIR@/extension.raw\n", ("content /usr/extended yes", "filesystem /usr overlay", "read-only /usr")),
    ),
    "delegate": (
        Value("no", "", ()),
        Value("yes", "Delegate=yes\n", lambda row: ["cgroup-delegated"] if row["cgroups"] in ("no", "private") and row["filter"] == "no" else []),
    ),
    "landlock": (
        Value("no", "", ()),
        Value("yes", "LandlockConnectTCP=1\n", lambda row: ["connect 9 EACCES"] if row["families"] == "no" else []),
    ),
    "credential": (
        Value("no", "", ("no-environment CREDENTIALS_DIRECTORY",)),
        Value("yes", "SetCredential=token:word\n", ("content ${CREDENTIALS_DIRECTORY}/token word", "read-only ${CREDENTIALS_DIRECTORY}"),
              lambda row: row.get("root") != "squashfs"),  # whose root has no place for it: here it is not in /run
    ),
    "state": (
        Value("no", "", ("no-environment STATE_DIRECTORY",)),
        Value("yes", "StateDirectory=%N\n", lambda row: [f"owner ${{STATE_DIRECTORY}} {uid(row)} {uid(row)}",
                                                         "writable ${STATE_DIRECTORY}"]),
    ),
    "runtime": (
        Value("no", "", ("no-environment RUNTIME_DIRECTORY",)),
        Value("yes", "RuntimeDirectory=%N\n", lambda row: [f"owner ${{RUNTIME_DIRECTORY}} {uid(row)} {uid(row)}",
                                                           "writable ${RUNTIME_DIRECTORY}"]),
    ),
}


if not os.path.exists("/dev/loop-control") or not shutil.which("mksquashfs", path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
    KEYS["root"] = tuple(value for value in KEYS["root"] if value.name != "squashfs")
    KEYS["extension"] = tuple(value for value in KEYS["extension"] if value.name != "image")


def volume_line(row, read_only):
    if is_container(row):
        return f"Container.Volume=@DIR@/data/volume:/volume{':ro' if read_only else ''}\n"
    return f"Bind{'ReadOnly' if read_only else ''}Paths=@DIR@/data/volume:{'/volume' if own_root(row) else '/mnt/volume'}\n"


# Combinations that are refused, and what must be said: (what the row is like, regex). They are looked at apart from the rows.
REFUSED = (
)


def value_of(row, key):
    return next(value for value in KEYS[key] if value.name == row[key])


def allowed(row):
    """Whether all values of a (partial) row may stand together."""
    return all(value_of(row, key).needs(row) for key in row)


ORDER = {key: number for number, key in enumerate(KEYS)}


def combinations(strength):
    """Every choice of values for so many keys that may stand together, as a tuple of (key, value's name) in the order of the keys."""
    return {choice for keys in itertools.combinations(KEYS, strength)
            for choice in itertools.product(*([(key, value.name) for value in KEYS[key]] for key in keys)) if allowed(dict(choice))}


def combinations_of(row, strength):
    return set(itertools.combinations([(key, row[key]) for key in KEYS], strength))


def complete(row, missing, strength):
    """The row with a value for every key, each the one that brings most of what is still missing."""
    row = dict(row)
    for key in KEYS:
        if key in row:
            continue
        others = [(other, row[other]) for other in KEYS if other in row]
        best, best_gain = None, -1
        for value in KEYS[key]:
            if not allowed({**row, key: value.name}):
                continue
            gain = sum(tuple(sorted((*rest, (key, value.name)), key=lambda item: ORDER[item[0]])) in missing
                       for rest in itertools.combinations(others, strength - 1))
            if gain > best_gain:
                best, best_gain = value.name, gain
        if best is None:
            return None
        row[key] = best
    return {key: row[key] for key in KEYS}


def rows(strength=2):
    missing, result = combinations(strength), []
    while missing:
        first = min(missing)
        row = complete(dict(first), missing, strength)
        if row is None:  # they may not stand together with any value of another key
            missing.discard(first)
            continue
        result.append(row)
        missing -= combinations_of(row, strength)
    return result


def unit(row, checks):
    """The unit file of a row, whose payload makes CHECKS."""
    sections = {"Unit": [], "Container": [], "Service": []}
    for key in KEYS:
        for line in of_row(value_of(row, key).lines, row).splitlines():
            section, dot, rest = line.partition(".")
            known = dot and section in sections
            sections[section if known else "Service"].append(rest if known else line)
    container, service = sections["Container"], sections["Service"]
    command = " -- ".join(checks)
    if is_container(row):
        container.append(f"Exec=/guest {command}")
    else:
        service.append(f"ExecStart={'/guest' if own_root(row) else '@GUEST@'} {command}")
    return ("[Unit]\n" + "\n".join(sections["Unit"]) + "\n" if sections["Unit"] else "") + ("[Container]\n" + "\n".join(container) + "\n" if container else "") + "[Service]\nType=oneshot\n" + "\n".join(service) + "\n"


def checks_of(row, entered=False):
    """ENTERED: those that hold for a process that joins the service, too, whose command line nobody expands."""
    checks = [check for key in KEYS for check in of_row(value_of(row, key).checks, row)]
    return [check for check in checks if not entered or ("@OUTSIDE@" not in check and "$" not in check and not check.startswith("pid "))]


def tell(row):
    """As a person would write it: what differs from the first value of each key."""
    return " ".join(f"{key}={row[key]}" for key in KEYS if row[key] != KEYS[key][0].name) or "nothing"
