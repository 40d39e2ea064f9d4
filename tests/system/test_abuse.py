"""What should not be sent, written or printed: to the bus, in unit files, to the notify socket, into the log and into the manager's own memory.
svcd goes on, others are answered in bounded time, and nobody gets what is not theirs."""
import json
import os
import random
import re
import shutil
import socket
import stat
import struct
import time

import raw_bus
from raw_bus import Bus, as_user, body, message, pad, signature, string, zeroes
from svcd_test import expect, expect_equal, main, skip, test, wait_for
from tree import INSIDE, Tree, processes_in_namespace, read_status

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data")
ANYONE = 1000
# All that anyone may call on the system bus. Whoever adds a method that changes nothing adds it here.
READERS = {
    "GetUnit", "GetUnitByPID", "GetUnitByInvocationID", "LoadUnit", "GetUnitProcesses", "GetJob", "ListJobs", "ListUsage", "ListUnits",
    "ListUnitsFiltered", "ListUnitsByPatterns", "ListUnitsByNames", "ListUnitFiles", "ListUnitFilesByPatterns", "GetUnitFileState", "Subscribe",
    "Unsubscribe", "GetProcesses", "LookupDynamicUserByName", "LookupDynamicUserByUID", "GetDynamicUsers",
}
BUS_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>{address}</listen><auth>EXTERNAL</auth>
<policy context='default'><allow user='*'/><deny own='*'/><deny send_type='method_call'/><allow send_type='signal'/>
<allow send_requested_reply='true'/><allow receive_type='method_call'/><allow receive_type='method_return'/><allow receive_type='error'/>
<allow receive_type='signal'/><allow send_destination='org.freedesktop.DBus'/></policy>
<include>{policy}</include></busconfig>
"""


def memory(pid):
    """Resident kilobytes."""
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


def outer_manager(tree):
    """The manager's pid out here."""
    for pid in processes_in_namespace(tree.pid_namespace):
        status = read_status(pid)
        if status.startswith("Name:\tsvcd\n") and "\nState:\tZ" not in status:
            return pid
    return None


def answers(tree, what):
    """Others are answered, by the same manager, and orphans are reaped."""
    began = time.monotonic()
    expect_equal(tree.svcctl("is-active", "up.service").stdout, "active\n", what)
    expect(time.monotonic() - began < 10, f"{what}: others waited {time.monotonic() - began:.1f} s")


def scenario(function):
    def case():
        with Tree(function.__name__.replace("_", "-")[:20]) as tree:
            tree.service("up.service", "forever", "Type=exec\n")
            tree.start("up.service")
            function(tree)
    case.__name__ = function.__name__
    test(case)
    return function


def private(tree):
    return tree.path("run", "bus")


# --- the private socket -------------------------------------------------------------------------------------

@scenario
def the_private_socket_is_roots(tree):
    expect_equal(stat.S_IMODE(os.stat(private(tree)).st_mode), 0o600, "its mode")

    def connect():
        try:
            Bus(private(tree), timeout=5).call("ListUnits")
        except (OSError, ConnectionError) as error:
            return type(error).__name__
        return "let in"
    expect_equal(as_user(ANYONE, connect), "PermissionError", "another user")
    # Even where the mode does not help, the peer is looked at.
    os.chmod(private(tree), 0o666)
    expect(as_user(ANYONE, connect) in ("ConnectionError", "BrokenPipeError", "ConnectionResetError"), "another user was let in")
    answers(tree, "after that")


def nested_variant(depth):
    data = string("x")
    kinds = "s"
    for _ in range(depth):
        data, kinds = signature(kinds) + (b"" if kinds == "v" else b"\0" * (-len(signature(kinds)) % 4)) + data, "v"
    return data


def malformed():
    """name -> bytes after the handshake"""
    start = dict(member="StartUnit", kinds="ss")
    yield "body longer than all messages", message(**start, data=body("ss", "up.service", "replace"), body_length=0x7fffffff)
    yield "64 MiB announced", message(**start, data=body("ss", "up.service", "replace"), body_length=64 << 20) + b"x" * 100000
    yield "fields longer than all messages", message(**start, data=body("ss", "a", "b"), fields_length=0x7ffffff0)
    yield "no serial number", message(**start, data=body("ss", "up.service", "replace"), serial=0)
    yield "an endianness that is none", message(**start, data=body("ss", "up.service", "replace"), endian=b"X")
    yield "a version that is none", message(**start, data=body("ss", "up.service", "replace"), version=9)
    yield "a type that is none", message(**start, data=body("ss", "up.service", "replace"), kind=0)
    yield "zeroes", bytes(4096)
    yield "noise", random.Random(1).randbytes(65536)
    yield "strings without an end", message(**start, data=struct.pack("<I", 10) + b"up.service")
    yield "a string longer than the message", message(**start, data=struct.pack("<I", 0xffffffff) + b"up.service\0")
    yield "a NUL in a string", message(**start, data=string("up.service\0.x") + string("replace"))
    yield "no UTF-8", message(**start, data=pad(string(b"\xff\xfe\xfd"), 4) + string("replace"))
    yield "another signature than the method's", message("StartUnit", kinds="uu", data=body("uu", 1, 2))
    yield "a signature without a body", message(**start)
    yield "a body without a signature", message("ListUnits") [:-1] + b"xxxx"
    yield "an invalid signature", message("ListUnits", kinds="a", data=b"\0\0\0\0")
    yield "brackets without an end", message("ListUnits", kinds="(" * 33, data=b"\0" * 64)
    yield "64 nested variants", message("SetUnitProperties", kinds="v", data=nested_variant(64))
    yield "10000 nested variants", message("SetUnitProperties", kinds="v", data=nested_variant(10000))
    yield "a path that is none", message("ListUnits", path="not/absolute//")
    yield "an interface that is none", message("ListUnits", interface="..")
    yield "a null element in an array", message("ListUnitsByNames", kinds="as", data=struct.pack("<I", 5) + struct.pack("<I", 0) + b"\0")
    yield "an array that is longer than it says", message("ListUnitsByNames", kinds="as", data=struct.pack("<I", 1 << 26))
    yield "an answer nobody asked for", message("x", kind=raw_bus.RETURN)
    yield "descriptors that are not there", message("ExecUnit", kinds="hhh", data=body("hhh", 0, 1, 7))


@scenario
def messages_that_are_none(tree):
    """Null elements (CVE-2026-40227), 64 MiB (CVE-2019-6454), deep variants: the sender is dropped or told, nobody else notices."""
    manager = outer_manager(tree)
    for name, data in malformed():
        with Bus(private(tree), timeout=1) as bus:
            try:
                bus.socket.sendall(data)
                bus.socket.recv(4096)
            except OSError:
                pass
            answers(tree, name)
        expect_equal(outer_manager(tree), manager, f"{name}: the manager")
    noise = random.Random(7)
    valid = message("StartUnit", kinds="ss", data=body("ss", "up.service", "replace"))
    for _ in range(300):
        data = bytearray(valid)
        for _ in range(noise.randint(1, 4)):
            data[noise.randrange(len(data))] = noise.randrange(256)
        with Bus(private(tree), timeout=1) as bus:
            try:
                bus.socket.sendall(bytes(data))
            except OSError:
                pass
    answers(tree, "after 300 changed messages")
    expect_equal(outer_manager(tree), manager, "the manager")


@scenario
def names_that_are_no_units(tree):
    """Newlines, control characters, paths and 64 KiB in a name: an error, and no such unit, file or log after it."""
    before = sorted(os.listdir(tree.path("run", "logs"))) if tree.exists("run", "logs") else []
    with Bus(private(tree)) as bus:
        for name in ("a\nb.service", "../up.service", "../../etc/passwd", "a/b.service", "/etc/passwd", "a\x01.service", "a b.service", "", ".service",
                     "x" * 70000 + ".service", "x" * 300 + ".service", "up.service\n[Service]", "up.service/../x.service", "%n.service", "@.service",
                     "up", "up.servic\u0435", "a@" + "y" * 400 + ".service"):
            for method, kinds, values in (("StartUnit", "ss", (name, "replace")), ("LoadUnit", "s", (name,)), ("KillUnit", "ssi", (name, "all", 9)),
                                          ("OpenUnitLog", "s", (name,)), ("ResetFailedUnit", "s", (name,)), ("GetUnitFileState", "s", (name,)),
                                          ("StartUnit", "ss", ("up.service", name))):
                try:
                    error, _ = bus.call(method, *values, kinds=kinds)
                except (OSError, ConnectionError) as problem:
                    raise AssertionError(f"{method} {name[:40]!r}: {problem}") from None
                valid = name in ("%n.service",)
                expect(error or valid or method == "LoadUnit", f"{method} {name[:40]!r} was taken")
        units = bus.call("ListUnits")[1]
        expect(b"passwd" not in units and b"a\nb" not in units, "a name that is none is a unit")
    answers(tree, "after that")
    for name in os.listdir(tree.path("run", "logs")):
        expect(name in before or re.fullmatch(r"[\w%@.:-]+\.log(\.old)?", name), f"a log called {name!r}")


@scenario
def a_reader_that_does_not_read(tree):
    """It may leave so many answers unread and is dropped then; the manager's memory is bounded."""
    for number in range(100):
        tree.service(f"plain{number}.service", "exit 0", "Type=oneshot\n")
    tree.svcctl("start", *[f"plain{number}.service" for number in range(100)])
    manager, before = outer_manager(tree), memory(outer_manager(tree))
    bus = Bus(private(tree), timeout=2)
    dropped = False
    bus.send("Subscribe")
    try:
        for _ in range(20000):
            bus.send("ListUnits")
    except OSError:
        dropped = True
    answers(tree, "while one does not read")
    expect_equal(outer_manager(tree), manager, "the manager")
    grown = memory(manager) - before
    print(f"# {'dropped' if dropped else 'throttled'}; the manager grew by {grown} kB")
    expect(grown < 100_000, f"the manager grew by {grown} kB")
    bus.socket.close()


@scenario
def a_hundred_thousand_matches(tree):
    manager, before = outer_manager(tree), memory(outer_manager(tree))
    rule = "type='signal',interface='org.svcd1.Manager',member='UnitNew',path='/org/svcd1',arg0='x'"
    with Bus(private(tree)) as bus:
        for _ in range(100):
            for _ in range(1000):
                bus.send("AddMatch", rule, kinds="s", path="/org/freedesktop/DBus", interface="org.freedesktop.DBus")
            for _ in range(1000):
                bus.receive()
        answers(tree, "with 100,000 matches")
    expect_equal(outer_manager(tree), manager, "the manager")
    expect(memory(manager) - before < 20_000, f"the manager grew by {memory(manager) - before} kB")


@scenario
def connections_that_say_nothing(tree):
    """All places taken, by root: once they are given back everything is as before."""
    sockets = []
    for _ in range(400):
        one = socket.socket(socket.AF_UNIX)
        one.settimeout(1)
        try:
            one.connect(private(tree))
        except OSError:
            pass
        sockets.append(one)
    time.sleep(0.2)
    for one in sockets:
        one.close()
    wait_for(lambda: tree.svcctl("is-active", "up.service").returncode == 0, "an answer")


# --- the system bus -----------------------------------------------------------------------------------------

def with_system_bus(function):
    def case():
        if not shutil.which("dbus-daemon"):
            skip("needs dbus-daemon")
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={INSIDE}/data/system-bus"
        try:
            with Tree(function.__name__.replace("_", "-")[:20]) as tree:
                shutil.copy(os.path.join(DATA, "org.svcd1.conf"), tree.path("data", "policy.conf"))
                with open(tree.path("data", "bus.conf"), "w") as file:
                    file.write(BUS_CONFIGURATION.format(address=f"unix:path={INSIDE}/data/system-bus", policy=f"{INSIDE}/data/policy.conf"))
                tree.unit("bus.service", f"[Service]\nExecStart=/usr/bin/dbus-daemon --config-file={INSIDE}/data/bus.conf --nofork --nopidfile\n")
                tree.service("up.service", "forever", "Type=exec\n")
                tree.start("bus.service", "up.service")
                path = tree.path("data", "system-bus")

                def is_there():
                    try:
                        with Bus(path, hello=True, timeout=2) as bus:
                            return not bus.call("GetUnit", "up.service", kinds="s")[0]
                    except OSError:
                        return False
                wait_for(is_there, "the name on the bus")
                function(tree, path)
        finally:
            del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
    case.__name__ = function.__name__
    test(case)
    return function


def methods_of(bus, path):
    """(path, interface, method, signature of its arguments) below an object."""
    text = bus.text("Introspect", path=path, interface="org.freedesktop.DBus.Introspectable")
    interface = None
    for line in text.splitlines():
        if match := re.search(r'<interface name="([^"]+)"', line):
            interface = match.group(1)
        elif match := re.search(r'<method name="([^"]+)"', line):
            found = [path, interface, match.group(1), ""]
            yield found
        elif (match := re.search(r'<arg type="([^"]+)"', line)) and 'direction="in"' in line:
            found[3] += match.group(1)
        elif match := re.search(r'<node name="([^"]+)"', line):
            yield from methods_of(bus, path.rstrip("/") + "/" + match.group(1))


@with_system_bus
def anyone_may_look_and_root_may_act(tree, path):
    """Every method of every object, as somebody: what changes something is denied, with interface and without, whatever it is given."""
    with Bus(path, hello=True) as bus:
        methods = [tuple(method) for method in methods_of(bus, "/org/svcd1") if method[1].startswith("org.svcd1")]
    expect(len({method[1:3] for method in methods}) > 40, f"only {len(methods)} methods found")

    def call_all():
        wrong = []
        with Bus(path, hello=True) as bus:
            for place, interface, name, kinds in methods:
                for with_interface in (interface, None):
                    for values in (zeroes(kinds), None) if "h" not in kinds else (None,):
                        error, _ = bus.call(name, *(values or ()), kinds=kinds if values is not None else "", path=place, interface=with_interface)
                        denied = error == "org.freedesktop.DBus.Error.AccessDenied"
                        if denied == (name in READERS and with_interface is not None):
                            wrong.append((place, with_interface, name, error))
            for place, interface, name in (("/org/svcd1", "org.svcd1.Manager", "Version"),
                                           ("/org/svcd1/unit/up_2eservice", "org.svcd1.Service", "MemoryMax")):
                error, _ = bus.call("Set", interface, name, ("t", bytes(8)), kinds="ssv", path=place, interface="org.freedesktop.DBus.Properties")
                if not error:
                    wrong.append((place, interface, name, "set"))
        return json.dumps(wrong)
    wrong = json.loads(as_user(ANYONE, call_all))
    expect(not wrong, f"{len(wrong)} calls: {wrong[:10]}")
    answers(tree, "after every method")


@with_system_bus
def somebody_abuses_the_bus(tree, path):
    """What a message bus lets through: many calls, large ones, names without end, answers that are not read."""
    manager, before = outer_manager(tree), memory(outer_manager(tree))

    def abuse():
        with Bus(path, hello=True, timeout=5) as bus:
            for _ in range(3000):
                bus.send("GetUnit", "x" * 1000 + ".service", kinds="s")
            bus.call("LoadUnit", "y" * 1_000_000, kinds="s")
            bus.call("ListUnitsByPatterns", [""] * 10000, ["*?" * 1000] * 100, kinds="asas")
            bus.call("ListUnitsByNames", [f"no{number}.service" for number in range(20000)], kinds="as")
        bus = Bus(path, hello=True, timeout=1)
        try:
            for _ in range(20000):
                bus.send("ListUnits")
        except OSError:
            pass
        return "done"
    expect_equal(as_user(ANYONE, abuse), "done", "the abuse")
    answers(tree, "after that")
    expect_equal(outer_manager(tree), manager, "the manager")
    grown = memory(manager) - before
    print(f"# the manager grew by {grown} kB")
    expect(grown < 100_000, f"the manager grew by {grown} kB")
    with Bus(path, hello=True) as bus:
        expect(b"no1.service" not in bus.call("ListUnits")[1], "somebody made the manager remember names")


# --- files --------------------------------------------------------------------------------------------------

@scenario
def unit_files_that_are_none(tree):
    """NUL bytes, lines and files without end, control characters, devices, links in a circle: the unit does not start, the rest goes on."""
    good = b"[Service]\nType=oneshot\nExecStart=/mnt/guest write /mnt/data/ran x\n"
    contents = {
        "nul": good + b"Environment=A=b\0User=root\n",
        "nul-name": b"[Service]\nExec\0Start=/mnt/guest write /mnt/data/ran x\n",
        "line": good + b"Environment=A=" + b"x" * (2 << 20) + b"\n",
        "control": good + b"Environment=A=\x01\x02\nUser=\x1b[31mroot\n",
        "utf8": good + b"Environment=A=\xff\xfe\nUser=\xff\n",
        "section": b"[Serv\0ice]\nExecStart=/mnt/guest write /mnt/data/ran x\n",
        "huge": b"[Service]\nType=oneshot\nExecStart=/mnt/guest write /mnt/data/ran x\n" + b"# comment\n" * 2_000_000,
        "bracket": b"[Service\nExecStart=/mnt/guest write /mnt/data/ran x\n",
        "continued": b"[Service]\nType=oneshot\nExecStart=/mnt/guest write /mnt/data/ran x \\" + b"\n\\" * 100000 + b"\n",
    }
    for name, data in contents.items():
        with open(tree.path("units", f"{name}.service"), "wb") as file:
            file.write(data)
    os.symlink("/dev/zero", tree.path("units", "zero.service"))
    os.symlink("/dev/full", tree.path("units", "full.service"))
    os.symlink("loop.service", tree.path("units", "loop.service"))
    os.mkfifo(tree.path("units", "fifo.service"))
    os.mkdir(tree.path("units", "folder.service"))
    for name in (*contents, "zero", "full", "loop", "fifo", "folder"):
        began = time.monotonic()
        result = tree.svcctl("start", f"{name}.service")
        expect(time.monotonic() - began < 10, f"{name} took {time.monotonic() - began:.0f} s")
        # A comment without end and an empty continuation are allowed: they ask for nothing.
        expect(result.returncode != 0 or name in ("huge", "continued"), f"{name}.service was taken")
        if result.returncode == 0:
            os.unlink(tree.path("data", "ran"))
        answers(tree, name)
    expect(not tree.exists("data", "ran"), "one ran")
    # A drop-in by another hand, and what it may not smuggle in.
    tree.unit("quiet.service", "[Service]\nType=oneshot\nUser=www-data\nEnvironment=A=b\\nUser=root\nExecStart=@GUEST@ uid 33\n")
    tree.unit("quiet.service.d/a.conf", "[Service]\nEnvironment=\"B=c\\x0aUser=root\" 'C=d\\nUser=0'\n")
    tree.start("quiet.service")
    expect_equal(tree.svcctl("list-units", "--all").returncode, 0, "list-units")


BLOCKING = ("EnvironmentFile=@PATH@", "EnvironmentFile=-@PATH@", "RootImage=@PATH@", "RootDirectory=@PATH@", "StandardInput=file:@PATH@",
            "StandardOutput=file:@PATH@", "StandardOutput=append:@PATH@", "LoadCredential=token:@PATH@", "BindPaths=@PATH@:/opt", "TTYPath=@PATH@\nStandardInput=tty",
            "NetworkNamespacePath=@PATH@", "IOReadBandwidthMax=@PATH@ 1M", "ExtensionImages=@PATH@", "MountImages=@PATH@:/opt",
            "Container.SeccompProfile=@PATH@", "Container.Image=@PATH@", "Container.EnvironmentFile=@PATH@", "Container.Volume=@PATH@:/volume",
            "PIDFile=@PATH@\nType=forking", "OpenFile=@PATH@", "DeviceAllow=@PATH@ rw", "AppArmorProfile=@PATH@", "ExecCondition=@PATH@")


@scenario
def files_that_never_end(tree):
    """A FIFO, /dev/zero, a file of 10 GB and a link in a circle wherever a unit names a file, and for the accounts of an image (CVE-2024-9676): a service
    that can write to the place of such a file would else hold up or feed the manager for ever."""
    manager, before = outer_manager(tree), memory(outer_manager(tree))
    os.mkfifo(tree.path("data", "fifo"))
    os.symlink("/dev/zero", tree.path("data", "zero"))
    os.symlink("circle", tree.path("data", "circle"))
    with open(tree.path("data", "sparse"), "w") as file:
        file.truncate(10 << 30)
    for number, lines in enumerate(BLOCKING):
        for name in ("fifo", "zero", "sparse", "circle"):
            unit = f"block{number}-{name}.service"
            lines_here = lines.replace("@PATH@", f"{INSIDE}/data/{name}")
            if lines.startswith("Container."):
                image = "" if "Image=" in lines else "Image=@IMAGE@\n"
                tree.unit(unit, f"[Container]\n{image}{lines_here.removeprefix('Container.')}\nExec=/guest exit 0\n[Service]\nType=oneshot\nTimeoutSec=3s\n")
            else:
                kind = "" if "Type=" in lines else "Type=oneshot\n"
                tree.unit(unit, f"[Service]\n{kind}TimeoutSec=3s\nExecStart=@GUEST@ exit 0\n{lines_here}\n")
            tree.svcctl("start", "--no-block", unit, timeout=15)
            answers(tree, f"{lines_here}")
    for number, (path, make) in enumerate((path, make) for path in ("etc/passwd", "etc/group") for make in ("fifo", "zero", "sparse", "circle", "/mnt/data/secret")):
        image = tree.path(f"accounts{number}")
        shutil.copytree(tree.path("image"), image, symlinks=True)
        os.unlink(os.path.join(image, path))
        if make == "fifo":
            os.mkfifo(os.path.join(image, path))
        elif make == "sparse":
            with open(os.path.join(image, path), "w") as file:
                file.truncate(10 << 30)
        else:
            os.symlink({"zero": "/dev/zero", "circle": os.path.basename(path)}.get(make, make), os.path.join(image, path))
        with open(tree.path("data", "secret"), "w") as file:
            file.write("intruder:x:0:0::/:/bin/sh\nroot:x:0:\n")
        tree.unit(f"accounts{number}.service", f"[Container]\nImage=@DIR@/accounts{number}\nUser=intruder\nGroup=root\nExec=/guest write /tmp/x ran -- exit 0\n"
                  "[Service]\nType=oneshot\nTimeoutSec=3s\n")
        result = tree.svcctl("start", f"accounts{number}.service", timeout=15)
        expect(result.returncode != 0, f"{path} of the image is {make}: it started")
        answers(tree, f"{path}: {make}")
    expect_equal(outer_manager(tree), manager, "the manager")
    expect(memory(manager) - before < 50_000, f"the manager grew by {memory(manager) - before} kB")


@scenario
def notifications_that_lie(tree):
    """MAINPID= of somebody else's process, statuses with newlines or without end (CVE-2018-15686)."""
    victim = tree.main_process("up.service")
    tree.service("liar.service", f"notify MAINPID=1 READY=1 -- notify MAINPID={victim[0]} -- notify MAINPID=-1 -- notify MAINPID=99999999999"
                 f" -- notify STATUS={'s' * 900} -- notify 'STATUS=one' '[Service]' 'User=root' -- notify EXTEND_TIMEOUT_USEC=18446744073709551615"
                 " -- notify WATCHDOG_USEC=1x -- notify ERRNO=99999999999999 -- notify = -- notify '' -- forever",
                 "Type=notify\nNotifyAccess=all\nUser=www-data\n")
    tree.start("liar.service")
    pid = int(tree.show("liar.service", "MainPID"))
    expect(pid not in (1, victim[0]) and pid > 1, f"MainPID={pid}")
    expect("\n" not in tree.show("liar.service", "StatusText"), "a status of two lines")
    expect_equal(tree.svcctl("status", "liar.service").returncode, 0, "status")
    tree.good("stop", "liar.service")
    expect_equal(tree.main_process("up.service"), victim, "the other service")
    answers(tree, "after that")


@scenario
def output_without_end(tree):
    """10 GB of lines and of one line: the file and the manager's memory are bounded (CVE-2022-1708), and the service is not stopped."""
    manager, before = outer_manager(tree), memory(outer_manager(tree))
    amount = int(os.environ.get("ABUSE_OUTPUT", "10000000000"))
    tree.service("lines.service", f"flood {amount // 2}", "Type=oneshot\n")
    tree.service("line.service", f"flood {amount // 2} one-line", "Type=oneshot\n")
    began = time.monotonic()
    tree.good("start", "--no-block", "lines.service", "line.service")
    most = 0
    while any(tree.show(unit, "ActiveState") == "activating" for unit in ("lines.service", "line.service")):
        expect(time.monotonic() - began < 240, "the output takes too long")
        answers(tree, "while two services print")
        most = max(most, memory(manager) - before)
        for name in os.listdir(tree.path("run", "logs")):
            try:
                size = os.stat(tree.path("run", "logs", name)).st_size
            except FileNotFoundError:
                continue  # put aside just now
            expect(size <= 5 << 20, f"{name} has {size} bytes")
        time.sleep(0.2)
    print(f"# {amount} bytes in {time.monotonic() - began:.0f} s; the manager grew by {most} kB")
    tree.expect_show("lines.service", Result="success")
    tree.expect_show("line.service", Result="success")
    expect(most < 20_000, f"the manager grew by {most} kB")


@scenario
def a_log_that_is_a_link(tree):
    """A log file that somebody made a link, or a folder: nothing is written through it (CVE-2025-9566)."""
    with open(tree.path("data", "precious"), "w") as file:
        file.write("precious\n")
    os.makedirs(tree.path("run", "logs"), exist_ok=True)
    os.symlink("/mnt/data/precious", tree.path("run", "logs", "linked.service.log"))
    os.mkdir(tree.path("run", "logs", "folder.service.log"))
    os.mkfifo(tree.path("run", "logs", "fifo.service.log"))
    for name in ("linked", "folder", "fifo"):
        tree.service(f"{name}.service", "print words -- print more words", "Type=oneshot\n")
        tree.start(f"{name}.service")
        tree.svcctl("logs", f"{name}.service")
        answers(tree, name)
    expect_equal(tree.read("data", "precious"), "precious\n", "what the link led to")


# --- memory -------------------------------------------------------------------------------------------------

def damage(data, noise, number):
    """(what was done, the file after it)"""
    kind = ("truncated", "bits", "zeroes", "noise", "header", "copies")[number % 6]
    data = bytearray(data)
    if kind == "truncated":
        return kind, data[:noise.randrange(len(data))]
    if kind == "bits":
        for _ in range(noise.randint(1, 200)):
            data[noise.randrange(len(data))] ^= 1 << noise.randrange(8)
    elif kind == "zeroes":
        start = noise.randrange(len(data))
        data[start:start + 4096] = bytes(len(data[start:start + 4096]))
    elif kind == "noise":
        start = noise.randrange(len(data))
        data[start:start + 1000] = noise.randbytes(len(data[start:start + 1000]))
    elif kind == "header":
        for _ in range(noise.randint(1, 8)):
            data[noise.randrange(128)] = noise.randrange(256)
    else:
        half = len(data) // 2
        data[:half] = data[half:2 * half]
    return kind, data


@scenario
def a_memory_that_is_damaged(tree):
    """What the manager left behind for its successor is cut off or has other bits: the next one comes up, and no process is lost or ended."""
    seed = int(os.environ.get("ABUSE_SEED", "3"))
    noise = random.Random(seed)
    for number in range(6):
        tree.service(f"more{number}.service", "forever", "Type=exec\nRestart=on-failure\n")
    tree.start(*[f"more{number}.service" for number in range(6)])
    pids = {name: tree.main_process(name) for name in ["up.service", *[f"more{number}.service" for number in range(6)]]}
    state = tree.path("run", "state")
    for number in range(36):
        manager = outer_manager(tree)
        with open(state, "rb") as file:
            before = file.read()
        os.kill(manager, 19)  # it writes nothing more
        kind, data = damage(before, noise, number)
        with open(state, "r+b") as file:
            file.write(data)
            file.truncate(len(data))
        os.kill(manager, 9)
        wait_for(lambda: outer_manager(tree) not in (None, manager), f"seed {seed}, number {number}, {kind}: another manager")
        wait_for(lambda: tree.svcctl("is-active", "up.service").stdout != "", f"seed {seed}, number {number}, {kind}: an answer", 30)
        for name, (pid, started) in pids.items():
            found = tree.run("cat", f"/proc/{pid}/stat").stdout
            expect(found and found.rpartition(")")[2].split()[19] == started, f"seed {seed}, number {number}, {kind}: {name} has ended")
        expect_equal(tree.svcctl("list-units").returncode, 0, f"{kind}: list-units")


main()
