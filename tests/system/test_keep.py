"""What a service keeps: StateDirectory= and its siblings, from inside and from the host's side."""
import os

from svcd_test import expect, expect_equal, main, test, wait_for
from tree import Tree

# directive: Service.RuntimeDirectory Service.StateDirectory Service.CacheDirectory Service.LogsDirectory Service.ConfigurationDirectory
# directive: Service.RuntimeDirectoryMode Service.StateDirectoryMode Service.CacheDirectoryMode Service.LogsDirectoryMode
# directive: Service.ConfigurationDirectoryMode
KINDS = {  # directive: base inside, $VARIABLE, exit status
    "RuntimeDirectory": ("/mnt/run/run", "RUNTIME_DIRECTORY", 233),
    "StateDirectory": ("/mnt/state/lib", "STATE_DIRECTORY", 238),
    "CacheDirectory": ("/mnt/state/cache", "CACHE_DIRECTORY", 239),
    "LogsDirectory": ("/mnt/state/log", "LOGS_DIRECTORY", 240),
    "ConfigurationDirectory": ("/mnt/state/etc", "CONFIGURATION_DIRECTORY", 241),
}


def scenario(function):
    def case():
        with Tree(function.__name__.replace("_", "-")) as tree:
            function(tree)
    case.__name__ = function.__name__
    test(case)
    return function


def outside(tree, path):
    return tree.directory + path.removeprefix("/mnt")


def owner(path):
    status = os.lstat(path)
    return status.st_uid, status.st_gid


def run(tree, name, checks, extra=""):
    """A oneshot that must succeed."""
    tree.service(name, checks, "Type=oneshot\n" + extra)
    tree.good("daemon-reload")
    tree.start(name)
    tree.expect_show(name, Result="success")


def refused(tree, name, status, *words):
    """A start that must fail with this exit status and say these words."""
    tree.good("daemon-reload")
    tree.svcctl("reset-failed", name)
    result = tree.svcctl("start", name)
    told = result.stderr + tree.tell(name)
    expect(result.returncode == 1, f"{name} starts")
    expect_equal(int(tree.show(name, "ExecMainStatus")), status, told)
    for word in words:
        expect(word in told, f"{word!r} is missing: {told}")


@scenario
def directories_are_made_and_owned(tree):
    for directive, (base, variable, _) in KINDS.items():
        uid = 0 if directive == "ConfigurationDirectory" else 33
        run(tree, f"{directive.lower()}.service",
            f"environment {variable}={base}/one:{base}/two/deep -- owner {base}/one {uid} {uid} -- mode {base}/one 0750"
            f" -- owner {base}/two 0 0 -- mode {base}/two 0755 -- owner {base}/two/deep {uid} {uid}" +
            ("" if uid == 0 else f" -- writable {base}/one {base}/two/deep"),
            f"User=33\nGroup=33\n{directive}=one two/deep\n{directive}Mode=0750\n")
    for directive, (base, _, _) in KINDS.items():
        there = os.path.exists(outside(tree, base) + "/one")
        expect_equal(there, directive != "RuntimeDirectory", f"{base}/one after the stop")
    expect(not os.path.exists(outside(tree, "/mnt/run/run/two/deep")), "a nested runtime directory stays")


@scenario
def specifiers_are_the_places(tree):
    tree.unit("a@.service", "[Service]\nType=oneshot\nExecStart=@GUEST@ environment STATE_DIRECTORY=/mnt/state/lib/svc-%i -- "
              "present %S/svc-b %C/c %L/l %E/e %t/t\nStateDirectory=svc-%i\nCacheDirectory=c\nLogsDirectory=l\n"
              "ConfigurationDirectory=e\nRuntimeDirectory=t\n")
    tree.start("a@b.service")
    tree.expect_show("a@b.service", Result="success", StateDirectory="svc-b")


@scenario
def another_owner_takes_all_over(tree):
    run(tree, "own.service", "write /mnt/state/lib/own/file text", "User=33\nStateDirectory=own\n")
    top = outside(tree, "/mnt/state/lib/own")
    os.makedirs(f"{top}/a/b/c")
    os.symlink("/etc/passwd", f"{top}/a/link")
    for i in range(300):
        open(f"{top}/a/b/{i}", "w").close()
    stranger = tree.path("state", "lib", "stranger")
    open(stranger, "w").close()
    os.link(stranger, f"{top}/a/second-name")
    passwd = owner("/etc/passwd")
    # As systemd has it, the top decides: while it is right, what is below is left alone.
    run(tree, "own.service", "owner /mnt/state/lib/own/a 0 0", "User=33\nStateDirectory=own\n")
    run(tree, "own.service", "owner /mnt/state/lib/own/a/b/c 1000 0 -- owner /mnt/state/lib/own/a/b/299 1000 0 -- "
        "owner /mnt/state/lib/own/file 1000 0 -- owner /mnt/state/lib/own 1000 0", "User=1000\nGroup=0\nStateDirectory=own\n")
    expect_equal(owner(f"{top}/a/link"), (1000, 0), "the owner of a link itself")
    expect_equal(owner(stranger), (0, 0), "the owner of a file with another name elsewhere")
    expect_equal(owner("/etc/passwd"), passwd, "the owner of what a link leads to")


@scenario
def links_lead_to_them(tree):
    run(tree, "link.service", "link /mnt/state/lib/alias web -- link /mnt/state/lib/deep/er/alias ../../web -- present "
        "/mnt/state/lib/deep/er/alias/. -- read-only /mnt/state/lib/fixed -- writable /mnt/state/lib/web",
        "StateDirectory=web:alias web:deep/er/alias fixed::ro\n")
    bus = tree.good("show", "link.service", "--property=StateDirectorySymlink")
    expect("deep/er/alias" in bus and "fixed" in bus, bus)
    tree.good("clean", "--what=state", "link.service")
    for name in ("web", "alias", "deep/er/alias", "fixed"):
        expect(not os.path.lexists(outside(tree, f"/mnt/state/lib/{name}")), f"{name} is left")
    tree.service("taken.service", "exit 0", "Type=oneshot\nStateDirectory=x:taken\n")
    os.mkdir(outside(tree, "/mnt/state/lib/taken"))
    refused(tree, "taken.service", 238, "taken.service:4", "StateDirectory", "in the way")


@scenario
def what_is_in_the_way_is_told(tree):
    for directive, (base, _, status) in KINDS.items():
        place = outside(tree, base)
        os.makedirs(f"{place}/dir-{status}", exist_ok=True)
        victim = tree.path("data", f"victim-{status}")
        os.makedirs(victim)
        os.symlink(victim, f"{place}/link")
        open(f"{place}/file", "w").close()
        os.symlink(victim, f"{place}/dir-{status}/inner")
        for name, why in (("link", "symbolic link"), ("file", "file"), ("dir-%d/inner" % status, "symbolic link"),
                          ("file/below", "file"), ("link/below", "symbolic link")):
            tree.service("bad.service", "exit 0", f"Type=oneshot\nUser=33\n{directive}={name}\n")
            refused(tree, "bad.service", status, "bad.service:5", f"{directive}=", why)
        expect_equal(owner(victim), (0, 0), "what the link leads to")
        expect_equal(os.listdir(victim), [], "what the link leads to")
    tree.run("mount", "-t", "tmpfs", "-o", "ro", "none", "/mnt/state/lib")
    tree.service("bad.service", "exit 0", "Type=oneshot\nStateDirectory=new\n")
    refused(tree, "bad.service", 238, "bad.service:4", "Read-only file system")
    tree.run("umount", "/mnt/state/lib")
    tree.run("mount", "-t", "tmpfs", "-o", "nr_inodes=2", "none", "/mnt/state/cache")
    tree.service("bad.service", "exit 0", "Type=oneshot\nCacheDirectory=new/er\n")
    refused(tree, "bad.service", 239, "bad.service:4", "No space left on device")
    tree.run("umount", "/mnt/state/cache")


@scenario
def a_hostile_owner_leads_nobody_astray(tree):
    """The owner of a directory swaps the one below it with a link to root's, all the time."""
    victim = tree.path("data", "victim")
    os.makedirs(f"{victim}/below")
    run(tree, "owner.service", "exit 0", "User=1000\nStateDirectory=o\n")
    place = outside(tree, "/mnt/state/lib/o")
    os.symlink("/mnt/data/victim", f"{place}/link")
    os.mkdir(f"{place}/in")
    for name in ("link", "in"):
        os.lchown(f"{place}/{name}", 1000, 1000)
    tree.service("racer.service", "swap /mnt/state/lib/o/in /mnt/state/lib/o/link", "Type=exec\nUser=1000\n")
    tree.start("racer.service")
    tree.unit("inner.service", "[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=oneshot\nUser=33\nStateDirectory=o/in\nStateDirectoryMode=0711\n"
              "ExecStart=@GUEST@ exit 0\n")
    ended = {0: 0, 238: 0}
    for _ in range(150):
        tree.svcctl("start", "inner.service")
        ended[int(tree.show("inner.service", "ExecMainStatus"))] += 1
    expect(tree.show("racer.service", "ActiveState") == "active", "the racer has ended")
    expect(ended[238] > 0, f"no start met the link: {ended}")
    for path in (victim, f"{victim}/below"):
        expect_equal((owner(path), os.stat(path).st_mode & 0o777), ((0, 0), 0o755), path)


@test
def bad_values_do_not_load():
    with Tree("bad-directories") as tree:
        for value in ("/absolute", "../up", "a/../b", "a:/b", "a:b:rw", "a:b:ro:x", "private", "private/x", "a:a", ".", "x" * 300):
            tree.service("bad.service", "exit 0", f"StateDirectory={value}\n")
            tree.good("daemon-reload")
            result = tree.svcctl("start", "bad.service")
            expect(result.returncode != 0 and "bad.service:3" in result.stderr, f"{value}: {result.stderr}")
        tree.service("bad.service", "exit 0", "ConfigurationDirectory=a:b\n")
        tree.good("daemon-reload")
        expect("bad.service:3" in tree.svcctl("start", "bad.service").stderr, "a link to a configuration directory")


@scenario
def many_directories(tree):
    names = [f"d{i}" for i in range(50)]
    run(tree, "many.service", " -- ".join(f"writable /mnt/state/lib/{name}" for name in names),
        f"User=33\nProtectSystem=strict\nStateDirectory={' '.join(names)}\n")
    # More than a message to svc-init can carry.
    tree.service("more.service", "exit 0", f"Type=oneshot\nProtectSystem=strict\nStateDirectory={' '.join(f'd{i}' for i in range(200))}\n")
    tree.good("daemon-reload")
    result = tree.svcctl("start", "more.service")
    expect(result.returncode == 1 and "descriptors" in tree.tell("more.service"), tree.tell("more.service"))


@scenario
def runtime_directories_go(tree):
    # directive: Service.RuntimeDirectoryPreserve
    place = outside(tree, "/mnt/run/run")
    for preserve, after_restart, after_stop in (("no", False, False), ("restart", True, False), ("yes", True, True)):
        name = f"{preserve}.service"
        tree.service(name, "forever", f"Type=exec\nRuntimeDirectory={preserve}/in\nRuntimeDirectoryPreserve={preserve}\n"
                     "Restart=always\nRestartSec=10ms\n")
        tree.start(name)
        for how in ("restart", "kill"):
            open(f"{place}/{preserve}/in/mark", "w").close()
            if how == "restart":
                tree.good("restart", name)
            else:
                tree.kill(tree.show(name, "MainPID"))
                tree.wait_show(name, NRestarts=1, ActiveState="active")
            expect_equal(os.path.exists(f"{place}/{preserve}/in/mark"), after_restart, f"{preserve} after {how}")
            expect(os.path.isdir(f"{place}/{preserve}/in"), f"{preserve}: none after {how}")
        tree.good("stop", name)
        expect_equal(os.path.exists(f"{place}/{preserve}/in"), after_stop, f"{preserve} after stop")
        wait_for(lambda: not [n for n in os.listdir(place) if n.startswith(".svcd")], "nothing on its way out")


@scenario
def a_killed_manager_forgets_no_removal(tree):
    tree.service("big.service", "forever", "Type=exec\nRuntimeDirectory=big\n")
    tree.start("big.service")
    place = outside(tree, "/mnt/run/run")
    deep = f"{place}/big"
    for _ in range(300):
        deep += "/d"
        os.mkdir(deep)
    for i in range(5000):
        open(f"{place}/big/{i}", "w").close()
    tree.good("stop", "big.service")
    expect(not os.path.exists(f"{place}/big"), "the directory is still there")
    tree.kill(tree.manager_pid())
    wait_for(lambda: not os.listdir(place), "an empty place", 20)
    wait_for(tree.manager_pid, "the next manager")
    wait_for(lambda: tree.svcctl("list-jobs").returncode == 0, "its answer")


@scenario
def clean_takes_what_it_is_told(tree):
    # directive: Service.TimeoutCleanSec
    lines = "".join(f"{directive}=c/d\n" for directive in KINDS) + "RuntimeDirectoryPreserve=yes\nTimeoutCleanSec=5min\n"
    run(tree, "c.service", "exit 0", lines)
    left = lambda: {directive for directive, (base, _, _) in KINDS.items() if os.path.exists(outside(tree, base) + "/c/d")}
    expect_equal(left(), set(KINDS), "before")
    expect_equal(tree.show("c.service", "TimeoutCleanUSec"), "5min", "TimeoutCleanUSec")
    for word in ("runtime", "state", "cache", "logs", "configuration"):
        expect(word in tree.show("c.service", "CanClean"), "CanClean")
    tree.good("clean", "c.service")
    expect_equal(left(), {"StateDirectory", "LogsDirectory", "ConfigurationDirectory"}, "after clean")
    tree.good("clean", "--what=logs", "--what=configuration", "c.service")
    expect_equal(left(), {"StateDirectory"}, "after clean --what=logs")
    tree.good("clean", "--what=all", "c.service")
    expect_equal(left(), set(), "after clean --what=all")
    expect_equal(tree.show("c.service", "CleanResult"), "success", "CleanResult")
    result = tree.svcctl("clean", "--what=nothing", "c.service")
    expect(result.returncode != 0 and "nothing" in result.stderr, result.stderr)
    tree.service("none.service", "forever", "Type=exec\n")
    result = tree.svcctl("clean", "none.service")
    expect(result.returncode != 0 and "clean" in result.stderr, result.stderr)
    tree.service("up.service", "forever", "Type=exec\nStateDirectory=up\n")
    tree.start("up.service")
    result = tree.svcctl("clean", "--what=state", "up.service")
    expect(result.returncode != 0 and "inactive" in result.stderr, result.stderr)
    expect(os.path.exists(outside(tree, "/mnt/state/lib/up")), "a running service lost its directory")


@scenario
def they_are_there_in_every_root(tree):
    """Read-only host, own root directory, image, with every sort of user namespace: the same owner inside and on disk."""
    base = "/mnt/state/lib"
    host = {"strict": "ProtectSystem=strict\n", "read-only": "ReadOnlyPaths=/\n", "tmpfs": "TemporaryFileSystem=/mnt:ro\nBindReadOnlyPaths=/mnt/guest\n",
            "self": "PrivateUsers=self\n", "identity": "PrivateUsers=identity\nProtectSystem=strict\n",
            "noexec": "NoExecPaths=/\nExecPaths=/mnt/guest\nProtectSystem=strict\n"}
    for name, lines in host.items():
        run(tree, f"h-{name}.service", f"owner {base}/h-{name} 33 33 -- writable {base}/h-{name} -- write {base}/h-{name}/f x" +
            (f" -- mount-option {base}/h-{name} noexec" if name == "noexec" else ""),
            f"User=33\nGroup=33\nStateDirectory=h-{name}\n{lines}")
        expect_equal(owner(outside(tree, f"{base}/h-{name}/f")), (33, 33), name)
    for name, lines in {"plain": "", "auto": "UserNS=auto\n", "map": "UIDMap=0:0:1\nUIDMap=1:200001:40000\n",
                        "shift": "UIDMap=0:200000:40000\n", "read-only": "ReadOnly=yes\n"}.items():
        unit = f"i-{name}.service"
        tree.unit(unit, f"[Container]\nImage=@IMAGE@\n{lines}User=www-data\nExec=/guest owner {base}/i-{name} 33 33 -- "
                  f"write {base}/i-{name}/f x -- owner {base}/i-{name}/f 33 33 -- link {base}/i-link i-{name} -- absent {base}/h-strict "
                  f"-- environment STATE_DIRECTORY={base}/i-{name}\n"
                  f"[Service]\nType=oneshot\nStateDirectory=i-{name}:i-link\n")
        tree.start(unit)
        tree.expect_show(unit, Result="success")
        expect_equal(owner(outside(tree, f"{base}/i-{name}/f")), (33, 33), unit)
        os.unlink(outside(tree, f"{base}/i-link"))
    tree.unit("r.service", f"[Service]\nType=oneshot\nRootDirectory=@IMAGE@\nUser=www-data\nStateDirectory=r:r-link fix::ro\n"
              f"ExecStart=/guest owner {base}/r 33 33 -- writable {base}/r -- link {base}/r-link r -- read-only {base}/fix\n")
    tree.start("r.service")
    tree.expect_show("r.service", Result="success")


main()
