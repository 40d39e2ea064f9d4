"""What becomes of what services print: levels, filters, limits, fields, other places."""
import json
import os
import time

from svcd_test import expect, expect_equal, main, skip, test, wait_for
from tree import Tree

_tree = None


def the_tree():
    global _tree
    if not _tree:
        os.environ["TREE_HOST_VARIABLE"] = "from the manager"
        _tree = Tree("log").__enter__()
    return _tree


def every_entry(unit):
    """As `svcctl logs --json` has them: an object to a line."""
    return [json.loads(line) for line in the_tree().good("logs", "--json", "-n", "1000", unit).splitlines()]


def entries(unit):
    """The service's own lines."""
    return [line for line in every_entry(unit) if line["pid"] > 0]


def printed(name, command, extra, count=None):
    """Runs a oneshot and returns its lines, as soon as there are COUNT of them."""
    tree = the_tree()
    tree.unit(name, f"[Service]\nType=oneshot\nExecStart=/bin/sh -c '{command}'\n{extra}")
    tree.good("daemon-reload")
    tree.start(name)
    if count is not None:
        wait_for(lambda: len(entries(name)) >= count, f"{count} lines of {name}")
    return entries(name)


def texts(lines):
    return [line["text"] for line in lines]


@test
def a_prefix_says_the_level():
    # directive: Service.SyslogLevelPrefix Service.SyslogLevel
    lines = printed("prefix.service", 'echo "<3>bad"; echo plain; echo "<7>detail"; echo "<x>odd"; echo "<3"', "", 5)
    expect_equal([(line["priority"], line["text"]) for line in lines],
                 [(3, "bad"), (6, "plain"), (7, "detail"), (6, "<x>odd"), (6, "<3")], "levels")
    lines = printed("no-prefix.service", 'echo "<3>bad"', "SyslogLevelPrefix=no\nSyslogLevel=notice\n", 1)
    expect_equal([(line["priority"], line["text"]) for line in lines], [(5, "<3>bad")], "SyslogLevelPrefix=no")


@test
def lines_have_a_name_and_a_facility():
    # directive: Service.SyslogIdentifier Service.SyslogFacility
    lines = printed("named.service", "echo hello", "SyslogIdentifier=web-%p\nSyslogFacility=local3\n", 1)
    expect_equal((lines[0]["identifier"], lines[0]["facility"], lines[0]["priority"]), ("web-named", 19, 6), "identifier and facility")
    expect(f"web-named[{lines[0]['pid']}]: hello" in the_tree().good("logs", "named.service"), "the name is not shown")


@test
def fields_are_kept_with_each_line():
    # directive: Service.LogExtraFields
    lines = printed("fields.service", 'echo one; printf "t\\037wo=2\\n"', "LogExtraFields=ROLE=front \"PLACE=here and there\"\n", 2)
    for line in lines:
        expect_equal(line["fields"], {"ROLE": "front", "PLACE": "here and there"}, "fields")
    expect_equal(texts(lines), ["one", "t\x1fwo=2"], "a separator in the text is the text's own")


@test
def what_matters_little_is_dropped():
    # directive: Service.LogLevelMax
    lines = printed("max.service", 'echo "<3>bad"; echo plain; echo "<4>hm"', "LogLevelMax=warning\n", 2)
    expect_equal(texts(lines), ["bad", "hm"], "lines")
    every = every_entry("max.service")
    expect(all(line["priority"] <= 4 for line in every), f"the manager's own lines too: {every}")


@test
def patterns_choose_lines():
    # directive: Service.LogFilterPatterns
    command = "echo error one; echo error two secret; echo other; echo warning three"
    lines = printed("patterns.service", command, "LogFilterPatterns=^error\nLogFilterPatterns=three$\nLogFilterPatterns=~secret\n", 2)
    expect_equal(texts(lines), ["error one", "warning three"], "allowed and denied")
    lines = printed("denied.service", command, "LogFilterPatterns=~secret\n", 3)
    expect_equal(texts(lines), ["error one", "other", "warning three"], "denied only")


@test
def a_rate_is_limited():
    # directive: Service.LogRateLimitIntervalSec Service.LogRateLimitBurst
    tree = the_tree()
    lines = printed("rate.service", "i=0; while [ $$i -lt 100 ]; do echo $$i; i=$$((i+1)); done; sleep 1; echo later",
                    "LogRateLimitIntervalSec=800ms\nLogRateLimitBurst=10\n")
    expect("later" in texts(lines) and 11 <= len(lines) < 60, f"{len(lines)} lines: {texts(lines)}")
    expect("lines were dropped" in tree.good("logs", "-n", "1000", "rate.service"), "what was dropped is not told")


@test
def a_flood_is_bounded():
    # directive: Container.LogOpt
    tree = the_tree()
    tree.unit("flood.container", "[Container]\nImage=@IMAGE@\nExec=/guest flood 3000000\nLogOpt=max-size=64k\nLogOpt=tag=noisy\n[Service]\nType=oneshot\n")
    tree.good("daemon-reload")
    tree.start("flood.service")
    size = sum(os.path.getsize(tree.path("run", "logs", name)) for name in os.listdir(tree.path("run", "logs")) if name.startswith("flood"))
    expect(0 < size < 2 * (65536 + 16384 + 4096), f"{size} bytes of log")
    expect(entries("flood.service")[-1]["identifier"] == "noisy", "LogOpt=tag=")


@test
def a_container_logs_elsewhere():
    # directive: Container.LogDriver
    tree = the_tree()
    for name, lines in (("none", "LogDriver=none"), ("file", "LogDriver=k8s-file\nLogOpt=path=@DIR@/data/container.log"), ("usual", "LogDriver=journald")):
        tree.unit(f"driver-{name}.container", f"[Container]\nImage=@IMAGE@\nExec=/guest print said\n{lines}\n[Service]\nType=oneshot\n")
    tree.good("daemon-reload")
    tree.start("driver-none.service", "driver-file.service", "driver-usual.service")
    expect_equal(tree.read("data", "container.log"), "said\n", "k8s-file")
    wait_for(lambda: texts(entries("driver-usual.service")) == ["said"], "a line of the usual log")
    expect_equal((entries("driver-none.service"), entries("driver-file.service")), ([], []), "lines in the log")
    tree.unit("driver-bad.container", "[Container]\nImage=@IMAGE@\nExec=/guest print said\nLogOpt=path=/x\n[Service]\nType=oneshot\n")
    expect(tree.svcctl("start", "driver-bad.service").returncode != 0, "LogOpt=path= without its driver")


@test
def the_host_environment_is_passed():
    # directive: Container.EnvironmentHost
    tree = the_tree()
    for name, line, check in (("host", "EnvironmentHost=yes", "environment \"TREE_HOST_VARIABLE=from the manager\""),
                              ("own", "EnvironmentHost=no", "no-environment TREE_HOST_VARIABLE")):
        tree.unit(f"env-{name}.container", f"[Container]\nImage=@IMAGE@\nExec=/guest {check}\n{line}\n[Service]\nType=oneshot\n")
        tree.good("daemon-reload")
        tree.start(f"env-{name}.service")


@test
def a_copy_goes_to_the_kernels_log():
    if not os.access("/dev/kmsg", os.W_OK):
        skip("/dev/kmsg cannot be written here")
    tree = the_tree()
    word = f"svcd-test-{os.getpid()}-{time.monotonic_ns()}"
    lines = printed("kmsg.service", f"echo {word}", "StandardOutput=kmsg\n", 1)
    expect_equal(texts(lines), [word], "the unit's own log has it too")
    fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    found = b""
    try:
        while word.encode() not in found:
            found = os.read(fd, 8192)
    except BlockingIOError:
        pass
    os.close(fd)
    expect(word.encode() in found, "the kernel's log does not have it")


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
