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
        # What is typed is read, what is written to /dev/tty is shown; in a PID namespace too.
        for way, extra in (("tty", ""), ("tty-fail", "PrivatePIDs=yes\n")):
            terminal = Terminal()
            os.write(terminal.master, b"typed\n")
            tree.unit(f"typed-{way}.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'read line; echo got:$$line; stty size; "
                      f"echo direct >/dev/tty; test -t 2'\nStandardInput={way}\nTTYPath={terminal.path}\nTTYRows=33\nTTYColumns=77\n{extra}")
            tree.start(f"typed-{way}.service")
            tree.expect_show(f"typed-{way}.service", Result="success", ExecMainStatus="0")
            for text in ("got:typed", "33 77", "direct"):
                wait_for(lambda: text in terminal.read(), f"{text} on {way}: {terminal.text}")
        # Output alone goes to it, which is then nobody's controlling terminal.
        terminal = Terminal()
        succeeds(tree, "out.service", "stream stdin null -- stream stdout tty -- stream stderr tty -- print hello",
                 f"StandardOutput=tty\nTTYPath={terminal.path}\n")
        wait_for(lambda: "hello" in terminal.read(), "output alone")
        tree.unit("write.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'test ! -t 0 && test -t 1 && echo shown && ! cat </dev/tty'\n"
                  f"StandardOutput=tty\nTTYPath={terminal.path}\n")
        tree.start("write.service")
        wait_for(lambda: "shown" in terminal.read(), "output of a shell")


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
        expect("mine" not in terminal.read(), "the terminal was not waited for")
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
        modes = termios.tcgetattr(keep)
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(keep, termios.TCSANOW, modes)
        succeeds(tree, "raw-again.service", "cooked 0", f"StandardInput=tty\nTTYPath={terminal.path}\n")
        succeeds(tree, "reset.service", "cooked 1 -- raw",
                 f"StandardInput=tty\nTTYPath={terminal.path}\nTTYReset=yes\nTTYVTDisallocate=yes\n")
        wait_for(lambda: termios.tcgetattr(keep)[3] & termios.ICANON, "reset afterwards")
        # Before it, too: what runs finds it as it should be.
        termios.tcsetattr(keep, termios.TCSANOW, modes)
        tree.unit("echo.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'stty -a | grep -q \" echo \" && stty -a | grep -q \" icanon \"'\n"
                  f"StandardInput=tty\nStandardOutput=journal\nTTYPath={terminal.path}\nTTYReset=yes\n")
        tree.start("echo.service")
        tree.expect_show("echo.service", Result="success", ExecMainStatus="0")
        succeeds(tree, "hangup.service", "cooked 1", f"StandardInput=tty\nTTYPath={terminal.path}\nTTYVHangup=yes\n")
        try:
            fcntl.ioctl(keep, termios.TIOCGWINSZ, struct.pack("4H", 0, 0, 0, 0))
            os.write(keep, b"x")
            raise AssertionError("who had the terminal open still has it")
        except OSError:
            pass
        expect_equal(os.read(keep, 1), b"", "who had the terminal open reads on")
        os.close(keep)


@test
def a_terminal_that_is_none():
    with Tree("ttynone") as tree:
        for line, status in {"StandardInput=tty\nTTYPath=/dev/null": 208, "StandardInput=tty\nTTYPath=/nonexistent/tty": 208,
                             "StandardOutput=tty\nTTYPath=/nonexistent": 209}.items():
            for kind in ("exec", "oneshot"):
                tree.unit("bad.service", f"[Service]\nType={kind}\nExecStart=/bin/true\n{line}\n")
                tree.good("daemon-reload")
                expect_equal(tree.svcctl("start", "bad.service").returncode, 1, line)
                tree.expect_show("bad.service", ExecMainStatus=str(status))
                told = tree.tell("bad.service")
                expect(line.split("=")[0] in told and "bad.service:4" in told and line.split("=")[2] in told, f"{line}: {told}")
                tree.good("reset-failed", "bad.service")
        for line in ("StandardOutput=tty-force", "TTYRows=70000"):
            tree.service("bad.service", "print", f"{line}\n")
            tree.good("daemon-reload")
            expect(tree.svcctl("start", "bad.service").returncode != 0 and "bad-setting" in tree.show("bad.service", "LoadState"), line)


main()
