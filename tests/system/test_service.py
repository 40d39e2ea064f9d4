"""What the directives of a service's life do: when it counts as started, how it is stopped, when it is started again."""
import os
import re
import socket
import time

from svcd_test import expect, expect_equal, main, test, wait_for
from tree import Tree

NOTE = "append @DIR@/data/note"


def scenario(function):
    """A case in a tree of its own."""
    def case():
        with Tree(function.__name__.replace("_", "-")) as tree:
            function(tree)
    case.__name__ = function.__name__
    test(case)
    return function


def service(tree, name, text):
    tree.unit(name, "[Service]\n" + text.strip() + "\n")


def note(tree):
    return tree.read("data", "note").split() if tree.exists("data", "note") else []


# --- when it has started

@scenario
def types(tree):
    # directive: Service.Type
    service(tree, "simple.service", "Type=simple\nExecStart=/nonexistent/program")
    tree.start("simple.service")
    tree.wait_show("simple.service", ActiveState="failed", ExecMainStatus=203)
    service(tree, "exec.service", "Type=exec\nExecStart=/nonexistent/program")
    expect_equal(tree.svcctl("start", "exec.service").returncode, 1, "Type=exec knows that exec failed")
    tree.expect_show("exec.service", ExecMainStatus=203)
    service(tree, "idle.service", "Type=idle\nExecStart=@GUEST@ forever")
    tree.start("idle.service")
    tree.expect_show("idle.service", SubState="running")
    service(tree, "oneshot.service", f"Type=oneshot\nExecStart=@GUEST@ sleep 0.2 -- {NOTE} 1\nExecStart=@GUEST@ {NOTE} 2")
    tree.start("oneshot.service")
    expect_equal(note(tree), ["1", "2"], "a oneshot has done its work when it has started")
    tree.expect_show("oneshot.service", ActiveState="inactive", Result="success")


@scenario
def more_commands_than_fit_a_byte(tree):
    # directive: Service.ExecStart
    service(tree, "many.service", "Type=oneshot\n" + "ExecStart=@GUEST@ exit 0\n" * 256 + f"ExecStart=@GUEST@ {NOTE} last")
    tree.start("many.service")
    expect_equal(note(tree), ["last"], "the 257th command, not the first again")


@scenario
def notify(tree):
    # directive: Service.Type Service.NotifyAccess
    service(tree, "ready.service", f"Type=notify\nExecStart=@GUEST@ sleep 0.2 -- {NOTE} ready -- notify READY=1 STATUS=fine -- forever")
    tree.start("ready.service")
    expect_equal(note(tree), ["ready"], "start waits for READY=1")
    tree.expect_show("ready.service", StatusText="fine", SubState="running")
    service(tree, "never.service", "Type=notify\nExecStart=@GUEST@ exit 0")
    expect_equal(tree.svcctl("start", "never.service").returncode, 1, "it ended without READY=1")
    tree.expect_show("never.service", Result="protocol")
    # In a mount namespace the socket is where it is on the host, whose tree gets no mount point; also where it would be hidden.
    points = "/run/svcd-notify", "/run/svcd-memory-pressure"
    existed = [os.path.exists(path) for path in points]
    for number, lines in enumerate(("PrivateTmp=yes\nProtectSystem=strict\nUser=65534\n",
                                    "TemporaryFileSystem=@DIR@/run\n", "InaccessiblePaths=@DIR@/data\nReadOnlyPaths=/\n",
                                    "PrivateUsers=yes\nProtectHome=tmpfs\n")):
        service(tree, f"sandboxed-{number}.service", f"Type=notify\nExecStart=@GUEST@ notify READY=1 STATUS=seen -- forever\n{lines}")
        tree.start(f"sandboxed-{number}.service")
        tree.expect_show(f"sandboxed-{number}.service", StatusText="seen", SubState="running")
        service(tree, f"pressed-{number}.service", "Type=oneshot\nMemoryPressureWatch=on\nExecStart=@GUEST@ memory-pressure "
                f"'some 200000 2000000'\n{lines}")
        tree.start(f"pressed-{number}.service")
    expect_equal([os.path.exists(path) for path in points], existed, "a mount point is left on the host")
    # The child lives on for a while: whose process a message came from cannot be told when that is gone.
    for access, code, seconds in (("all", 0, 60), ("main", 1, 2)):
        service(tree, f"child-{access}.service", f"Type=notify\nNotifyAccess={access}\nTimeoutStartSec={seconds}\n"
                "ExecStart=/bin/sh -c '@GUEST@ notify READY=1 -- sleep 60 & exec @GUEST@ forever'")
        expect_equal(tree.svcctl("start", f"child-{access}.service").returncode, code, f"NotifyAccess={access}, from a child")
    # The socket is open to every user: what is no process of the unit is not heard, be it outside the tree or in it.
    socket_path = os.path.join(tree.directory, "run", "notify", "child-all.service")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"STATUS=forged outside", socket_path)
    service(tree, "stranger.service", "Type=oneshot\nUser=65534\nEnvironment=NOTIFY_SOCKET=@DIR@/run/notify/child-all.service\n"
            "ExecStart=@GUEST@ notify STATUS=forged inside -- sleep 0.2")
    tree.start("stranger.service")
    expect_equal(tree.show("child-all.service", "StatusText"), "", "a stranger's status")


@scenario
def notify_reload(tree):
    # directive: Service.Type Service.ReloadSignal
    reload = f"notify RELOADING=1 MONOTONIC_USEC=9000000000000000 -- {NOTE} reloaded -- notify READY=1 -- forever"
    for signal, name in (("HUP", "default"), ("USR1", "chosen")):
        service(tree, f"{name}.service", f"Type=notify-reload\n{'ReloadSignal=USR1' if name == 'chosen' else ''}\n"
                f"ExecStart=@GUEST@ block {signal} -- notify READY=1 -- await-signal {signal} -- {reload}")
        tree.start(f"{name}.service")
        tree.good("reload", f"{name}.service")
    expect_equal(note(tree), ["reloaded", "reloaded"], "reload waits until it is done")


@scenario
def forking(tree):
    # directive: Service.Type Service.PIDFile Service.GuessMainPID
    service(tree, "file.service", "Type=forking\nPIDFile=@DIR@/data/pid\nExecStart=@GUEST@ daemonize @DIR@/data/pid -- forever")
    service(tree, "guess.service", "Type=forking\nExecStart=@GUEST@ daemonize -- forever")
    service(tree, "none.service", "Type=forking\nGuessMainPID=no\nExecStart=@GUEST@ daemonize -- forever")
    tree.start("file.service", "guess.service", "none.service")
    expect_equal(tree.show("file.service", "MainPID"), tree.read("data", "pid").strip(), "the process of PIDFile=")
    expect(int(tree.show("guess.service", "MainPID")) > 0, "the only process is the main one")
    expect_equal(tree.show("none.service", "MainPID"), "0", "GuessMainPID=no")
    tree.expect_show("guess.service", SubState="running")
    tree.kill(int(tree.show("guess.service", "MainPID")))
    tree.wait_show("guess.service", ActiveState="failed", Result="signal")
    tree.good("stop", "file.service", "none.service")


@scenario
def commands(tree):
    # directive: Service.ExecCondition Service.ExecStartPre Service.ExecStart Service.ExecStartPost Service.ExecReload
    # directive: Service.ExecStop Service.ExecStopPost Service.RemainAfterExit
    service(tree, "all.service", f"""Type=notify
ExecCondition=@GUEST@ {NOTE} condition
ExecStartPre=@GUEST@ {NOTE} pre1
ExecStartPre=-@GUEST@ {NOTE} pre2 -- exit 1
ExecStart=@GUEST@ {NOTE} main -- notify READY=1 -- forever
ExecStartPost=@GUEST@ environment MAINPID=* -- {NOTE} post
ExecReload=@GUEST@ environment MAINPID=* -- {NOTE} reload
ExecStop=@GUEST@ environment MAINPID=* -- {NOTE} stop
ExecStopPost=@GUEST@ environment SERVICE_RESULT=success -- {NOTE} stop-post""")
    tree.start("all.service")
    tree.good("reload", "all.service")
    tree.good("stop", "all.service")
    expect_equal(note(tree), "condition pre1 pre2 main post reload stop stop-post".split(), "the order of commands")
    tree.expect_show("all.service", Result="success")
    service(tree, "skip.service", f"Type=oneshot\nExecCondition=@GUEST@ exit 1\nExecStart=@GUEST@ {NOTE} never")
    tree.start("skip.service")
    tree.expect_show("skip.service", ActiveState="inactive", Result="exec-condition")
    service(tree, "pre.service", f"ExecStartPre=@GUEST@ exit 1\nExecStart=@GUEST@ {NOTE} never\nExecStopPost=@GUEST@ {NOTE} cleaned")
    expect_equal(tree.svcctl("start", "pre.service").returncode, 1, "a failed ExecStartPre=")
    service(tree, "remains.service", "Type=oneshot\nRemainAfterExit=yes\nExecStart=@GUEST@ exit 0")
    tree.start("remains.service")
    tree.expect_show("remains.service", ActiveState="active", SubState="exited")
    expect_equal(note(tree)[8:], ["cleaned"], "what ran besides")


@scenario
def command_prefixes(tree):
    service(tree, "prefix.service", """Type=oneshot
User=www-data
PrivateNetwork=yes
ExecStart=@GUEST@ uid 33 -- namespace net differs @NS_net@
ExecStart=+@GUEST@ uid 0 -- namespace net is @NS_net@
ExecStart=!@GUEST@ uid 0 -- namespace net differs @NS_net@
ExecStart=-@GUEST@ exit 1
ExecStart=:@GUEST@ words 1 $NOSUCH
ExecStart=@@GUEST@ other-name uid 33""")
    tree.start("prefix.service")


# --- when it ends

@scenario
def restart(tree):
    # directive: Service.Restart
    ends = {"clean": "exit 0", "code": "exit 1", "signal": "kill-self KILL", "term": "kill-self TERM", "abort": "kill-self ABRT"}
    again = {"no": (), "on-success": ("clean", "term"), "on-failure": ("code", "signal", "abort"), "on-abnormal": ("signal", "abort"),
             "on-abort": ("signal", "abort"), "on-watchdog": (), "always": tuple(ends)}
    for mode, expected in again.items():
        for end, words in ends.items():
            # The second time it stays: it finds what the first one left.
            first = f"{mode}-{end}"
            service(tree, f"{first}.service", f"Restart={mode}\nRestartSec=10ms\n"
                    f"ExecStart=/bin/sh -c 'if [ -e @DIR@/data/{first} ]; then exec @GUEST@ forever; fi; "
                    f": >@DIR@/data/{first}; exec @GUEST@ {words}'")
    units = [f"{mode}-{end}.service" for mode in again for end in ends]
    tree.start(*units)
    for mode, expected in again.items():
        for end in ends:
            name = f"{mode}-{end}.service"
            if end in expected:
                tree.wait_show(name, ActiveState="active", SubState="running", NRestarts=1)
            else:
                tree.wait_show(name, ActiveState="inactive" if end in ("clean", "term") else "failed", NRestarts=0)


@scenario
def restart_delay(tree):
    # directive: Service.RestartSec Service.RestartMaxDelaySec Service.RestartSteps
    service(tree, "waits.service", "Restart=always\nRestartSec=1h\nExecStart=@GUEST@ exit 0")
    tree.svcctl("start", "waits.service")
    tree.wait_show("waits.service", ActiveState="activating", SubState="auto-restart")
    tree.expect_show("waits.service", RestartUSec="1h")
    tree.good("stop", "waits.service")
    tree.expect_show("waits.service", ActiveState="inactive")
    tree.unit("grows.service", "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=1ms\nRestartMaxDelaySec=1h\n"
              "RestartSteps=3\nExecStart=@GUEST@ exit 0\n")
    tree.svcctl("start", "grows.service")
    tree.wait_show("grows.service", SubState="auto-restart", NRestarts=1, seconds=30)
    time.sleep(0.5)
    expect(int(tree.show("grows.service", "NRestarts")) <= 2, "the wait grows with each restart")


@scenario
def exit_statuses(tree):
    # directive: Service.SuccessExitStatus Service.RestartPreventExitStatus Service.RestartForceExitStatus
    service(tree, "good.service", "Type=oneshot\nSuccessExitStatus=7 SIGKILL\nExecStart=@GUEST@ exit 7\nExecStart=@GUEST@ kill-self KILL")
    tree.start("good.service")
    tree.expect_show("good.service", Result="success")
    service(tree, "prevent.service", "Restart=always\nRestartSec=10ms\nRestartPreventExitStatus=7\nExecStart=@GUEST@ exit 7")
    tree.svcctl("start", "prevent.service")
    tree.wait_show("prevent.service", ActiveState="failed", NRestarts=0)
    service(tree, "force.service", "RestartSec=10ms\nRestartForceExitStatus=8\n"
            "ExecStart=/bin/sh -c 'test -e @DIR@/data/f && exec @GUEST@ forever; : >@DIR@/data/f; exit 8'")
    tree.svcctl("start", "force.service")
    tree.wait_show("force.service", ActiveState="active", NRestarts=1)


@scenario
def timeouts(tree):
    # directive: Service.TimeoutStartSec Service.TimeoutStopSec Service.TimeoutSec Service.RuntimeMaxSec
    # directive: Service.SendSIGKILL Service.FinalKillSignal
    service(tree, "start.service", "Type=notify\nTimeoutStartSec=300ms\nExecStart=@GUEST@ forever")
    expect_equal(tree.svcctl("start", "start.service").returncode, 1, "TimeoutStartSec=")
    tree.expect_show("start.service", ActiveState="failed", Result="timeout")
    for line in ("TimeoutStopSec=300ms", "TimeoutSec=300ms"):
        name = line.partition("=")[0].lower() + ".service"
        service(tree, name, f"Type=notify\n{line}\nExecStart=@GUEST@ ignore TERM -- notify READY=1 -- forever")
        tree.start(name)
        tree.good("stop", name)
        tree.expect_show(name, ActiveState="failed", Result="timeout")
    service(tree, "runtime.service", "RuntimeMaxSec=300ms\nExecStart=@GUEST@ forever")
    tree.start("runtime.service")
    tree.wait_show("runtime.service", ActiveState="failed", Result="timeout")
    service(tree, "final.service", f"Type=notify\nTimeoutStopSec=300ms\nFinalKillSignal=USR1\n"
            f"ExecStart=@GUEST@ ignore TERM -- block USR1 -- notify READY=1 -- await-signal USR1 -- {NOTE} usr1")
    tree.start("final.service")
    tree.good("stop", "final.service")
    expect_equal(note(tree), ["usr1"], "FinalKillSignal=")
    service(tree, "spared.service", "Type=notify\nTimeoutStopSec=300ms\nSendSIGKILL=no\n"
            "ExecStart=@GUEST@ ignore TERM -- notify READY=1 -- forever")
    tree.start("spared.service")
    pid = tree.main_process("spared.service")[0]
    tree.svcctl("stop", "spared.service")
    expect_equal(tree.run("kill", "-0", str(pid)).returncode, 0, "SendSIGKILL=no leaves it alone")
    # Nor is there a second one beside it.
    expect_equal(tree.svcctl("start", "spared.service").returncode, 1, "a start beside what is left")
    tree.expect_show("spared.service", ActiveState="failed", Result="resources")
    tree.kill(pid)
    wait_for(lambda: tree.svcctl("start", "spared.service").returncode == 0, "a start when it is gone")
    tree.kill(tree.main_process("spared.service")[0])


@scenario
def watchdog(tree):
    # directive: Service.WatchdogSec Service.WatchdogSignal Service.TimeoutAbortSec
    service(tree, "fed.service", "Type=notify\nWatchdogSec=2\nExecStart=@GUEST@ environment WATCHDOG_USEC=2000000 -- notify READY=1 -- "
            "sleep 1 -- notify WATCHDOG=1 -- sleep 1.5 -- write @DIR@/data/fed yes -- notify WATCHDOG=1 -- exit 0")
    service(tree, "hungry.service", "Type=notify\nWatchdogSec=300ms\nWatchdogSignal=USR2\n"
            f"ExecStart=@GUEST@ block USR2 -- notify READY=1 -- await-signal USR2 -- {NOTE} usr2 -- exit 1")
    service(tree, "stuck.service", "Type=notify\nWatchdogSec=300ms\nTimeoutAbortSec=300ms\nTimeoutStopSec=1h\n"
            "ExecStart=@GUEST@ ignore ABRT -- notify READY=1 -- forever")
    tree.start("fed.service", "hungry.service", "stuck.service")
    tree.wait_show("hungry.service", ActiveState="failed", Result="watchdog")
    expect_equal(note(tree), ["usr2"], "WatchdogSignal=")
    tree.wait_show("stuck.service", ActiveState="failed", Result="watchdog")
    tree.wait_show("fed.service", ActiveState="inactive", Result="success")
    expect(tree.exists("data", "fed"), "a service that is fed lives on")


@scenario
def kill_modes(tree):
    # directive: Service.KillMode
    # mode: the child gets SIGTERM, the child lives on
    modes = {"control-group": (True, False), "mixed": (False, False), "process": (False, True), "none": (False, True)}
    for mode, (child_hears, child_lives) in modes.items():
        # The child says that it got SIGTERM, then stays; the main process ends by it.
        service(tree, f"{mode}.service", f"Type=notify\nKillMode={mode}\nTimeoutStopSec=1\n"
                f"ExecStart=/bin/sh -c '@GUEST@ block TERM -- pid-file @DIR@/data/{mode} -- await-signal TERM -- {NOTE} {mode} -- "
                f"forever & while ! test -e @DIR@/data/{mode}; do sleep 0.01; done; exec @GUEST@ notify READY=1 -- forever'")
        tree.start(f"{mode}.service")
        main_pid = tree.main_process(f"{mode}.service")[0]
        tree.svcctl("stop", f"{mode}.service")
        expect_equal(mode in note(tree), child_hears, f"KillMode={mode}: the child gets SIGTERM")
        pid = int(tree.read("data", mode))
        expect_equal(tree.run("kill", "-0", str(pid)).returncode == 0, child_lives, f"KillMode={mode}: the child lives on")
        for left in (pid, main_pid):
            tree.run("kill", "-KILL", str(left))


@scenario
def stop_signals(tree):
    # directive: Service.KillSignal Service.RestartKillSignal Service.SendSIGHUP Container.StopSignal Container.StopTimeout
    service(tree, "usr1.service", f"Type=notify\nKillSignal=USR1\nRestartKillSignal=USR2\n"
            f"ExecStart=/bin/sh -c \"trap '@GUEST@ {NOTE} usr1; exit' USR1; trap '@GUEST@ {NOTE} usr2; exit' USR2; "
            "@GUEST@ notify READY=1; while :; do sleep 0.05; done\"\nNotifyAccess=all")
    tree.start("usr1.service")
    tree.good("restart", "usr1.service")
    expect_equal(note(tree), ["usr2"], "RestartKillSignal=")
    tree.good("stop", "usr1.service")
    expect_equal(note(tree), ["usr2", "usr1"], "KillSignal=")
    service(tree, "hup.service", f"Type=notify\nSendSIGHUP=yes\n"
            f"ExecStart=@GUEST@ ignore TERM -- block HUP -- notify READY=1 -- await-signal HUP -- {NOTE} hup")
    tree.start("hup.service")
    tree.good("stop", "hup.service")
    expect_equal(note(tree)[2:], ["hup"], "SendSIGHUP=")
    # A suspended process hears of it too, and the watchdog's signal comes alone.
    service(tree, "suspended.service", "Type=notify\nTimeoutStopSec=20\nExecStart=@GUEST@ child kill-self STOP -- notify READY=1 -- forever")
    tree.start("suspended.service")
    tree.good("stop", "suspended.service")
    tree.expect_show("suspended.service", Result="success")
    service(tree, "hungry.service", "Type=notify\nWatchdogSec=300ms\nWatchdogSignal=USR2\nSendSIGHUP=yes\n"
            f"ExecStart=@GUEST@ block USR2 -- block HUP -- notify READY=1 -- await-signal USR2 -- {NOTE} usr2 -- exit 0")
    tree.start("hungry.service")
    tree.wait_show("hungry.service", ActiveState="failed", Result="watchdog", ExecMainCode="1", ExecMainStatus="0")
    os.truncate(tree.path("data", "note"), len("usr2\nusr1\nhup\n"))
    tree.unit("box.service", "[Container]\nImage=@IMAGE@\nVolume=@DIR@/data:/data\nNotify=yes\nStopSignal=INT\nStopTimeout=300ms\n"
              "Exec=/guest block INT -- notify READY=1 -- await-signal INT -- append /data/note int -- forever\n")
    tree.start("box.service")
    tree.good("stop", "box.service")
    expect_equal(note(tree)[3:], ["int"], "StopSignal=")
    tree.expect_show("box.service", Result="timeout")


@scenario
def container_commands(tree):
    # directive: Container.Notify Container.Entrypoint Container.Exec
    tree.unit("box.service", "[Container]\nImage=@IMAGE@\nNotify=yes\nEntrypoint=/guest\n"
              "Exec=sleep 0.2 -- touch /volume/ready -- notify READY=1 -- forever\nVolume=@DIR@/data:/volume\n")
    tree.start("box.service")
    expect(tree.exists("data", "ready"), "start waits for READY=1")


@scenario
def kill_by_hand(tree):
    service(tree, "a.service", f"Type=notify\nExecStart=@GUEST@ block USR1 -- notify READY=1 -- await-signal USR1 -- {NOTE} usr1 -- forever")
    tree.start("a.service")
    tree.good("kill", "--signal=USR1", "a.service")
    wait_for(lambda: note(tree) == ["usr1"], "the signal")
    tree.good("kill", "--signal=KILL", "a.service")
    tree.wait_show("a.service", ActiveState="failed", Result="signal")
    expect_equal(tree.svcctl("is-failed", "a.service").returncode, 0, "is-failed")
    tree.good("reset-failed", "a.service")
    tree.expect_show("a.service", ActiveState="inactive")


@scenario
def messages(tree):
    """A wrong line stops the unit, with file, line and what was probably meant."""
    wrong = [
        ("[Service]\nExecStart=@GUEST@ exit 0\nNoNewPrivilege=yes\n", r":3.*NoNewPrivilege.*NoNewPrivileges"),
        ("[Service]\nExecStart=@GUEST@ exit 0\nRestart=sometimes\n", r":3.*Restart.*sometimes"),
        ("[Service]\nExecStart=@GUEST@ exit 0\nTimeoutStopSec=soon\n", r":3.*TimeoutStopSec.*soon"),
        ("[Service]\nExecStart=@GUEST@ exit 0\nMemoryMax=lots\n", r":3.*MemoryMax.*lots"),
        ("[Service]\nExecStart=@GUEST@ exit 0\nUser=no:such\n", r":3.*User"),
        ("[Service]\nExecStart=relative/path\n", r":2.*ExecStart"),
        ("[Service]\nExecStart=@GUEST@ exit 0\nPrivateNetwork=perhaps\n", r":3.*PrivateNetwork.*perhaps"),
        ("[Service]\nExecStart=@GUEST@ exit 0\nCapabilityBoundingSet=CAP_EVERYTHING\n", r":3.*CAP_EVERYTHING"),
        ("[Service]\nExecStart=@GUEST@ exit 0\nProtectSystem=ful\n", r":3.*ProtectSystem.*ful"),
        ("[Service]\nExecStart=@GUEST@ exit 0\nKillSignal=SIGNONE\n", r":3.*KillSignal.*SIGNONE"),
        ("[Service]\nExecStart=@GUEST@ exit 0\nLimitNOFILE=many\n", r":3.*LimitNOFILE.*many"),
        ("[Service]\nExecStart=@GUEST@ exit 0\nUMask=9\n", r":3.*UMask"),
        ("[Service]\nExecStart=@GUEST@ exit 0\nWorkingDirectory=relative\n", r":3.*WorkingDirectory"),
        ("[Service]\nExecStart=@GUEST@ exit 0\nEnvironment=1A=b\n", r":3.*Environment"),
        ("[Service]\nExecStart=@GUEST@ 'unfinished\n", r":2.*ExecStart"),
        ("[Service]\nExecStart=@GUEST@ %?\n", r":2"),
        ("[Service]\n\\\n# comment\nExecStart=@GUEST@ a \\\n  b\n\nBroken=1\n", r":7.*Broken"),
        ("[Servise]\nExecStart=@GUEST@ exit 0\n", r":1.*Servise.*Service"),
        ("[Service]\nType=simple\n", r"ExecStart"),
        ("[Container]\nImage=/\nVolume=a/b:c\nExec=/guest\n", r":3.*Volume"),
        ("[Container]\nImage=@IMAGE@\nNetwork=bridge\nExec=/guest\n", r":3.*Network.*bridge"),
        ("[Unit]\nAfter=nosuffix\n[Service]\nExecStart=@GUEST@ exit 0\n", r":2.*After.*nosuffix"),
        ("ExecStart=@GUEST@ exit 0\n", r":1"),
        ("[Service]\nExecStart=@GUEST@ exit 0\nno equals sign\n", r":3"),
    ]
    for number, (text, pattern) in enumerate(wrong):
        name = f"wrong{number}.service"
        tree.unit(name, text)
        started, verified = tree.svcctl("start", name), tree.svcctl("verify", f"/mnt/units/{name}")
        expect_equal(started.returncode, 1, f"start of {text!r}: {started.stderr}")
        expect(verified.returncode != 0, f"verify of {text!r}")
        for told in (started.stderr, verified.stderr + verified.stdout):
            expect(re.search((re.escape(name) if pattern[0] == ":" else "") + pattern, told), f"{text!r}: {pattern} not in {told!r}")
    tree.unit("right.service", "[Service]\nExecStart=@GUEST@ exit 0\nX-Mine=anything\n[X-Section]\nA=b\n")
    tree.good("verify", "/mnt/units/right.service")


main()
