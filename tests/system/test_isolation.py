"""Namespaces that are shared, joined or mapped, and who is who in them: what takes more than one unit to show. One tree runs them all."""
import json
import os
import re
import signal

from svcd_test import expect, expect_equal, main, skip, test, wait_for
from tree import INSIDE, Tree, cgroup_mount

_tree = None


def the_tree():
    """Started by the first case that needs it, ended by the last case."""
    global _tree
    if not _tree:
        _tree = Tree("isolation").__enter__()
    return _tree


KINDS = {"NetworkNamespacePath": "net", "IPCNamespacePath": "ipc", "UTSNamespacePath": "uts", "CgroupNamespacePath": "cgroup",
         "TimeNamespacePath": "time", "PIDNamespacePath": "pid", "MountNamespacePath": "mnt", "UserNamespacePath": "user"}


def inside(tree, unit):
    """The main process of a unit and its namespaces, by kind."""
    pid = tree.show(unit, "MainPID")
    return pid, {kind: re.search(r"\[(\d+)\]", tree.run("readlink", f"/proc/{pid}/ns/{kind}").stdout).group(1) for kind in KINDS.values()}


def again(tree, checks, text):
    """guest.service anew: a service with these checks, or a unit of this text."""
    unit = f"[Service]\nExecStart=@GUEST@ {checks}\n{text}" if checks else text
    tree.unit("guest.service", unit + "[Unit]\nStartLimitIntervalSec=0\n")


@test
def joined_namespaces():
    # directive: Service.NetworkNamespacePath Service.IPCNamespacePath Service.UTSNamespacePath Service.CgroupNamespacePath
    # directive: Service.TimeNamespacePath Service.PIDNamespacePath Service.MountNamespacePath Service.UserNamespacePath
    tree = the_tree()
    tree.service("owner.service", "forever", "Type=exec\nPrivateNetwork=yes\nPrivateIPC=yes\nProtectHostname=private:owner\n"
                 "ProtectControlGroups=private\nPrivateTime=yes\nPrivatePIDs=yes\nPrivateMounts=yes\nPrivateUsers=identity\n")
    tree.start("owner.service")
    pid, inodes = inside(tree, "owner.service")
    for name, kind in KINDS.items():
        if kind == "mnt":
            continue  # its /proc is another PID namespace's: below, with that
        again(tree, f"namespace {kind} is {inodes[kind]}", f"Type=oneshot\n{name}=/proc/{pid}/ns/{kind}\n")
        tree.good("daemon-reload")
        tree.start("guest.service")
    paths = "".join(f"{name}=/proc/{pid}/ns/{kind}\n" for name, kind in KINDS.items())
    checks = " -- ".join(f"namespace {kind} is {inode}" for kind, inode in inodes.items())
    again(tree, f"{checks} -- interfaces lo -- hostname owner -- init svc-init -- uid 0", f"Type=oneshot\n{paths}")
    tree.good("daemon-reload")
    tree.start("guest.service")
    # A PID namespace without the mount namespace: a /proc of its own, and a container root that is idmapped.
    again(tree, f"init svc-init -- namespace pid is {inodes['pid']} -- namespace mnt differs {inodes['mnt']}",
                 f"Type=oneshot\nPIDNamespacePath=/proc/{pid}/ns/pid\n")
    tree.good("daemon-reload")
    tree.start("guest.service")
    tree.service("sleeper.service", "forever", f"Type=exec\n{paths}")
    tree.start("sleeper.service")
    tree.good("exec", "sleeper.service", f"{INSIDE}/guest", *checks.split())
    tree.good("stop", "sleeper.service", "owner.service")


@test
def an_image_is_mapped_by_the_user_namespace_that_is_joined():
    tree = the_tree()
    tree.unit("mapped.service", "[Container]\nImage=@IMAGE@\nUserNS=auto\nExec=/guest forever\n")
    tree.good("daemon-reload")
    tree.start("mapped.service")
    pid, inodes = inside(tree, "mapped.service")
    again(tree, None, f"[Container]\nImage=@IMAGE@\nUserNS=ns:/proc/{pid}/ns/user\nVolume=@DIR@/data:/data\nVolume=joined:/named\n"
              f"Exec=/guest namespace user is {inodes['user']} -- owner /data 0 0 -- owner /named 0 0 -- write /data/joined x"
              " -- owner /etc/image 0 0 -- owner /dev 0 0 -- writable /srv -- uid 0 -- interfaces lo\n[Service]\nType=oneshot\n")
    tree.good("daemon-reload")
    tree.start("guest.service")
    expect_equal(os.stat(tree.path("data", "joined")).st_uid, 0, "made inside, on disk")
    tree.good("stop", "mapped.service")


@test
def what_is_no_namespace_is_not_joined():
    tree = the_tree()
    os.mkfifo(tree.path("data", "fifo"))
    for name, path, told in (("UTSNamespacePath", "/proc/self/ns/net", "UTS namespace"), ("TimeNamespacePath", "/etc/passwd", "time namespace"),
                             ("PIDNamespacePath", "@DIR@/data/fifo", "PID namespace"), ("MountNamespacePath", "/nowhere/ns", "/nowhere/ns"),
                             ("UserNamespacePath", "/proc/self/ns/ipc", "user namespace")):
        again(tree, "forever", f"Type=exec\n{name}={path}\n")
        tree.good("daemon-reload")
        result = tree.svcctl("start", "guest.service")
        status = tree.svcctl("status", "guest.service").stdout
        expect(result.returncode == 1 and f"guest.service:4: {name}=" in status and told in status, f"{name}={path}: {status}")
        tree.expect_show("guest.service", ExecMainStatus="226")


@test
def a_container_shares_the_network_of_another():
    # directive: Container.Network Container.ContainerName
    tree = the_tree()
    tree.unit("peer.container", "[Container]\nImage=@IMAGE@\nContainerName=called\nExec=/guest forever\n")
    for network in ("container:peer", "peer.container", "container:systemd-peer", "container:called"):
        tree.good("daemon-reload")
        again(tree, None, f"[Container]\nImage=@IMAGE@\nNetwork={network}\nExec=/guest forever\n")
        tree.good("daemon-reload")
        tree.start("guest.service")  # and with it the other
        expect_equal(inside(tree, "guest.service")[1]["net"], inside(tree, "peer.service")[1]["net"], network)
        expect("peer.service" in tree.show("guest.service", "Requires"), "Requires=")
        tree.good("stop", "peer.service")
        tree.wait_show("guest.service", ActiveState="inactive")
    expect_equal(tree.show("peer.service", "ContainerName"), "called", "ContainerName")


@test
def a_shared_network_and_ids_of_ones_own():
    tree = the_tree()
    for peer, guest in (("host", "auto"), ("auto", "auto"), ("auto", "host"), ("keep-id:uid=5,gid=5", "auto")):
        tree.unit("peer.container", f"[Unit]\nStartLimitIntervalSec=0\n[Container]\nImage=@IMAGE@\nUserNS={peer}\nExec=/guest forever\n")
        again(tree, None, f"[Container]\nImage=@IMAGE@\nNetwork=container:peer\nUserNS={guest}\nVolume=@DIR@/data:/srv\n"
              "Exec=/guest forever\n")
        tree.good("daemon-reload")
        tree.start("guest.service")
        kinds, others = inside(tree, "guest.service")[1], inside(tree, "peer.service")[1]
        expect_equal(kinds["net"], others["net"], f"{guest} in the network of {peer}")
        expect((kinds["user"] != others["user"]) == (peer != "host" or guest != "host"), f"{guest} beside {peer}: user namespaces")
        tree.good("exec", "guest.service", "/guest", *"interfaces lo -- interface-up lo -- owner /srv 0 0 -- owner /dev 0 0 -- uid 0"
                  " -- filesystem /sys sysfs -- read-only /sys".split())
        tree.good("stop", "guest.service", "peer.service")


@test
def a_time_zone_in_the_place_of_a_link_that_leads_nowhere():
    # directive: Container.Timezone
    tree = the_tree()
    zones = "/usr/share/zoneinfo"
    if not os.path.exists(f"{zones}/Asia/Tokyo"):
        skip("no time zones")
    tree.run("cp", "-a", "/mnt/image", "/mnt/zoned")
    for number, link in enumerate(("/usr/share/zoneinfo/Mars/Base", "../nowhere/at/all", "/etc/localtime")):
        place = tree.path("zoned", "etc", "localtime")
        if os.path.lexists(place):
            os.unlink(place)
        os.symlink(link, place)
        for users in ("host", "auto"):
            again(tree, None, f"[Container]\nImage=@DIR@/zoned\nUserNS={users}\nTimezone=Asia/Tokyo\nVolume={zones}:/zones:ro\n"
                  "Exec=/guest same-file /etc/localtime /zones/Asia/Tokyo -- mount-option /etc/localtime ro\n[Service]\nType=oneshot\n")
            tree.good("daemon-reload")
            tree.start("guest.service")


@test
def variables_of_the_machine_stay_as_they_are():
    tree = the_tree()
    for network, line in (("host", "net.ipv4.ip_forward=1"), ("host", "net.core.somaxconn=1")):
        again(tree, None, f"[Container]\nImage=@IMAGE@\nNetwork={network}\nSysctl={line}\nExec=/guest forever\n")
        tree.good("daemon-reload")
        expect_equal(tree.svcctl("start", "guest.service").returncode, 1, line)
        status = tree.svcctl("status", "guest.service").stdout
        expect("guest.service:4: Sysctl=" in status and "network namespace" in status, status)


@test
def sub_ids_are_those_of_the_files():
    # directive: Container.SubUIDMap Container.SubGIDMap
    tree = the_tree()
    tree.write_host("/etc/subuid", "other:1:2\nsvcd-test:700000:1000\nsvcd-test:800000:64536\n")
    tree.write_host("/etc/subgid", "svcd-test:900000:65536\n")
    again(tree, None, "[Container]\nImage=@IMAGE@\nSubUIDMap=svcd-test\nExec=/guest uid-map '0 700000 1000, 1000 800000 64536'"
              " -- gid-map '0 900000 65536' -- owner /etc/image 0 0 -- owner /home/anna 0 0\n[Service]\nType=oneshot\n")
    tree.good("daemon-reload")
    tree.start("guest.service")
    again(tree, None, "[Container]\nImage=@IMAGE@\nSubUIDMap=svcd-nobody\nExec=/guest forever\n")
    tree.good("daemon-reload")
    expect_equal(tree.svcctl("start", "guest.service").returncode, 1, "an unknown name")
    expect("/etc/subuid has no range" in tree.svcctl("status", "guest.service").stdout, "an unknown name is told")


NOBODY = 65534
# The user namespace, options of the volume, who the container runs as; then what is seen inside of files that belong to 0 and to 1000 on disk,
# and whose on disk a file is that is made inside (a range, where it is the unit's own).
OWNERSHIP = (
    ("UserNS=host", "", 0, 0, 1000, 0),
    ("UserNS=host", "", 1000, 0, 1000, 1000),
    ("UserNS=auto", "", 0, 0, 1000, 0),
    ("UserNS=auto", "", 1000, 0, 1000, 1000),
    ("UserNS=auto:size=2000", "", 1000, 0, 1000, 1000),
    ("UserNS=auto:size=200000", "", 150000, 0, 1000, 150000),
    ("UserNS=nomap", "", 0, NOBODY, NOBODY, range(0x80000, 0x70000000)),
    ("UserNS=nomap", ":idmap", 0, 0, 1000, 0),
    ("UserNS=keep-id", "", 0, 0, 1000, 0),
    ("UserNS=keep-id:uid=1000,gid=1000", "", 1000, 1000, 999, 0),
    ("UserNS=keep-id:uid=1000,gid=1000", ":idmap", 1000, 0, 1000, 1000),
    ("UIDMap=0:200000:65536", "", 0, 0, 1000, 0),
    ("UIDMap=0:200000:65536", "", 1000, 0, 1000, 1000),
    ("UIDMap=0:200000:65536", ":noidmap", 0, NOBODY, NOBODY, 200000),
    ("UIDMap=0:200000:65536", ":idmap", 0, 0, 1000, 0),
    ("UIDMap=0:200000:65536", ":idmap", 1000, 0, 1000, 1000),
    ("UIDMap=0:200000:65536", ":idmap=uids=1000-200000-1;gids=1000-200000-1", 0, NOBODY, 0, 1000),
    ("UIDMap=0:200000:65536", ":idmap=uids=@1000-0-1#0-7-1;gids=@1000-0-1#0-7-1", 0, 7, 0, 1000),
    ("UIDMap=0:0:1\nUIDMap=1:300001:65535", "", 0, 0, 1000, 0),
    ("UIDMap=0:0:1\nUIDMap=1:300001:65535", ":noidmap", 0, 0, NOBODY, 0),
    ("UIDMap=0:200000:65536", ":U", 0, 0, 1000, 0),
    ("UIDMap=0:200000:65536", ":U", 1000, 1000, 1000, 1000),
    ("UIDMap=0:200000:65536", ":U,noidmap", 1000, 1000, 1000, 201000),
    ("UserNS=auto", ":noidmap", 0, NOBODY, NOBODY, range(0x80000, 0x70000000)),
    ("UserNS=auto", ":U", 1000, 1000, 1000, 1000),
    ("UserNS=host", ":U", 1000, 1000, 1000, 1000),
    ("SubUIDMap=svcd-test", "", 0, 0, 1000, 0),
    ("SubUIDMap=svcd-test", ":noidmap", 0, NOBODY, NOBODY, 700000),
    ("SubUIDMap=svcd-test", ":idmap", 1000, 0, 1000, 1000),
)


@test
def who_owns_what():
    # directive: Container.UserNS Container.UIDMap Container.Volume
    tree = the_tree()
    tree.write_host("/etc/subuid", "svcd-test:700000:65536\n")
    tree.write_host("/etc/subgid", "svcd-test:700000:65536\n")
    for number, (users, options, user, root, anna, made) in enumerate(OWNERSHIP):
        what = f"{users} Volume={options} User={user}"
        volume = tree.path("data", f"owned{number}")
        os.mkdir(volume)
        os.chmod(volume, 0o777)
        if "idmap=" in options:
            os.chown(volume, 1000, 1000)  # nobody can make a file where the directory's owner is not mapped
        for name, uid in (("root", 0), ("anna", 1000)):
            with open(os.path.join(volume, name), "w"):
                os.chown(os.path.join(volume, name), uid, uid)
        unit = f"owner{number}.service"
        tree.unit(unit, f"[Container]\nImage=@IMAGE@\n{users}\nUser={user}\nGroup={user}\nTmpfs=/scratch:mode=1777\n"
                  f"Volume=@DIR@/data/owned{number}:/srv{options}\n"
                  f"Exec=/guest uid {user} -- owner /etc/image 0 0 -- owner /dev 0 0 -- owner /scratch 0 0 -- owner /srv/root {root} {root}"
                  f" -- owner /srv/anna {anna} {anna} -- touch /srv/made -- owner /srv/made {user} {user}"
                  f" -- touch /scratch/made\n[Service]\nType=oneshot\n")
        tree.good("daemon-reload")
        try:
            tree.start(unit)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from error
        uid = os.stat(os.path.join(volume, "made")).st_uid
        expect(uid in made if isinstance(made, range) else uid == made, f"{what}: made inside, on disk {uid}, expected {made}")


@test
def ids_that_cannot_be_mapped_are_told():
    tree = the_tree()
    for users, options, told in (("UserNS=host", "idmap", "idmap needs a user namespace"),
                                 ("UIDMap=0:200000:10", "idmap=uids=@0-100-1;gids=@0-0-1", "not within the user namespace"),
                                 ("UserNS=auto", "idmap=uids=0-0-1", "both uids= and gids="),
                                 ("UserNS=auto", "idmap=users=0-0-1", "neither uids= nor gids="),
                                 ("UserNS=auto", "rw\nVolume=/sys/kernel:/opt", "cannot map ids"),
                                 ("UserNS=auto:size=10", "ro\nUser=1000", "not in the user namespace's map")):
        again(tree, None, f"[Container]\nImage=@IMAGE@\n{users}\nVolume=@DIR@/data:/srv:{options}\nExec=/guest forever\n")
        tree.good("daemon-reload")
        result = tree.svcctl("start", "guest.service")
        status = result.stderr + tree.svcctl("status", "guest.service").stdout
        expect(result.returncode == 1 and told in status, f"{users} {options}: {status}")


ALL = "PrivateNetwork=yes\nPrivateIPC=yes\nPrivateTmp=yes\n"


def tied(tree, name, other, extra=ALL, verbs="forever"):
    tree.unit(name, f"[Unit]\nJoinsNamespaceOf={other}\nStartLimitIntervalSec=0\n[Service]\nType=exec\nExecStart=@GUEST@ {verbs}\n{extra}")


def shared_of(tree, unit):
    kinds = inside(tree, unit)[1]
    return kinds["net"], kinds["ipc"]


def shares(tree):
    path = tree.path("run", "shared")
    return sorted(name for name in os.listdir(path) if not name.startswith(".")) if os.path.isdir(path) else []


def manager_pid(tree):
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/comm") as file:
                if name.isdigit() and file.read().strip() == "svcd" and os.readlink(f"/proc/{name}/ns/pid") == tree.pid_namespace:
                    return int(name)
        except OSError:
            pass
    return 0


def kill_manager(tree):
    """The manager crashes; the next one answers."""
    pid = manager_pid(tree)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: manager_pid(tree) not in (0, pid) and tree.svcctl("list-units").returncode == 0, "another manager", 20)


@test
def units_that_are_tied_share_their_namespaces():
    # directive: Unit.JoinsNamespaceOf
    tree = the_tree()
    others = shares(tree)
    tied(tree, "one.service", "", ALL, "write /tmp/word one -- write /var/tmp/word var -- forever")
    tied(tree, "two.service", "one.service", ALL, "content /tmp/word one -- content /var/tmp/word var -- interfaces lo"
         " -- interface-up lo -- forever")
    tied(tree, "tmp.service", "two.service", "PrivateTmp=yes\n", "content /tmp/word one -- write /tmp/third x -- forever")
    tied(tree, "other.service", "", ALL, "absent /tmp/word -- forever")
    tree.good("daemon-reload")
    tree.start("one.service")
    tree.start("two.service", "tmp.service", "other.service")
    wait_for(lambda: tree.show("tmp.service", "SubState") == "running", "tmp.service")
    expect_equal(shared_of(tree, "two.service"), shared_of(tree, "one.service"), "tied")
    expect(shared_of(tree, "other.service") != shared_of(tree, "one.service"), "not tied")
    expect_equal(inside(tree, "tmp.service")[1]["net"], tree.namespace(tree.pid, "net"), "what is not private is not joined")
    expect_equal(tree.show("one.service", "JoinsNamespaceOf"), "two.service", "the inverse")
    expect("tmp.service" in tree.show("two.service", "JoinsNamespaceOf"), "both directions")
    # The first one goes and comes again, with another manager in between: what they share stays as long as one is up.
    before = shared_of(tree, "two.service")
    tree.good("stop", "one.service")
    kill_manager(tree)
    tied(tree, "one.service", "", ALL, "content /tmp/word one -- content /tmp/third x -- forever")
    tree.good("daemon-reload")
    tree.start("one.service")
    expect_equal(shared_of(tree, "one.service"), before, "after a crash of the manager")
    tree.wait_show("one.service", SubState="running")
    tree.good("stop", "one.service", "two.service", "tmp.service")
    tree.start("two.service")
    expect(shared_of(tree, "two.service")[0] != before[0] or tree.show("two.service", "SubState") != "running", "released with the last")
    tree.good("stop", "two.service", "other.service")
    expect_equal(shares(tree), others, "nothing is shared any more")


@test
def a_map_of_a_volume_is_no_user_namespace():
    tree = the_tree()
    tree.unit("mapped.service", "[Container]\nImage=@IMAGE@\nVolume=@DIR@/data:/srv:idmap=uids=0-1000-1;gids=0-1000-1\n"
              f"Exec=/guest namespace user is {tree.namespace(tree.pid, 'user')} -- owner /srv 1000 1000 -- forever\n")
    tree.good("daemon-reload")
    tree.start("mapped.service")
    expect("user=host" in tree.show("mapped.service", "Isolation"), tree.show("mapped.service", "Isolation"))
    expect_equal(exposure(tree, "mapped.service")[1]["PrivateUsers="]["badness"], 1, "PrivateUsers=")
    tree.good("stop", "mapped.service")


@test
def words_that_were_booleans():
    tree = the_tree()
    tree.service("words.service", "forever", "PrivateTmp=disconnected\nPrivateUsers=full\nProtectControlGroups=strict\n")
    tree.good("daemon-reload")
    expect_equal(tree.show("words.service", "PrivateTmp", "PrivateTmpEx", "PrivateUsers", "PrivateUsersEx", "ProtectControlGroupsEx"),
                 {"PrivateTmp": "yes", "PrivateTmpEx": "disconnected", "PrivateUsers": "yes", "PrivateUsersEx": "full",
                  "ProtectControlGroupsEx": "strict"}, "properties")


@test
def the_commands_of_a_service_share_its_namespaces():
    # directive: Service.PrivateTmp Service.PrivateNetwork
    tree = the_tree()
    others = shares(tree)
    tree.unit("several.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStartPre=@GUEST@ write /tmp/first a -- interfaces lo"
              " -- record-namespaces /var/tmp/ns\nExecStart=@GUEST@ content /tmp/first a -- write /tmp/second b\n"
              "ExecStopPost=@GUEST@ content /tmp/second b -- present /var/tmp/ns -- write @DIR@/data/stopped yes\n" + ALL)
    tree.good("daemon-reload")
    tree.start("several.service")
    expect_equal(len(shares(tree)), len(others) + 1, "what is shared stays without a process")
    kill_manager(tree)
    tree.good("stop", "several.service")
    expect_equal(tree.read("data", "stopped"), "yes\n", "ExecStopPost=")
    expect_equal(shares(tree), others, "left")
    expect(not os.path.exists("/tmp/first"), "a private /tmp")


def ipc_of(uid):
    found = []
    for kind, column in (("shm", 7), ("sem", 4), ("msg", 7)):
        with open(f"/proc/sysvipc/{kind}") as file:
            found += [kind for line in file.readlines()[1:] if line.split()[column] == str(uid)]
    return sorted(found + [name for name in os.listdir("/dev/shm") if os.lstat(f"/dev/shm/{name}").st_uid == uid])


@test
def ipc_objects_go_with_their_user():
    # directive: Service.RemoveIPC
    tree = the_tree()
    name, uid = f"svcd-test-{os.getpid()}", 64321
    expect_equal(ipc_of(uid), [], "before")
    extra = f"Type=oneshot\nUser={uid}\nGroup={uid}\n"
    tree.service("ipc.service", f"make-ipc /{name}", extra)
    tree.service("same.service", "forever", f"Type=exec\nUser={uid}\nRemoveIPC=yes\n")
    tree.good("daemon-reload")
    tree.start("ipc.service")
    expect_equal(ipc_of(uid), ["msg", "sem", "shm", name], "without RemoveIPC=")
    tree.service("ipc.service", f"make-ipc /{name}", extra + "RemoveIPC=yes\n")
    tree.good("daemon-reload")
    tree.start("same.service")
    tree.start("ipc.service")
    expect(len(ipc_of(uid)) > 4, "while another unit runs as the user")
    tree.good("stop", "same.service")
    expect_equal(ipc_of(uid), [], "with the last unit of the user")


def exposure(tree, unit):
    answer = json.loads(tree.good("security", "--json", unit))
    return answer["exposure"], {row["name"]: row for row in answer["rows"]}


OPEN = "Type=exec\n"
CLOSED = """Type=exec
User=www-data
NoNewPrivileges=yes
PrivateNetwork=yes
PrivateUsers=yes
PrivatePIDs=yes
PrivateIPC=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectHome=yes
ProtectHostname=yes
ProtectClock=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=strict
ProtectProc=invisible
ProcSubset=pid
CapabilityBoundingSet=
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallArchitectures=native
RestrictNamespaces=yes
RestrictAddressFamilies=none
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
UMask=0077
"""


@test
def exposure_is_read_off_the_launch():
    tree = the_tree()
    tree.service("open.service", "forever", OPEN)
    tree.service("closed.service", "forever", CLOSED)
    tree.unit("box.service", "[Container]\nImage=@IMAGE@\nUserNS=auto\nExec=/guest forever\n")
    tree.good("daemon-reload")
    tree.start("open.service", "closed.service", "box.service")
    score, rows = exposure(tree, "open.service")
    expect(score >= 9.0, f"a service without isolation: {score}")
    for name in ("PrivateNetwork=", "User=", "NoNewPrivileges=", "CapabilityBoundingSet=~CAP_SYS_ADMIN", "SystemCallFilter=~@mount"):
        expect(rows[name]["badness"] == rows[name]["range"], f"{name}: {rows[name]}")
    score, rows = exposure(tree, "closed.service")
    bad = {name: row["badness"] for name, row in rows.items() if row["badness"]}
    expect(score <= 1.0, f"a service with everything: {score}: {bad}")
    for name in ("PrivateNetwork=", "User=", "RestrictNamespaces=~user", "RestrictSUIDSGID=", "MemoryDenyWriteExecute=", "LockPersonality=",
                 "ProtectSystem=", "ProtectHome=", "PrivateTmp=", "SystemCallArchitectures=", "RestrictAddressFamilies=~AF_UNIX"):
        expect_equal(rows[name]["badness"], 0, name)
    score, rows = exposure(tree, "box.service")
    expect(score < 5.0, f"a container: {score}")
    for name in ("RootDirectory=/Image=", "User=", "PrivateUsers=", "ProtectHome=", "SystemCallFilter=~@module", "ProtectKernelTunables="):
        expect_equal(rows[name]["badness"], 0, name)
    # One line of the unit, one row of the table.
    tree.service("open.service", "forever", OPEN + "AmbientCapabilities=CAP_CHOWN\nReadOnlyPaths=/usr\nSystemCallFilter=~@swap\nUMask=0027\n")
    tree.good("daemon-reload")
    _, rows = exposure(tree, "open.service")
    expect_equal([rows[name]["badness"] for name in ("AmbientCapabilities=", "ProtectSystem=", "SystemCallFilter=~@swap", "UMask=")],
                 [1, 5, 0, 2], "rows")


@test
def security_lists_compares_and_refuses():
    tree = the_tree()
    table = tree.good("security", "closed")
    expect("Overall exposure level for closed.service" in table and "✓" in table and "PrivateNetwork=" in table, table)
    listed = tree.good("security")
    expect("PREDICATE" in listed and re.search(r"open.service +[89]\.\d +(EXPOSED|UNSAFE)", listed), listed)
    expect_equal(tree.svcctl("security", "--threshold=20", "closed").returncode, 0, "below")
    expect_equal(tree.svcctl("security", "--threshold=20", "open").returncode, 1, "above")
    expect_equal(tree.svcctl("security", "--threshold=101", "open").returncode, 2, "no threshold")
    expect(tree.svcctl("security", "nowhere").returncode != 0, "an unknown unit")
    tree.service("broken.service", "forever", "Type=exec\nUser=nobody-has-this-name\n")
    result = tree.svcctl("security", "broken")
    expect(result.returncode == 1 and "broken.service:4" in result.stderr, f"what cannot start: {result.stderr}")


@test
def explain_sums_up():
    tree = the_tree()
    text = tree.good("explain", "box")
    for part in ("Enforced", "isolation", "filesystem", "control", "limits", "✓ PrivateNetwork=", "✗ May use all memory (MemoryMax=)"):
        expect(part in text, f"{part}: {text}")
    answer = json.loads(tree.good("explain", "--json", "box"))
    expect(answer["steps"] and answer["security"]["rows"], "JSON")
    expect_equal(answer["security"]["unenforceable"], [], "nothing is missing")
    with open(os.path.join(cgroup_mount(), "cgroup.controllers")) as file:
        there = file.read().split()
    if "memory" not in there:
        tree.service("limited.service", "forever", "Type=exec\nMemoryMax=10M\n")
        tree.good("daemon-reload")
        expect("limits of memory" in tree.good("explain", "limited"), "a limit without its controller")


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
