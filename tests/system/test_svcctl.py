"""svcctl as its users see it: words, columns, exit statuses, JSON; and systemd's own systemctl, unmodified, against svcd."""
import json
import os
import shutil
import subprocess

from svcd_test import expect, expect_equal, main, skip, test, wait_for
from tree import INSIDE, Tree

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data")


def scenario(function):
    """A case in a tree of its own."""
    def case():
        with Tree(function.__name__.replace("_", "-")) as tree:
            function(tree)
    case.__name__ = function.__name__
    test(case)
    return function


def fails(tree, status, text, *arguments):
    """svcctl that must end with this exit status and say this on standard error."""
    result = tree.svcctl(*arguments)
    expect_equal(result.returncode, status, f"svcctl {' '.join(arguments)}: {result.stderr}{result.stdout}")
    expect(text in result.stderr, f"svcctl {' '.join(arguments)}: {result.stderr!r} without {text!r}")


def web(tree):
    tree.unit("web.service", "[Unit]\nDescription=A web server\nAfter=base.service\nWants=base.service\n"
                             "[Service]\nExecStart=@GUEST@ forever\nPrivateTmp=yes\n")
    tree.unit("base.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=@GUEST@ exit 0\n")


@scenario
def errors_and_exit_statuses(tree):
    web(tree)
    tree.unit("typo.service", "[Service]\nExecStart=@GUEST@ forever\nRestarts=yes\n")
    tree.unit("source.service", "[Service]\nExecStart=@GUEST@ forever\nBindPaths=/nonexistent/x:/srv\n")
    tree.unit("status.service", "[Service]\nType=oneshot\nExecStart=@GUEST@ exit 3\n")
    fails(tree, 5, "Failed to start gone.service: Unit gone.service not found", "start", "gone")
    fails(tree, 5, "Unit gone.service not loaded", "stop", "gone")
    fails(tree, 4, "Unit gone.service could not be found", "status", "gone")
    fails(tree, 1, "typo.service:3", "start", "typo")
    fails(tree, 1, "Job for status.service failed because the control process exited with error code.", "start", "status")
    fails(tree, 1, "source.service:3: BindPaths=", "start", "source")
    fails(tree, 1, "Unknown command verb", "frobnicate")
    fails(tree, 1, "Too few arguments", "start")
    fails(tree, 1, "Failed to parse signal string", "kill", "-s", "NONSENSE", "web")
    fails(tree, 2, "job id", "cancel", "first")
    fails(tree, 1, "Job 4242 does not exist", "cancel", "4242")
    result = tree.run(f"{INSIDE}/bin/svcctl", "--runtime-dir=/nonexistent", "status")
    expect_equal(result.returncode, 1, "no manager there")
    expect("cannot reach svcd at /nonexistent/bus" in result.stderr, result.stderr)
    # Some fail, the others start.
    fails(tree, 5, "gone.service", "start", "web", "gone")
    tree.expect_show("web.service", ActiveState="active")


@scenario
def is_active_and_its_like(tree):
    web(tree)
    tree.unit("broken.service", "[Service]\nType=oneshot\nExecStart=@GUEST@ exit 3\n")
    for arguments, status, output in ((("is-active", "web"), 3, "inactive\n"), (("is-active", "gone"), 4, "inactive\n"),
                                      (("is-failed", "web"), 1, "inactive\n"), (("is-system-running",), 0, "running\n"),
                                      (("is-enabled", "web"), 0, "static\n"), (("status", "web"), 3, None)):
        result = tree.svcctl(*arguments)
        expect_equal(result.returncode, status, " ".join(arguments))
        if output:
            expect_equal(result.stdout, output, " ".join(arguments))
    tree.start("web.service")
    tree.svcctl("start", "broken")
    for arguments, status, output in ((("is-active", "web"), 0, "active\n"), (("is-active", "-q", "web"), 0, ""),
                                      (("is-active", "broken", "web"), 0, "failed\nactive\n"),
                                      (("is-failed", "broken"), 0, "failed\n"), (("is-system-running",), 1, "degraded\n"),
                                      (("reset-failed",), 0, ""), (("is-system-running",), 0, "running\n")):
        result = tree.svcctl(*arguments)
        expect_equal((result.returncode, result.stdout), (status, output), " ".join(arguments))


@scenario
def status_tells_what_a_person_wants_to_know(tree):
    web(tree)
    tree.start("web.service")
    pid = tree.show("web.service", "MainPID")
    lines = tree.good("status", "web").splitlines()
    expect_equal(lines[0], "● web.service - A web server")
    for words in (f"Loaded: loaded ({INSIDE}/units/web.service", "Active: active (running) since ", f"Main PID: {pid} (guest)",
                  "Isolated: own mount", f"{pid} {INSIDE}/guest forever"):
        expect(any(words in line for line in lines), f"{words!r} is not in {lines}")
    expect("\033" not in "".join(lines), "colours without a terminal")


@scenario
def changed_files_are_told(tree):
    web(tree)
    tree.start("web.service")
    expect_equal(tree.show("web.service", "NeedDaemonReload"), "no")
    tree.unit("web.service.d/more.conf", "[Unit]\nDescription=Another\n")
    expect_equal(tree.show("web.service", "NeedDaemonReload"), "yes", "with a drop-in that was not there")
    expect("daemon-reload" in tree.good("status", "web"), "status does not warn")
    tree.good("daemon-reload")
    expect_equal(tree.show("web.service", "NeedDaemonReload"), "no", "after it was read")
    expect_equal(tree.show("web.service", "Description"), "Another")
    expect("daemon-reload" not in tree.good("status", "web"), "status still warns")


@scenario
def status_shows_documentation(tree):
    tree.unit("docs.service", "[Unit]\nDocumentation=man:docs(8) https://example.org/docs\n[Service]\nExecStart=@GUEST@ forever\n")
    lines = tree.svcctl("status", "docs").stdout.splitlines()
    expect_equal([line for line in lines if "docs(8)" in line or "https:" in line],
                 ["       Docs: man:docs(8)", "             https://example.org/docs"])
    expect(lines.index("       Docs: man:docs(8)") == [i for i, line in enumerate(lines) if "Active: " in line][0] + 1, f"{lines}")


def status_line(tree, unit, label):
    """What `status` says behind the label, or None."""
    lines = [line.strip() for line in tree.svcctl("status", unit).stdout.splitlines()]
    return next((line.partition(": ")[2] for line in lines if line.startswith(f"{label}: ")), None)


@scenario
def status_tells_why_it_was_restarted_and_why_it_failed(tree):
    tree.unit("again.service", "[Service]\nExecStart=@GUEST@ forever\nRestart=always\nRestartSec=100ms\n")
    tree.unit("once.service", "[Service]\nExecStart=@GUEST@ forever\n")
    tree.start("again.service", "once.service")
    expect_equal((status_line(tree, "again", "Restarts"), status_line(tree, "again", "Failure")), (None, None), "before")
    for unit in ("again", "once"):
        tree.good("kill", "--signal=KILL", "--kill-whom=main", unit)
    tree.wait_show("again.service", ActiveState="active", SubState="running", NRestarts=1)
    restarts = status_line(tree, "again", "Restarts")
    expect(restarts.startswith("1 (last: main process ended: code=killed, status=9/KILL, ") and restarts.endswith(" ago)"), restarts)
    expect_equal(status_line(tree, "again", "Failure"), None, "a unit that runs has no failure")
    tree.wait_show("once.service", ActiveState="failed")
    expect_equal(status_line(tree, "once", "Restarts"), None)
    expect_equal(status_line(tree, "once", "Failure"), "main process ended: code=killed, status=9/KILL")
    tree.start("once.service")
    expect_equal((status_line(tree, "once", "Restarts"), status_line(tree, "once", "Failure")), (None, None), "started anew")


@scenario
def refusals_read_like_systemctls(tree):
    tree.unit("typo.service", "[Service]\nExecStart=@GUEST@ forever\nRestrat=no\n")
    tree.unit("section.service", "[Servise]\nExecStart=@GUEST@ forever\n")
    tree.unit("manual.service", "[Unit]\nRefuseManualStart=yes\n[Service]\nExecStart=@GUEST@ forever\n")
    tree.unit("needs.service", "[Unit]\nRequires=nosuch.service\n[Service]\nExecStart=@GUEST@ forever\n")
    tree.unit("steady.service", "[Service]\nExecStart=@GUEST@ forever\n")
    os.symlink("/dev/null", tree.path("units", "masked.service"))
    tree.start("steady.service")
    units = f"{INSIDE}/units"
    for verb, unit, status, text in (
            ("start", "nosuch", 5, "Unit nosuch.service not found."), ("start", "needs", 5, "Unit nosuch.service not found."),
            ("stop", "nosuch", 5, "Unit nosuch.service not loaded."), ("start", "masked", 1, "Unit masked.service is masked."),
            ("start", "typo", 1, f"{units}/typo.service:3: unknown key 'Restrat=' in [Service]; did you mean 'Restart='?"),
            ("start", "section", 1, f"{units}/section.service:1: unknown section [Servise] in a service; did you mean [Service]?"),
            ("reload", "steady", 3, "Job type reload is not applicable for unit steady.service."),
            ("start", "manual", 4, "Operation refused, unit manual.service may be requested by dependency only.")):
        result = tree.svcctl(verb, unit)
        expect_equal((result.returncode, result.stderr), (status, f"Failed to {verb} {unit}.service: {text}\n"), f"{verb} {unit}")


@scenario
def every_reading_verb_speaks_json(tree):
    web(tree)
    tree.start("web.service")
    units = {row["unit"]: row for row in json.loads(tree.good("list-units", "--json"))}
    expect_equal(units["web.service"], {"unit": "web.service", "load": "loaded", "active": "active", "sub": "running",
                                        "description": "A web server"})
    expect("web.service" in [row["unit_file"] for row in json.loads(tree.good("list-unit-files", "--json"))], "list-unit-files")
    expect_equal(json.loads(tree.good("list-jobs", "--json")), [], "list-jobs")
    expect_equal(json.loads(tree.good("list-dependencies", "--json", "web")), {"base.service": {}}, "list-dependencies")
    expect_equal(json.loads(tree.good("is-active", "--json", "web")), {"web.service": "active"}, "is-active")
    expect_equal(json.loads(tree.svcctl("is-failed", "--json", "web").stdout), {"web.service": "active"}, "is-failed")
    expect_equal(json.loads(tree.good("is-enabled", "--json", "web")), {"web.service": "static"}, "is-enabled")
    expect_equal(json.loads(tree.good("is-system-running", "--json")), {"state": "running"}, "is-system-running")
    status = json.loads(tree.good("status", "--json", "web"))
    expect_equal(status["ActiveState"], "active", "status")
    expect_equal([process[1] for process in status["Processes"]], [status["MainPID"]], "processes")
    expect("SystemState" in json.loads(tree.good("status", "--json")), "status of the manager")
    expect_equal(json.loads(tree.good("show", "--json", "-p", "Id", "web")), {"Id": "web.service"}, "show")
    expect_equal(json.loads(tree.good("show", "--json", "-p", "SystemState")), {"SystemState": "running"}, "show of the manager")
    expect("A web server" in json.loads(tree.good("cat", "--json", "web"))[0]["text"], "cat")
    steps = json.loads(tree.good("explain", "--json", "web"))["steps"]
    expect(any(step["directive"] == "PrivateTmp" and step["where"].endswith("web.service:7") for step in steps), f"{steps}")


@scenario
def json_of_several_units_is_one_text(tree):
    web(tree)
    tree.start("web.service")
    for verb in (["status"], ["show", "-p", "Id"], ["cat"], ["explain"], ["list-dependencies"], ["is-active"]):
        expect_equal(sorted(json.loads(tree.good(*verb, "--json", "web", "base"))), ["base.service", "web.service"], verb[0])
    expect_equal(list(json.loads(tree.good("status", "--json", "we*"))), ["web.service"], "a pattern")
    expect_equal(json.loads(tree.good("status", "--json", "nothing*")), {}, "a pattern that matches nothing")
    result = tree.svcctl("status", "--json", "web", "gone")
    expect_equal((result.returncode, list(json.loads(result.stdout))), (4, ["web.service"]), "one that is not there")


@scenario
def json_of_logs_is_one_object_to_a_line(tree):
    tree.unit("binary.service", "[Service]\nType=oneshot\nExecStart=" + r"""/bin/sh -c 'printf "a\\377b\\001\\042\\nc\\n"'""" + "\n")
    tree.start("binary.service")
    texts = [json.loads(line) for line in wait_for(lambda: "c" in tree.svcctl("logs", "binary").stdout and
                                                   tree.good("logs", "--json", "binary"), "its output").splitlines()]
    expect("a\ufffdb\x01\"" in [entry["text"] for entry in texts], f"{texts}")
    expect_equal({entry["unit"] for entry in texts}, {"binary.service"})
    expect("\ufffd" in str(json.loads(tree.svcctl("status", "--json", "binary").stdout)["Log"]), "status")


@scenario
def lists(tree):
    web(tree)
    tree.start("web.service")
    expect_equal([line.split()[0] for line in tree.good("list-units", "--no-legend", "we*").splitlines()], ["web.service"])
    expect_equal(tree.good("list-units", "--no-legend", "--state=failed"), "")
    expect_equal(tree.good("list-units", "--no-legend", "-t", "target"), "")
    expect_equal(tree.good("list-dependencies", "web"), "web.service\n└─base.service\n")
    expect_equal(tree.good("show", "web", "-P", "Id,Type").split(), ["web.service", "simple"])
    expect(tree.good("cat", "web").startswith(f"# {INSIDE}/units/web.service\n[Unit]\n"), "cat")
    tree.good("stop", "we*")
    tree.expect_show("web.service", ActiveState="inactive")


@scenario
def waiting(tree):
    tree.unit("short.service", "[Service]\nExecStart=@GUEST@ sleep 0.3\n")
    tree.unit("bad.service", "[Service]\nExecStart=@GUEST@ sleep 0.3 -- exit 5\n")
    tree.unit("slow.service", "[Service]\nType=oneshot\nExecStart=@GUEST@ sleep 60\n")
    tree.good("start", "--wait", "short")
    tree.expect_show("short.service", ActiveState="inactive", Result="success")
    expect_equal(tree.svcctl("start", "--wait", "bad").returncode, 1, "--wait on a unit that fails")
    tree.good("start", "--no-block", "slow")
    job = json.loads(tree.good("list-jobs", "--json"))[0]
    expect_equal((job["unit"], job["type"], job["state"]), ("slow.service", "start", "running"))
    tree.good("cancel", str(job["job"]))
    expect_equal(json.loads(tree.good("list-jobs", "--json")), [], "after cancel")
    tree.good("stop", "slow")


@scenario
def logs_follow(tree):
    tree.unit("chatty.service", "[Service]\nExecStart=/bin/sh -c 'echo one; echo two; while :; do sleep 0.1; echo more; done'\n")
    tree.start("chatty.service")
    wait_for(lambda: "more" in tree.good("logs", "chatty"), "output in the log")
    expect_equal(len(tree.good("logs", "-n", "1", "chatty").splitlines()), 1, "-n 1")
    follow = subprocess.Popen(["nsenter", "--target", str(tree.pid), "--mount", "--pid", "--", f"{INSIDE}/bin/svcctl", "logs", "-f",
                               "-n", "0", "chatty"], stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "SVCD_RUNTIME_DIR": f"{INSIDE}/run"})
    try:
        expect(follow.stdout.readline().endswith(": more\n"), "a line that came later")
    finally:
        follow.kill()
        follow.wait()
        follow.stdout.close()


@scenario
def exec_ends_as_its_command_does(tree):
    web(tree)
    fails(tree, 5, "not loaded", "exec", "web", "--", "/bin/true")
    tree.start("web.service")
    for command, status, output in ((["exit 7"], 7, ""), (["kill -9 $$"], 137, ""), (["echo $X; pwd"], 0, "1\n/tmp\n")):
        result = tree.svcctl("exec", "-e", "X=1", "-w", "/tmp", "web", "--", "/bin/sh", "-c", *command)
        expect_equal((result.returncode, result.stdout), (status, output), f"{command}: {result.stderr}")
    # What stands behind the unit is the command's, options too.
    expect_equal(tree.good("exec", "web", "/bin/sh", "-c", "echo $0", "-f"), "-f\n")
    expect_equal(tree.svcctl("exec", "web", "--", "/nonexistent/command").returncode not in (0, 3), True, "a command that is not there")


def frozen(tree, unit):
    """What the kernel says."""
    with open(os.path.join(tree.cgroups_of(unit)[0], "cgroup.events")) as file:
        return "frozen 1" in file.read()


COUNTER = "[Service]\nExecStart=/bin/sh -c 'while :; do echo >>@DIR@/data/count; sleep 0.01; done'\n"


def count(tree):
    return os.path.getsize(tree.path("data", "count")) if tree.exists("data", "count") else 0


def counts_on(tree):
    """The payload works: it will have written more."""
    before = count(tree)
    wait_for(lambda: count(tree) > before, "the payload to go on")


@scenario
def freeze_and_thaw(tree):
    if not tree.cgroup:
        skip("there is no cgroup hierarchy of version 2")
    tree.unit("count.service", COUNTER)
    tree.unit("idle.service", "[Service]\nExecStart=@GUEST@ forever\n")
    tree.unit("some.target", "[Unit]\n")
    tree.start("count.service", "some.target")
    counts_on(tree)
    expect_equal(tree.show("count.service", "FreezerState", "CanFreeze"), {"FreezerState": "running", "CanFreeze": "yes"})
    tree.good("freeze", "count")
    # Answered when it is so: nothing is left that could write.
    expect(frozen(tree, "count.service"), "the kernel says that it is frozen")
    tree.expect_show("count.service", FreezerState="frozen", ActiveState="active", SubState="running")
    expect("active (running) (frozen) since " in status_line(tree, "count", "Active"), "status")
    before = count(tree)
    tree.good("freeze", "count")
    for _ in range(5):
        tree.good("show", "count")
    expect_equal(count(tree), before, "lines while frozen")
    result = tree.svcctl("exec", "count", "/bin/true")
    expect(result.returncode == 125 and "is frozen" in result.stderr, f"exec: {result.returncode} {result.stderr}")
    tree.good("thaw", "count")
    expect(not frozen(tree, "count.service"), "the kernel says that it runs")
    tree.expect_show("count.service", FreezerState="running")
    counts_on(tree)
    tree.good("thaw", "count")
    for verb, done in (("freeze", "frozen"), ("thaw", "thawed")):
        fails(tree, 1, f"Failed to {verb} unit idle.service: Unit idle.service is not active and cannot be {done}.", verb, "idle")
        fails(tree, 3, "has no processes of its own", verb, "some.target")
        fails(tree, 5, "Unit gone.service not loaded.", verb, "gone")


@scenario
def a_frozen_unit_survives_the_manager_and_can_be_stopped(tree):
    if not tree.cgroup:
        skip("there is no cgroup hierarchy of version 2")
    tree.unit("count.service", COUNTER + "ExecReload=@GUEST@ touch @DIR@/data/reloaded\nExecStop=@GUEST@ touch @DIR@/data/asked\n"
                                         "TimeoutStopSec=infinity\n")
    # Ended by SIGTERM, or never: there is no timeout.
    tree.unit("patient.service", "[Service]\nExecStart=@GUEST@ forever\nTimeoutStopSec=infinity\nSendSIGKILL=no\n")
    tree.unit("only-main.service", "[Service]\nExecStart=@GUEST@ forever\nTimeoutStopSec=infinity\nKillMode=process\n")
    units = ("count.service", "patient.service", "only-main.service")
    tree.start(*units)
    counts_on(tree)
    process = tree.main_process("count.service")
    tree.good("freeze", *units)
    manager = tree.manager_pid()
    tree.kill(manager)
    wait_for(lambda: tree.manager_pid() not in (None, manager), "another manager")
    wait_for(lambda: tree.svcctl("is-active", "count").returncode == 0, "svcctl to work again")
    for unit in units:
        expect(frozen(tree, unit), f"{unit} is still frozen")
        tree.expect_show(unit, FreezerState="frozen", ActiveState="active")
    expect_equal(tree.main_process("count.service"), process, "the process")
    # A command of the unit's would freeze with it.
    tree.good("reload", "count")
    expect(tree.exists("data", "reloaded"), "ExecReload= was run")
    tree.expect_show("count.service", FreezerState="running")
    counts_on(tree)
    tree.good("freeze", "count")
    tree.good("stop", *units)
    expect(tree.exists("data", "asked"), "ExecStop= was run")
    for unit in units:
        tree.expect_show(unit, ActiveState="inactive", Result="success", FreezerState="running")
        expect_equal(tree.cgroups_of(unit), [], f"cgroup of {unit}")
    # A killed main process ends the unit, and the next start is not frozen.
    tree.start("patient.service")
    tree.good("freeze", "patient")
    tree.good("kill", "--signal=KILL", "--kill-whom=main", "patient")
    tree.wait_show("patient.service", ActiveState="failed")
    tree.good("restart", "patient")
    tree.expect_show("patient.service", ActiveState="active", FreezerState="running")
    # At the end the tree shuts down with a frozen unit in it.
    tree.good("freeze", "patient")


@scenario
def verify_needs_no_manager(tree):
    web(tree)
    tree.unit("typo.service", "[Service]\nExecStart=@GUEST@ forever\nRestarts=yes\n")
    result = tree.run(f"{INSIDE}/bin/svcctl", "--runtime-dir=/nonexistent", "verify", f"{INSIDE}/units/typo.service")
    expect_equal(result.returncode, 1, "typo")
    expect("typo.service:3" in result.stderr and "Restart" in result.stderr, result.stderr)
    result = tree.run(f"{INSIDE}/bin/svcctl", "--runtime-dir=/nonexistent", "verify", f"{INSIDE}/units/web.service")
    expect_equal(result.returncode, 0, result.stderr)


# --- systemd's own client

def systemctl(tree, *arguments):
    return tree.run("env", "SYSTEMD_IGNORE_CHROOT=1", "SYSTEMD_PAGER=", "systemctl", "--no-pager", *arguments)


@scenario
def systemctl_works_unmodified(tree):
    if not shutil.which("systemctl"):
        skip("there is no systemctl here")
    web(tree)
    tree.unit("broken.service", "[Service]\nType=oneshot\nExecStart=@GUEST@ exit 3\n")
    # Both names are served on every socket, so systemd's may lead to the one there is.
    prepared = tree.run("sh", "-c", "mkdir -p /run/systemd && mount -t tmpfs none /run/systemd && mkdir /run/systemd/system && "
                                    f"ln -s {INSIDE}/run/bus /run/systemd/private")
    expect_equal(prepared.returncode, 0, prepared.stderr)
    for arguments, status, words in (
            (["start", "web"], 0, ""), (["status", "web"], 0, "Active: active (running) since"), (["is-active", "web"], 0, "active"),
            (["show", "-p", "Id,Type,MainPID", "web"], 0, "Type=simple"), (["show", "web"], 0, "ExecStart={ path="),
            (["list-units", "--all"], 0, "A web server"), (["list-unit-files"], 0, "web.service"), (["cat", "web"], 0, "[Service]"),
            (["list-dependencies", "web"], 0, "base.service"), (["is-enabled", "web"], 0, "static"), (["daemon-reload"], 0, ""),
            (["start", "gone"], 5, "not found"), (["status", "gone"], 4, "could not be found"),
            (["start", "broken"], 1, "control process exited with error code"), (["is-failed", "broken"], 0, "failed"),
            (["is-system-running"], 1, "degraded"), (["reset-failed", "broken"], 0, ""), (["restart", "web"], 0, ""),
            (["kill", "-s", "CONT", "web"], 0, ""), (["list-jobs"], 0, "No jobs"), (["stop", "web"], 0, ""),
            (["status", "web"], 3, "inactive (dead)")):
        result = systemctl(tree, *arguments)
        expect_equal(result.returncode, status, f"systemctl {' '.join(arguments)}: {result.stderr}{result.stdout}")
        expect(words in result.stdout + result.stderr, f"systemctl {' '.join(arguments)}: {result.stdout}{result.stderr}")
    # systemctl freeze itself speaks only over the system bus.
    if tree.cgroup:
        tree.good("start", "web")
        tree.good("freeze", "web")
        expect("active (running) (frozen) since" in systemctl(tree, "status", "web").stdout, "status of a frozen unit")
        expect_equal(systemctl(tree, "show", "-p", "FreezerState,CanFreeze", "web").stdout, "FreezerState=frozen\nCanFreeze=yes\n")


# --- the system bus

@test
def on_the_system_bus_everyone_may_look_and_root_may_act():
    if os.geteuid() != 0 or not shutil.which("dbus-daemon") or not shutil.which("setpriv"):
        skip("needs root, dbus-daemon and setpriv")
    address = f"unix:path={INSIDE}/data/system-bus"
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = address
    try:
        with Tree("system-bus") as tree:
            system_bus(tree, address)
    finally:
        del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]


def system_bus(tree, address):
    shutil.copy(os.path.join(DATA, "org.svcd1.conf"), tree.path("data", "policy.conf"))
    with open(tree.path("data", "bus.conf"), "w") as file:
        file.write('<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" '
                   '"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">\n<busconfig><type>system</type>'
                   f"<listen>{address}</listen><auth>EXTERNAL</auth><policy context='default'><allow user='*'/><deny own='*'/>"
                   "<deny send_type='method_call'/><allow send_type='signal'/><allow send_requested_reply='true'/>"
                   "<allow receive_type='method_call'/><allow receive_type='method_return'/><allow receive_type='error'/>"
                   "<allow receive_type='signal'/><allow send_destination='org.freedesktop.DBus'/></policy>"
                   f"<include>{INSIDE}/data/policy.conf</include></busconfig>\n")
    # The bus comes after the manager, as a service of it would.
    web(tree)
    tree.unit("bus.service", f"[Service]\nExecStart=/usr/bin/dbus-daemon --config-file={INSIDE}/data/bus.conf --nofork --nopidfile\n")
    tree.start("bus.service", "web.service")

    def nobody(*arguments):
        return tree.run("env", "-u", "SVCD_RUNTIME_DIR", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                        f"{INSIDE}/bin/svcctl", *arguments)

    wait_for(lambda: nobody("is-active", "web").stdout == "active\n", "the name on the system bus")
    expect_equal(nobody("status", "web").returncode, 0, "looking")
    expect_equal(nobody("status", "gone").returncode, 4, "looking at what is not there")
    for arguments in (["stop", "web"], ["kill", "web"], ["exec", "web", "--", "/bin/true"], ["logs", "web"], ["daemon-reload"], ["exit"]):
        result = nobody(*arguments)
        expect(result.returncode != 0 and "Only root" in result.stderr, f"nobody: {arguments}: {result.stderr}")
    tree.expect_show("web.service", ActiveState="active")
    root = tree.run("env", "-u", "SVCD_RUNTIME_DIR", f"{INSIDE}/bin/svcctl", "stop", "web")
    expect_equal(root.returncode, 0, f"root on the system bus: {root.stderr}")
    tree.expect_show("web.service", ActiveState="inactive")
    # A bus that is restarted finds the manager again.
    tree.good("restart", "bus")
    wait_for(lambda: nobody("is-active", "base").stdout == "active\n", "the name on the new system bus")


main()
