"""Where a service's standard streams come from and go to. Terminals are in test_terminal.py."""
import os

from svcd_test import expect, expect_equal, main, test
from tree import Tree

_tree = None


def the_tree():
    global _tree
    if not _tree:
        _tree = Tree("streams").__enter__()
    return _tree


def run(name, command, extra):
    tree = the_tree()
    tree.unit(name, f"[Service]\nType=oneshot\nExecStart=/bin/sh -c '{command}'\n{extra}")
    tree.good("daemon-reload")
    tree.start(name)
    tree.expect_show(name, Result="success", ExecMainStatus="0")
    return tree


@test
def input_is_what_the_unit_says():
    # directive: Service.StandardInput Service.StandardInputText Service.StandardInputData
    run("text.service",
        'read a; read b; test "$$a" = one && test "$$b" = "two\tthree" && ! read c',
        "StandardInput=data\nStandardInputText=one\nStandardInputText=two\\tthree\n")
    run("data.service", 'test "$$(cat)" = "hello there"', "StandardInputData=aGVsbG8g\nStandardInputData=dGhlcmU=\n")
    run("nothing.service", "! read line", "")
    tree = the_tree()
    with open(tree.path("data", "in"), "w") as file:
        file.write("from a file\n")
    run("file.service", 'read line && test "$$line" = "from a file"', "StandardInput=file:/mnt/data/in\n")


@test
def what_cannot_be_opened_is_told():
    tree = the_tree()
    for name, line, status, text in (("in", "StandardInput=file:/nonexistent/in", "208", "/nonexistent/in"),
                                     ("out", "StandardOutput=append:/nonexistent/out", "209", "/nonexistent/out"),
                                     ("err", "StandardError=file:/nonexistent/err", "222", "/nonexistent/err"),
                                     ("socket", "StandardInput=socket", "208", "no socket is passed"),
                                     ("fd-in", "StandardInput=fd:nothing", "208", "no descriptor named nothing"),
                                     ("fd-out", "StandardOutput=fd:absent", "209", "no descriptor named absent")):
        for kind in ("oneshot", "exec"):
            tree.unit(f"bad-{name}-{kind}.service", f"[Service]\nType={kind}\nExecStart=/bin/true\n{line}\n")
            expect_equal(tree.svcctl("start", f"bad-{name}-{kind}.service").returncode, 1, name)
            tree.expect_show(f"bad-{name}-{kind}.service", ExecMainStatus=status)
            told = tree.tell(f"bad-{name}-{kind}.service")
            expect(text in told and f"bad-{name}-{kind}.service:4" in told and line.split("=")[0] in told, f"{name}: {told}")


@test
def what_does_not_parse():
    tree = the_tree()
    for line in ("StandardInput=journal", "StandardInput=fd:a:b", "StandardInputData=A", "StandardInputData=Zh==", "StandardInputText=a\\q",
                 "OpenFile=relative", "OpenFile=/a:b:wrong", "OpenFile=/a:b:append,truncate", "StandardOutput=file:../x"):
        tree.service("bad.service", "print", f"{line}\n")
        tree.good("daemon-reload")
        expect(tree.svcctl("start", "bad.service").returncode != 0 and "bad-setting" in tree.show("bad.service", "LoadState"), line)


@test
def files_are_appended_truncated_and_shared():
    # directive: Service.StandardOutput Service.StandardError
    tree = the_tree()
    for _ in range(2):
        run("append.service", "echo out; echo err >&2", "StandardOutput=append:/mnt/data/append\nStandardError=inherit\n")
        run("truncate.service", "echo new", "StandardOutput=truncate:/mnt/data/truncate\nStandardError=null\n")
        run("both.service", "echo out; echo err >&2", "StandardOutput=file:/mnt/data/both\nStandardError=file:/mnt/data/both\n")
    expect_equal(tree.read("data", "append"), "out\nerr\nout\nerr\n", "append")
    expect_equal(tree.read("data", "truncate"), "new\n", "truncate")
    expect_equal(tree.read("data", "both"), "out\nerr\n", "opened once for both")
    # A FIFO without another end holds nobody up.
    os.mkfifo(tree.path("data", "fifo"))
    run("fifo.service", "echo through", "StandardOutput=file:/mnt/data/fifo\n")


@test
def a_file_is_passed_by_name():
    # directive: Service.OpenFile
    tree = the_tree()
    with open(tree.path("data", "opened"), "w") as file:
        file.write("content\n")
    run("open.service",
        'test "$$LISTEN_FDS" = 2 && test "$$LISTEN_FDNAMES" = first:opened && test "$$LISTEN_PID" = "$$$$" && read line <&4 && test "$$line" = content',
        "OpenFile=/mnt/data/opened:first:append\nOpenFile=/mnt/data/opened::read-only\nOpenFile=/nonexistent:gone:graceful\n")
    run("stream.service", 'read line && test "$$line" = content', "OpenFile=/mnt/data/opened:in:read-only\nStandardInput=fd:in\n")
    # A named descriptor of OpenFile= is one of those that are passed.
    tree.service("named.service", "stream stdin file @DIR@/units/named.service",
                 "Type=oneshot\nOpenFile=@DIR@/units/named.service:self:read-only\nStandardInput=fd:self\nStandardOutput=journal\n")
    tree.start("named.service")
    tree.expect_show("named.service", Result="success", ExecMainStatus="0")
    tree.unit("absent.service", "[Service]\nType=oneshot\nExecStart=/bin/true\nOpenFile=/nonexistent\n")
    expect_equal(tree.svcctl("start", "absent.service").returncode, 1, "a file that is not there")


@test
def variables_that_only_the_process_knows():
    run("own.service", 'test "$$SYSTEMD_EXEC_PID" = "$$$$" && test "$${#INVOCATION_ID}" = 32 && echo "$$INVOCATION_ID" >/mnt/data/invocation', "")
    first = the_tree().read("data", "invocation")
    run("own.service", 'echo "$$INVOCATION_ID" >/mnt/data/invocation', "")
    expect(the_tree().read("data", "invocation") != first, "two runs have one invocation id")
    run("chosen.service", 'test "$$SYSTEMD_EXEC_PID" = mine', "Environment=SYSTEMD_EXEC_PID=mine\n")


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
