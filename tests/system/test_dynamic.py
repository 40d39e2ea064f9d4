"""DynamicUser=, its private directories, and PrivateTmp=: a user who is nobody before and after, and leaves nothing."""
import glob
import os
import re

from svcd_test import expect, expect_equal, main, test, wait_for
from tree import Tree

# directive: Service.DynamicUser Service.PrivateTmp
LIB = "/mnt/state/lib"
FIRST, LAST = 61184, 65519


def scenario(function):
    def case():
        with Tree(function.__name__.replace("_", "-")) as tree:
            function(tree)
    case.__name__ = function.__name__
    test(case)
    return function


def outside(tree, path):
    return tree.directory + path.removeprefix("/mnt")


def run(tree, name, checks, extra=""):
    tree.service(name, checks, "Type=oneshot\n" + extra)
    tree.good("daemon-reload")
    tree.start(name)
    tree.expect_show(name, Result="success")


def users(tree):
    """name -> (uid, units)"""
    found = {}
    for line in tree.read("run", "dynamic-users").splitlines():
        uid, name, *units = line.split()
        found[name] = (int(uid), units)
    return found


def up(tree, name, extra=""):
    tree.service(name, "forever", "Type=exec\nDynamicUser=yes\n" + extra)
    tree.good("daemon-reload")
    tree.start(name)
    return int(tree.show(name, "UID"))


@scenario
def a_user_for_a_run(tree):
    uid = up(tree, "web.service")
    expect(FIRST <= uid <= LAST, f"uid {uid}")
    expect_equal(users(tree), {"web": (uid, ["web.service"])}, "who there is")
    expect_equal(tree.show("web.service", "User", "DynamicUser", "RemoveIPC", "ProtectSystem", "ProtectHome", "PrivateTmpEx"),
                 {"User": "web", "DynamicUser": "yes", "RemoveIPC": "yes", "ProtectSystem": "strict", "ProtectHome": "read-only",
                  "PrivateTmpEx": "disconnected"})
    call = ("busctl", "--address=unix:path=/mnt/run/bus", "call", "org.svcd1", "/org/svcd1", "org.svcd1.Manager")
    if tree.run("sh", "-c", "command -v busctl").returncode == 0:
        expect_equal(tree.run(*call, "LookupDynamicUserByName", "s", "web").stdout.strip(), f"u {uid}", "by name")
        expect_equal(tree.run(*call, "LookupDynamicUserByUID", "u", str(uid)).stdout.strip(), 's "web"', "by uid")
    other = up(tree, "other.service")
    expect(other != uid, "two users share an id")
    expect_equal(up(tree, "shares.service", "User=web\n"), uid, "units that name one user")
    tree.good("stop", "web.service")
    expect_equal(users(tree)["web"], (uid, ["shares.service"]), "while another unit has it")
    tree.good("stop", "shares.service", "other.service")
    expect_equal(users(tree), {}, "after the stop")
    expect_equal(os.listdir(tree.path("run", "users")), [], "files that name users")
    expect_equal(up(tree, "web.service"), uid, "the next run")


@scenario
def the_service_knows_itself(tree):
    checks = ("user-name web -- group-name web -- environment USER=web HOME=/ -- no-new-privileges 1 -- read-only /usr /etc /mnt/state"
              " -- writable /tmp /var/tmp -- filesystem /tmp tmpfs")
    run(tree, "web.service", checks, "DynamicUser=yes\n")
    run(tree, "9-odd.service", "user-name _du* -- group-name _du*", "DynamicUser=yes\n")
    run(tree, "named.service", "user-name anna-x -- group-name anna-x", "DynamicUser=yes\nUser=anna-x\n")
    run(tree, "grouped.service", "user-name grouped -- group-name adm", "DynamicUser=yes\nGroup=adm\n")
    # Someone who is there anyhow is taken as he is.
    run(tree, "static.service", "uid 33 -- user-name www-data -- read-only /usr", "DynamicUser=yes\nUser=www-data\n")
    for name, lines in {"image": "", "auto": "UserNS=auto\n"}.items():
        tree.unit(f"{name}.service", f"[Container]\nImage=@IMAGE@\n{lines}Exec=/guest user-name {name} -- group-name {name}"
                  f" -- owner {LIB}/{name} >61183 >61183 -- writable {LIB}/{name}\n"
                  f"[Service]\nType=oneshot\nDynamicUser=yes\nStateDirectory={name}\n")
        tree.start(f"{name}.service")
        tree.expect_show(f"{name}.service", Result="success")
    tree.service("number.service", "exit 0", "DynamicUser=yes\nUser=1234\n")
    result = tree.svcctl("start", "number.service")
    expect(result.returncode != 0 and "number.service:4" in result.stderr, result.stderr)


@scenario
def directories_are_private(tree):
    lines = "DynamicUser=yes\nStateDirectory=web web/inner:alias\nCacheDirectory=web\nLogsDirectory=web\nRuntimeDirectory=web\nConfigurationDirectory=web\n"
    run(tree, "web.service", f"write {LIB}/web/file x -- writable {LIB}/web/inner {LIB}/alias /mnt/state/cache/web /mnt/state/log/web /mnt/run/run/web"
        f" -- environment STATE_DIRECTORY={LIB}/web:{LIB}/web/inner -- owner {LIB}/web >61183 >61183 -- read-only {LIB}", lines)
    for base in ("lib", "cache", "log"):
        private = tree.path("state", base, "private")
        expect_equal(os.stat(private).st_mode & 0o777, 0o700, private)
        expect_equal(os.readlink(tree.path("state", base, "web")), "private/web", "the link")
    expect_equal(os.readlink(tree.path("state", "lib", "alias")), "private/web/inner", "the other link")
    expect(not os.path.islink(tree.path("state", "etc", "web")), "a configuration directory is a link")
    uid = os.stat(tree.path("state", "lib", "private", "web", "file")).st_uid
    expect(FIRST <= uid <= LAST, f"owner {uid}")
    # Whoever has the id next gets nowhere near.
    result = tree.run("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "cat", f"{LIB}/web/file")
    expect(result.returncode != 0 and "denied" in result.stderr, "an old id reaches the files: " + result.stdout + result.stderr)
    up(tree, "other.service", "StateDirectory=other\n")
    pid = tree.show("other.service", "MainPID")
    expect_equal(sorted(os.listdir(f"/proc/{host_pid(tree, pid)}/root{LIB}/private")), ["other"], "what another dynamic user sees")
    # Turned off and on again: the files go along.
    run(tree, "web.service", f"content {LIB}/web/file x -- owner {LIB}/web/file 33 33", "User=33\nGroup=33\nStateDirectory=web\n")
    expect(os.path.isdir(tree.path("state", "lib", "web")) and not os.path.islink(tree.path("state", "lib", "web")), "not moved back")
    run(tree, "web.service", f"content {LIB}/web/file x -- owner {LIB}/web/file >61183 >61183", lines)
    expect_equal(os.readlink(tree.path("state", "lib", "web")), "private/web", "the link")
    tree.good("clean", "--what=all", "web.service")
    for base in ("lib", "cache", "log"):
        expect(not os.path.lexists(tree.path("state", base, "web")), f"{base}/web is left")
        expect("web" not in os.listdir(tree.path("state", base, "private")), f"{base}/private/web is left")


def host_pid(tree, pid):
    """The host's number of a process of the tree."""
    for candidate in glob.glob("/proc/[0-9]*/status"):
        try:
            with open(candidate) as file:
                text = file.read()
        except OSError:
            continue
        match = re.search(r"\nNSpid:\t(\d+)\t(\d+)\n", text)
        if match and match.group(2) == str(pid) and os.readlink(candidate.replace("status", "ns/pid")) == tree.pid_namespace:
            return int(match.group(1))
    raise AssertionError(f"no process {pid}")


@scenario
def another_owner_of_an_id_gets_none_of_it(tree):
    """Two units whose ids would be one: while the first runs the second gets another; the directory follows its unit."""
    first = up(tree, "a.service", "StateDirectory=a\n")
    tree.good("stop", "a.service")
    with open(tree.path("run", "dynamic-users"), "w") as file:
        file.write(f"{first} squatter squatter.service\n")
    tree.kill(tree.manager_pid())
    wait_for(lambda: tree.svcctl("list-jobs").returncode == 0, "the next manager")
    # squatter.service does not run: its id is free again.
    expect_equal(up(tree, "a.service", "StateDirectory=a\n"), first, "an id of a unit that is gone")


@scenario
def it_survives_the_manager(tree):
    uid = up(tree, "web.service", "PrivateTmp=yes\nRestart=always\nRestartSec=10ms\n")
    before = tree.main_process("web.service")
    expect_equal(len(private_tmps(tree)), 2, "its temporary directories")
    tree.kill(tree.manager_pid())
    wait_for(lambda: tree.svcctl("is-active", "web.service").returncode == 0, "the next manager")
    expect_equal(users(tree), {"web": (uid, ["web.service"])}, "who there is")
    expect(up(tree, "other.service") != uid, "the id is given out again")
    expect_equal(tree.main_process("web.service"), before, "its process")
    tree.kill(before[0])
    tree.wait_show("web.service", NRestarts=1, ActiveState="active")
    expect_equal(int(tree.show("web.service", "UID")), uid, "after a restart")
    tree.good("stop", "web.service")
    expect("web" not in users(tree), "after the stop")


@scenario
def a_restart_that_does_not_come_keeps_nothing(tree):
    keeps = "DynamicUser=yes\nRuntimeDirectory=r\nRuntimeDirectoryPreserve=restart\nPrivateTmp=yes\nRestart=always\n"
    place = outside(tree, "/mnt/run/run")
    tree.service("waits.service", "forever", f"Type=exec\n{keeps}RestartSec=1h\n")
    tree.start("waits.service")
    tree.kill(tree.show("waits.service", "MainPID"))
    tree.wait_show("waits.service", SubState="auto-restart")
    expect("waits" in users(tree) and os.path.exists(f"{place}/private/r"), "nothing is kept for the restart")
    tree.good("stop", "waits.service")
    expect_equal((users(tree), os.path.lexists(f"{place}/r"), os.listdir(f"{place}/private"), private_tmps(tree)), ({}, False, [], []), "after the stop")
    tree.unit("fails.service", f"[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=1h\n[Service]\nExecStart=@GUEST@ exit 1\n{keeps}RestartSec=1ms\n")
    tree.good("daemon-reload")
    tree.svcctl("start", "fails.service")
    tree.wait_show("fails.service", ActiveState="failed", Result="start-limit-hit")
    expect_equal((users(tree), os.path.lexists(f"{place}/r"), os.listdir(f"{place}/private")), ({}, False, []), "after the last try")
    wait_for(lambda: not private_tmps(tree), "no temporary directories")


def private_tmps(tree):
    """What this tree has in the host's /tmp and /var/tmp."""
    return [path for place in ("/tmp", "/var/tmp") for path in glob.glob(f"{place}/svcd-private-*")
            if os.path.exists(tree.path("run", "shared", path.rpartition("-")[2]))]


@scenario
def tmp_is_on_disk_and_goes(tree):
    tree.service("t.service", "mode /tmp 01777 -- mode /var/tmp 01777 -- absent /tmp/kept -- write /tmp/kept x -- write /var/tmp/kept x -- "
                 "mount-option /tmp nosuid,nodev -- forever", "Type=exec\nPrivateTmp=yes\nUser=33\nRestart=always\nRestartSec=10ms\n")
    tree.start("t.service")
    made = private_tmps(tree)
    expect_equal(len(made), 2, f"directories of its own: {made}")
    for path in made:
        expect_equal(os.stat(path).st_mode & 0o777, 0o700, path)
        wait_for(lambda: os.path.exists(f"{path}/tmp/kept"), "its file")
    expect_equal(tree.show("t.service", "PrivateTmp", "PrivateTmpEx"), {"PrivateTmp": "yes", "PrivateTmpEx": "yes"})
    run(tree, "other.service", "absent /tmp/kept -- filesystem /tmp tmpfs", "PrivateTmp=disconnected\n")
    expect_equal(tree.show("other.service", "PrivateTmpEx"), "disconnected", "PrivateTmpEx")
    tree.good("stop", "t.service")
    wait_for(lambda: not [path for path in made if os.path.exists(path)], "their end")
    for name, lines in {"image": "", "auto": "UserNS=auto\n"}.items():
        tree.unit(f"{name}.service", f"[Container]\nImage=@IMAGE@\n{lines}User=www-data\nExec=/guest write /tmp/x y -- owner /tmp/x 33 33 -- mode /tmp 01777\n"
                  "[Service]\nType=oneshot\nPrivateTmp=yes\n")
        tree.start(f"{name}.service")
        tree.expect_show(f"{name}.service", Result="success")
    # What is in it outlives the command that made it, as long as the unit is up.
    tree.service("steps.service", "content /tmp/step one", "Type=oneshot\nPrivateTmp=yes\nExecStartPre=/mnt/guest write /tmp/step one\n")
    tree.start("steps.service")
    tree.expect_show("steps.service", Result="success")


main()
