"""Where a service's standard streams come from and go to, and the terminal it may have. The terminals are pseudo ones that the test
holds the other end of."""
import os
import pty
import struct
import termios
import fcntl
import time

from svcd_test import expect, expect_equal, main, test, wait_for
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


class Terminal:
    """A pseudo terminal: path is what the service gets, master what a person would sit at."""
    def __enter__(self):
        self.master, slave = pty.openpty()
        self.path = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self.master, False)
        self.text = ""
        return self

    def __exit__(self, *_):
        os.close(self.master)

    def read(self):
        try:
            self.text += os.read(self.master, 65536).decode()
        except OSError:
            pass  # nothing for now, or nobody has it open
        return self.text

    def expect_text(self, text):
        wait_for(lambda: text in self.read(), f"{text!r} on the terminal, which shows {self.text!r}")


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
def input_that_cannot_be_had_is_told():
    tree = the_tree()
    for name, line, status, text in (("in", "StandardInput=file:/nonexistent/in", "208", "/nonexistent/in"),
                                     ("out", "StandardOutput=append:/nonexistent/out", "209", "/nonexistent/out"),
                                     ("err", "StandardError=file:/nonexistent/err", "222", "/nonexistent/err"),
                                     ("socket", "StandardInput=socket", "208", "no socket is passed"),
                                     ("fd", "StandardOutput=fd:absent", "209", "no descriptor named absent"),
                                     ("tty", "StandardInput=tty\nTTYPath=/nonexistent/tty", "208", "/nonexistent/tty")):
        tree.unit(f"bad-{name}.service", f"[Service]\nType=oneshot\nExecStart=/bin/true\n{line}\n")
        expect_equal(tree.svcctl("start", f"bad-{name}.service").returncode, 1, name)
        tree.expect_show(f"bad-{name}.service", ExecMainStatus=status)
        told = tree.svcctl("status", f"bad-{name}.service").stdout
        expect(text in told and f"bad-{name}.service:4" in told, f"{name}: {told}")


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
def a_terminal_is_the_controlling_one():
    # directive: Service.TTYPath Service.TTYRows Service.TTYColumns
    with Terminal() as terminal:
        os.write(terminal.master, b"typed\n")
        run("tty.service", "read line; echo got:$$line; stty size; echo direct >/dev/tty; test -t 2",
            f"StandardInput=tty\nTTYPath={terminal.path}\nTTYRows=33\nTTYColumns=77\n")
        terminal.expect_text("got:typed")
        terminal.expect_text("33 77")
        terminal.expect_text("direct")


@test
def a_terminal_in_a_pid_namespace_too():
    with Terminal() as terminal:
        os.write(terminal.master, b"typed\n")
        run("tty-pid.service", "read line; echo got:$$line >/dev/tty", f"StandardInput=tty-fail\nTTYPath={terminal.path}\nPrivatePIDs=yes\n")
        terminal.expect_text("got:typed")


@test
def a_terminal_is_only_written_to():
    with Terminal() as terminal:
        run("write.service", "test ! -t 0 && test -t 1 && echo shown && ! cat </dev/tty", f"StandardOutput=tty\nTTYPath={terminal.path}\n")
        terminal.expect_text("shown")


@test
def whose_terminal_it_is():
    tree = the_tree()
    with Terminal() as terminal:
        settings = f"TTYPath={terminal.path}\n"
        tree.unit("holder.service", f"[Service]\nType=exec\nExecStart=/bin/sh -c 'echo holds; exec sleep 1000'\nStandardInput=tty\n{settings}")
        tree.start("holder.service")
        terminal.expect_text("holds")
        tree.unit("fail.service", f"[Service]\nType=oneshot\nExecStart=/bin/true\nStandardInput=tty-fail\n{settings}")
        expect_equal(tree.svcctl("start", "fail.service").returncode, 1, "tty-fail of a terminal that somebody has")
        tree.expect_show("fail.service", ExecMainStatus="208")
        tree.unit("wait.service", f"[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo waited'\nStandardInput=tty\n{settings}")
        tree.good("--no-block", "start", "wait.service")
        time.sleep(0.3)
        expect("waited" not in terminal.read(), "the terminal was not waited for")
        tree.good("stop", "holder.service")
        terminal.expect_text("waited")
        tree.start("holder.service")
        tree.unit("force.service", f"[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo forced >/dev/tty'\nStandardInput=tty-force\n{settings}")
        tree.start("force.service")
        terminal.expect_text("forced")
        tree.svcctl("stop", "holder.service")


@test
def a_terminal_is_reset_and_hung_up():
    # directive: Service.TTYReset Service.TTYVHangup
    with Terminal() as terminal:
        other = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
        modes = termios.tcgetattr(other)
        modes[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(other, termios.TCSANOW, modes)
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 10, 0, 0))
        run("reset.service", "stty -a | grep -q \" echo \" && stty -a | grep -q \" icanon \"",
            f"StandardInput=tty\nStandardOutput=journal\nTTYPath={terminal.path}\nTTYReset=yes\n")
        run("hangup.service", ":", f"StandardInput=tty\nTTYPath={terminal.path}\nTTYVHangup=yes\n")
        expect_equal(os.read(other, 1), b"", "what had it open still has it")
        os.close(other)


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
