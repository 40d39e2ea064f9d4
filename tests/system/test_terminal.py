"""StandardInput=tty and its siblings, on pseudo terminals that the test holds the other end of."""
import fcntl
import os
import struct
import termios
import time

from svcd_test import expect, expect_equal, main, test, wait_for
from tree import Tree


class Terminal:
    """A pseudo terminal: its path, and what was written to it."""

    def __init__(self):
        self.master, slave = os.openpty()
        os.set_blocking(self.master, False)
        self.path = os.ttyname(slave)
        os.close(slave)
        self.text = ""

    def read(self):
        try:
            self.text += os.read(self.master, 65536).decode(errors="replace")
        except OSError:
            pass
        return self.text


def succeeds(tree, name, command, extra, kind="oneshot"):
    tree.service(name, command, f"Type={kind}\n{extra}")
    tree.start(name)
    tree.expect_show(name, Result="success", ExecMainStatus="0")


@test
def a_terminal_is_the_services():
    # directive: Service.StandardInput Service.StandardOutput Service.TTYPath Service.TTYRows Service.TTYColumns
    with Tree("tty") as tree:
        for number, extra in enumerate(("", "PrivatePIDs=yes\n", "User=33\nPrivateTmp=yes\nNoNewPrivileges=yes\n")):
            for way in ("tty", "tty-force", "tty-fail"):
                terminal = Terminal()
                succeeds(tree, f"{way}{number}.service", "controlling-terminal -- stream stdin tty -- stream stdout tty -- "
                         "stream stderr tty -- terminal-size 91x33 -- environment TERM=vt220 -- descriptors 0,1,2 -- print hello",
                         f"StandardInput={way}\nTTYPath={terminal.path}\nTTYRows=33\nTTYColumns=91\n{extra}")
                wait_for(lambda: "hello" in terminal.read(), f"{way}: {terminal.text}")
        expect_equal(tree.show("tty0.service", "StandardOutput"), "inherit")
        # Output alone goes to it, which is then nobody's controlling terminal.
        terminal = Terminal()
        succeeds(tree, "out.service", "stream stdin null -- stream stdout tty -- stream stderr tty -- print hello",
                 f"StandardOutput=tty\nTTYPath={terminal.path}\n")
        wait_for(lambda: "hello" in terminal.read(), "output alone")


@test
def a_terminal_that_is_taken():
    # directive: Service.StandardInput
    with Tree("ttytaken") as tree:
        terminal = Terminal()
        tree.service("first.service", "controlling-terminal -- forever", f"Type=exec\nStandardInput=tty\nTTYPath={terminal.path}\n")
        tree.start("first.service")
        tree.service("fail.service", "print", f"Type=exec\nStandardInput=tty-fail\nTTYPath={terminal.path}\n")
        expect_equal(tree.svcctl("start", "fail.service").returncode, 1, "tty-fail")
        tree.expect_show("fail.service", ExecMainStatus="208")
        # This one waits, and nothing else does.
        tree.service("wait.service", "controlling-terminal -- print mine", f"Type=exec\nStandardInput=tty\nTTYPath={terminal.path}\n")
        tree.good("start", "--no-block", "wait.service")
        time.sleep(0.3)
        tree.expect_show("wait.service", ActiveState="activating")
        tree.expect_show("first.service", ActiveState="active")
        tree.good("stop", "first.service")
        wait_for(lambda: "mine" in terminal.read(), f"the one that waited: {terminal.text}")
        tree.wait_show("wait.service", ActiveState="inactive", Result="success")
        # Force takes it; the one that had it is hung up.
        tree.start("first.service")
        succeeds(tree, "force.service", "controlling-terminal -- print taken",
                 f"StandardInput=tty-force\nTTYPath={terminal.path}\n")
        wait_for(lambda: "taken" in terminal.read(), "tty-force")


@test
def a_terminal_is_reset_and_hung_up():
    # directive: Service.TTYReset Service.TTYVHangup Service.TTYVTDisallocate
    with Tree("ttyreset") as tree:
        terminal = Terminal()
        tree.service("raw.service", "raw", f"Type=oneshot\nStandardInput=tty\nTTYPath={terminal.path}\n")
        tree.start("raw.service")
        keep = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
        expect(not termios.tcgetattr(keep)[3] & termios.ICANON, "the terminal is not raw")
        succeeds(tree, "raw-again.service", "cooked 0", f"StandardInput=tty\nTTYPath={terminal.path}\n")
        succeeds(tree, "reset.service", "cooked 1 -- raw",
                 f"StandardInput=tty\nTTYPath={terminal.path}\nTTYReset=yes\nTTYVTDisallocate=yes\n")
        wait_for(lambda: termios.tcgetattr(keep)[3] & termios.ICANON, "reset afterwards")
        succeeds(tree, "hangup.service", "cooked 1", f"StandardInput=tty\nTTYPath={terminal.path}\nTTYVHangup=yes\n")
        try:
            fcntl.ioctl(keep, termios.TIOCGWINSZ, struct.pack("4H", 0, 0, 0, 0))
            os.write(keep, b"x")
            raise AssertionError("who had the terminal open still has it")
        except OSError:
            pass
        os.close(keep)


@test
def what_cannot_be_opened():
    with Tree("streams") as tree:
        for line, status in {"StandardInput=file:/nonexistent/in": 208, "StandardOutput=append:/nonexistent/out": 209,
                             "StandardError=file:/nonexistent/error": 222, "StandardInput=fd:nothing": 208,
                             "StandardInput=socket": 208, "StandardOutput=fd:nothing": 209,
                             "StandardInput=tty\nTTYPath=/dev/null": 208, "StandardOutput=tty\nTTYPath=/nonexistent": 209}.items():
            tree.service("bad.service", "print", f"Type=exec\n{line}\n")
            tree.good("daemon-reload")
            expect_equal(tree.svcctl("start", "bad.service").returncode, 1, line)
            tree.expect_show("bad.service", ExecMainStatus=str(status))
            expect(line.split("=")[0] in tree.tell("bad.service"), f"{line}: {tree.tell('bad.service')}")
            tree.good("reset-failed", "bad.service")
        for line in ("StandardInput=journal", "StandardOutput=tty-force", "StandardInput=fd:a:b", "StandardInputData=A", "TTYRows=70000",
                     "StandardInputData=Zh==", "StandardInputText=a\\q", "OpenFile=relative", "OpenFile=/a:b:wrong",
                     "OpenFile=/a:b:append,truncate", "StandardOutput=file:../x"):
            tree.service("bad.service", "print", f"{line}\n")
            tree.good("daemon-reload")
            expect(tree.svcctl("start", "bad.service").returncode != 0 and "bad-setting" in tree.show("bad.service", "LoadState"), line)
        # A FIFO without another end holds nobody up.
        os.mkfifo(tree.path("data", "fifo"))
        succeeds(tree, "fifo.service", "print through", "StandardOutput=file:@DIR@/data/fifo\n")
        # A named descriptor of OpenFile= is one of those that are passed.
        succeeds(tree, "named.service", "stream stdin file @DIR@/units/named.service",
                 "OpenFile=@DIR@/units/named.service:self:read-only\nStandardInput=fd:self\nStandardOutput=journal\n")


main()
