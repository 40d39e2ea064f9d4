"""What the manager's directives do, as small scenarios with the real programs. The guest leaves its traces in data/."""
import re

from svcd_test import expect, expect_equal, main, test, wait_for
from tree import Tree

UP = "notify READY=1 -- forever"
ONCE = "Type=oneshot\nRemainAfterExit=yes\n"


def scenario(function):
    """A case in a tree of its own."""
    def case():
        with Tree(function.__name__.replace("_", "-")) as tree:
            function(tree)
    case.__name__ = function.__name__
    test(case)
    return function


def unit(tree, name, words=UP, in_unit="", in_service="Type=notify\n"):
    tree.unit(name, f"[Unit]\n{in_unit}\n[Service]\n{in_service}\nExecStart=@GUEST@ {words}\n")


def note(tree):
    """What was appended to data/note, in order."""
    return tree.read("data", "note").split() if tree.exists("data", "note") else []


def wait_note(tree, expected):
    try:
        wait_for(lambda: note(tree) == expected, "note")
    except AssertionError:
        expect_equal(note(tree), expected, "what happened, in order")


def append(word):
    return f"append @DIR@/data/note {word}"


# --- the graph

@scenario
def requires_and_wants(tree):
    # directive: Unit.Requires Unit.Wants Unit.After
    unit(tree, "needed.service")
    unit(tree, "bad.service", "exit 3", in_service="Type=oneshot")
    unit(tree, "top.service", in_unit="Requires=needed.service\nWants=bad.service nosuch.service\nAfter=needed.service bad.service")
    unit(tree, "hard.service", in_unit="Requires=bad.service\nAfter=bad.service")
    tree.start("top.service")
    tree.expect_show("needed.service", ActiveState="active")
    tree.expect_show("bad.service", ActiveState="failed", Result="exit-code")
    expect_equal(tree.svcctl("start", "hard.service").returncode, 1, "start of a unit whose requirement fails")
    tree.expect_show("hard.service", ActiveState="inactive")
    tree.good("stop", "needed.service")
    tree.wait_show("top.service", ActiveState="inactive")


@scenario
def order(tree):
    # directive: Unit.Before Unit.After
    unit(tree, "b.service", f"sleep 0.2 -- {append('b')}", in_unit="Before=c.service", in_service=ONCE + f"ExecStop=@GUEST@ {append('-b')}")
    unit(tree, "c.service", append("c"), in_service=ONCE + f"ExecStop=@GUEST@ {append('-c')}")
    unit(tree, "d.service", append("d"), in_unit="After=c.service", in_service=ONCE + f"ExecStop=@GUEST@ {append('-d')}")
    tree.unit("all.target", "[Unit]\nWants=d.service c.service b.service\n")
    for name in ("b", "c", "d"):
        tree.unit(f"{name}.service.d/part.conf", "[Unit]\nPartOf=all.target\n")
    tree.start("all.target")
    expect_equal(note(tree), ["b", "c", "d"], "started in order")
    tree.good("stop", "all.target")
    wait_note(tree, ["b", "c", "d", "-d", "-c", "-b"])


@scenario
def requisite(tree):
    # directive: Unit.Requisite
    unit(tree, "base.service")
    unit(tree, "top.service", in_unit="Requisite=base.service\nAfter=base.service")
    expect_equal(tree.svcctl("start", "top.service").returncode, 1, "start without the requisite")
    tree.expect_show("base.service", ActiveState="inactive")
    tree.start("base.service")
    tree.start("top.service")


@scenario
def binds_to_and_part_of(tree):
    # directive: Unit.BindsTo Unit.PartOf
    unit(tree, "base.service")
    unit(tree, "bound.service", in_unit="BindsTo=base.service\nAfter=base.service")
    unit(tree, "part.service", in_unit="PartOf=base.service\nAfter=base.service")
    tree.start("bound.service", "part.service")
    before = tree.main_process("part.service")[0]
    tree.good("restart", "base.service")
    # The command waits for base.service only.
    wait_for(lambda: int(tree.show("part.service", "MainPID")) not in (0, before), "PartOf= is restarted too")
    tree.wait_show("part.service", ActiveState="active")
    tree.start("bound.service")
    tree.kill(tree.main_process("base.service")[0])
    tree.wait_show("bound.service", ActiveState="inactive")
    tree.expect_show("part.service", ActiveState="active")
    tree.start("base.service")
    tree.good("stop", "base.service")
    tree.wait_show("part.service", ActiveState="inactive")


@scenario
def upholds(tree):
    # directive: Unit.Upholds
    unit(tree, "held.service")
    unit(tree, "holder.service", in_unit="Upholds=held.service")
    tree.start("holder.service")
    tree.wait_show("held.service", ActiveState="active")
    before = tree.main_process("held.service")
    tree.kill(before[0])
    wait_for(lambda: tree.show("held.service", "ActiveState") == "active" and tree.main_process("held.service") != before, "it to be back")


@scenario
def conflicts(tree):
    # directive: Unit.Conflicts
    unit(tree, "one.service")
    unit(tree, "other.service", in_unit="Conflicts=one.service")
    tree.start("one.service")
    tree.start("other.service")
    tree.wait_show("one.service", ActiveState="inactive")
    tree.start("one.service")
    tree.wait_show("other.service", ActiveState="inactive")


@scenario
def on_failure_and_success(tree):
    # directive: Unit.OnFailure Unit.OnSuccess
    for name in ("good", "bad"):
        unit(tree, f"after-{name}.service", append(name), in_service="Type=oneshot")
    both = "OnFailure=after-bad.service\nOnSuccess=after-good.service"
    unit(tree, "fails.service", "exit 1", in_unit=both, in_service="Type=oneshot")
    unit(tree, "works.service", "exit 0", in_unit=both, in_service="Type=oneshot")
    tree.svcctl("start", "fails.service")
    wait_note(tree, ["bad"])
    tree.start("works.service")
    wait_note(tree, ["bad", "good"])


@scenario
def who_starts_a_handler_is_told(tree):
    tree.unit("handler@.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'env | grep ^MONITOR_ | sort >/mnt/data/monitor.tmp; "
                                  "mv /mnt/data/monitor.tmp /mnt/data/monitor-%i'\n")
    for name, command in (("fails", "exit 3"), ("works", "exit 0")):
        unit(tree, f"{name}.service", command, in_unit="OnFailure=handler@%p.service\nOnSuccess=handler@%p.service", in_service="Type=oneshot")
        tree.svcctl("start", f"{name}.service")
        wait_for(lambda: tree.exists("data", f"monitor-{name}"), f"the handler of {name}")
        told = dict(line.split("=", 1) for line in tree.read("data", f"monitor-{name}").splitlines())
        expect_equal(len(told.pop("MONITOR_INVOCATION_ID")), 32, "an invocation id")
        expect_equal(told, {"MONITOR_UNIT": f"{name}.service", "MONITOR_EXIT_CODE": "exited",
                            "MONITOR_EXIT_STATUS": "3" if name == "fails" else "0",
                            "MONITOR_SERVICE_RESULT": "exit-code" if name == "fails" else "success"}, name)


@scenario
def propagation(tree):
    # directive: Unit.PropagatesReloadTo Unit.PropagatesStopTo Service.ExecReload
    unit(tree, "second.service", in_service=f"Type=notify\nExecReload=@GUEST@ {append('reload')}")
    unit(tree, "first.service", in_unit="PropagatesReloadTo=second.service\nPropagatesStopTo=second.service",
         in_service=f"Type=notify\nExecReload=@GUEST@ {append('first')}")
    tree.start("first.service", "second.service")
    before = tree.main_process("first.service")
    tree.good("reload", "first.service")
    wait_for(lambda: sorted(note(tree)) == ["first", "reload"], "both reloads")
    expect_equal(tree.main_process("first.service"), before, "a reload keeps the process")
    tree.good("stop", "first.service")
    tree.wait_show("second.service", ActiveState="inactive")


@scenario
def stop_when_unneeded(tree):
    # directive: Unit.StopWhenUnneeded
    unit(tree, "helper.service", in_unit="StopWhenUnneeded=yes")
    unit(tree, "user.service", in_unit="Wants=helper.service\nAfter=helper.service")
    tree.start("user.service")
    tree.expect_show("helper.service", ActiveState="active")
    tree.good("stop", "user.service")
    tree.wait_show("helper.service", ActiveState="inactive")


@scenario
def refused_by_hand(tree):
    # directive: Unit.RefuseManualStart Unit.RefuseManualStop
    unit(tree, "base.service", in_unit="RefuseManualStart=yes\nRefuseManualStop=yes")
    unit(tree, "top.service", in_unit="Requires=base.service\nAfter=base.service")
    expect(tree.svcctl("start", "base.service").returncode != 0, "start by hand")
    tree.start("top.service")
    tree.expect_show("base.service", ActiveState="active")
    expect(tree.svcctl("stop", "base.service").returncode != 0, "stop by hand")
    tree.expect_show("base.service", ActiveState="active")


@scenario
def isolate(tree):
    # directive: Unit.AllowIsolate
    unit(tree, "kept.service")
    unit(tree, "other.service")
    tree.unit("rescue.target", "[Unit]\nAllowIsolate=yes\nRequires=kept.service\n")
    tree.unit("plain.target", "[Unit]\nRequires=kept.service\n")
    tree.start("kept.service", "other.service")
    expect(tree.svcctl("start", "--job-mode=isolate", "plain.target").returncode != 0, "isolate without AllowIsolate=")
    tree.expect_show("other.service", ActiveState="active")
    tree.good("start", "--job-mode=isolate", "rescue.target")
    tree.wait_show("other.service", ActiveState="inactive")
    tree.expect_show("kept.service", ActiveState="active")


@scenario
def conditions(tree):
    # directive: Unit.ConditionPathExists Unit.ConditionPathExistsGlob Unit.ConditionPathIsDirectory
    # directive: Unit.ConditionPathIsSymbolicLink Unit.ConditionPathIsReadWrite Unit.ConditionDirectoryNotEmpty
    # directive: Unit.ConditionFileNotEmpty Unit.ConditionFileIsExecutable
    # directive: Unit.AssertPathExists Unit.AssertPathExistsGlob Unit.AssertPathIsDirectory Unit.AssertPathIsSymbolicLink
    # directive: Unit.AssertPathIsReadWrite Unit.AssertDirectoryNotEmpty Unit.AssertFileNotEmpty Unit.AssertFileIsExecutable
    tree.run("sh", "-c", "cd /mnt/data && mkdir full empty && touch full/file blank && ln -s blank link && echo x >text")
    cases = {  # name: (holds, does not)
        "PathExists": ("@DIR@/data/text", "@DIR@/data/none"),
        "PathExistsGlob": ("@DIR@/data/t*t", "@DIR@/data/q*"),
        "PathIsDirectory": ("@DIR@/data/full", "@DIR@/data/text"),
        "PathIsSymbolicLink": ("@DIR@/data/link", "@DIR@/data/text"),
        "PathIsReadWrite": ("@DIR@/data", "/proc/sys/nosuch"),
        "DirectoryNotEmpty": ("@DIR@/data/full", "@DIR@/data/empty"),
        "FileNotEmpty": ("@DIR@/data/text", "@DIR@/data/blank"),
        "FileIsExecutable": ("@GUEST@", "@DIR@/data/text"),
    }
    for name, (holds, fails) in cases.items():
        for path, good in ((holds, True), (fails, False), ("!" + holds, False), ("!" + fails, True)):
            number = f"{name.lower()}-{'not-' if path[0] == '!' else ''}{'good' if good else 'bad'}"
            unit(tree, f"c-{number}.service", "exit 0", f"Condition{name}={path}", ONCE)
            unit(tree, f"a-{number}.service", "exit 0", f"Assert{name}={path}", ONCE)
            expect_equal(tree.svcctl("start", f"c-{number}.service").returncode, 0, f"Condition{name}={path}: a skipped start is no failure")
            tree.expect_show(f"c-{number}.service", ActiveState="active" if good else "inactive", ConditionResult="yes" if good else "no")
            expect_equal(tree.svcctl("start", f"a-{number}.service").returncode, 0 if good else 1, f"Assert{name}={path}")
            tree.expect_show(f"a-{number}.service", AssertResult="yes" if good else "no", ConditionResult="yes")
    unit(tree, "any.service", "exit 0", "ConditionPathExists=|/nosuch\nConditionPathExists=|@DIR@/data/text", ONCE)
    tree.start("any.service")
    tree.expect_show("any.service", ActiveState="active")


@scenario
def start_limit(tree):
    # directive: Unit.StartLimitIntervalSec Unit.StartLimitBurst
    unit(tree, "often.service", "exit 1", "StartLimitIntervalSec=1h\nStartLimitBurst=3", "Restart=on-failure\nRestartSec=10ms")
    tree.svcctl("start", "often.service")
    tree.wait_show("often.service", ActiveState="failed", Result="start-limit-hit")
    expect(int(tree.show("often.service", "NRestarts")) <= 3, "not more starts than allowed")
    expect_equal(tree.svcctl("start", "often.service").returncode, 1, "a start beyond the limit")
    unit(tree, "free.service", "exit 1", "StartLimitIntervalSec=0", "Restart=on-failure\nRestartSec=10ms")
    tree.svcctl("start", "free.service")
    wait_for(lambda: int(tree.show("free.service", "NRestarts")) > 8, "restarts without limit")
    tree.good("stop", "free.service")


@scenario
def job_timeout(tree):
    # directive: Unit.JobTimeoutSec
    unit(tree, "slow.service", "sleep 600", in_service="Type=oneshot", in_unit="JobTimeoutSec=300ms")
    result = tree.svcctl("start", "slow.service")
    expect_equal(result.returncode, 1, "a job that timed out")
    expect(re.search(r"(?i)time.?out|timed out", result.stderr), result.stderr)


@scenario
def shutdown_order(tree):
    # directive: Unit.DefaultDependencies
    unit(tree, "plain.service", in_service=f"Type=notify\nExecStopPost=@GUEST@ {append('plain')}")
    unit(tree, "late.service", in_unit="DefaultDependencies=no\nBefore=plain.service",
         in_service=f"Type=notify\nExecStopPost=@GUEST@ {append('late')}")
    tree.start("plain.service", "late.service")
    expect("shutdown.target" in tree.show("plain.service", "Conflicts"), "Conflicts= of an ordinary unit")
    expect("shutdown.target" not in tree.show("late.service", "Conflicts"), "Conflicts= without default dependencies")
    expect_equal(tree.shut_down(), [], "shutdown")
    expect_equal(note(tree), ["plain", "late"], "stopped in order")


@scenario
def enabled_states(tree):
    # directive: Install.WantedBy Install.RequiredBy Install.Also Install.Alias Install.DefaultInstance
    for name, lines in {"wanted.service": "WantedBy=multi.target", "required.service": "RequiredBy=multi.target",
                        "also.service": "Also=wanted.service", "alias.service": "Alias=other.service",
                        "template@.service": "WantedBy=multi.target\nDefaultInstance=one"}.items():
        tree.unit(name, f"[Service]\nExecStart=@GUEST@ forever\n[Install]\n{lines}\n")
    unit(tree, "static.service")
    tree.unit("multi.target", "[Unit]\nDescription=many\n")
    tree.run("sh", "-c", "cd /mnt/units && mkdir multi.target.wants multi.target.requires && ln -s ../wanted.service multi.target.wants/"
             " && ln -s ../required.service multi.target.requires/")
    listing = {line.split()[0]: line.split()[1] for line in tree.good("list-unit-files", "--no-legend").splitlines() if line.strip()}
    expected = {"wanted.service": "enabled", "required.service": "enabled", "also.service": "indirect", "alias.service": "disabled",
                "template@.service": "disabled", "static.service": "static", "multi.target": "static"}
    expect_equal({name: listing.get(name) for name in expected}, expected, "list-unit-files")
    tree.start("multi.target")
    tree.wait_show("wanted.service", ActiveState="active")
    tree.wait_show("required.service", ActiveState="active")


@scenario
def what_a_unit_is(tree):
    # directive: Unit.Description Unit.Documentation
    unit(tree, "told.service", in_unit="Description=A unit with words\nDocumentation=man:told(8) https://example.org/told")
    tree.start("told.service")
    tree.expect_show("told.service", Description="A unit with words", Documentation="man:told(8) https://example.org/told")
    status = tree.svcctl("status", "told.service").stdout
    expect("A unit with words" in status and "man:told(8)" in status, status)
    expect("A unit with words" in tree.good("list-units"), "list-units")


@scenario
def templates_and_drop_ins(tree):
    tree.unit("echo@.service", "[Service]\nType=oneshot\nExecStart=@GUEST@ equal %i a-b -- equal %p echo -- equal %n echo@a-b.service\n")
    tree.unit("echo@a-b.service.d/10-more.conf", "[Service]\nExecStart=@GUEST@ environment X=dropped\nEnvironment=X=dropped\n")
    tree.start("echo@a-b.service")
    expect("10-more.conf" in tree.good("cat", "echo@a-b.service"), "cat shows the drop-in")


main()
