"""The manager's side of engine/launch.h, and a small builder of launch programs, for tests of svc-init without svcd.

Init(…) starts svc-init in namespaces of its own with a stand-in for the manager that only hands its socket to the
test (fake_manager.py): the test itself is the manager then."""
import os
import random
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile

from svcd_test import ISOLATED, SVC_INIT, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))


def _enum(header, name):
    """The members of an enum of a header, in order; those with a value of their own are evaluated."""
    with open(os.path.join(HERE, "../../engine", header)) as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    values, next_value = {}, 0
    for member in re.search(name + r"\s*{(.*?)}", text, re.S).group(1).split(","):
        if member.strip():
            key, _, value = (part.strip() for part in member.partition("="))
            next_value = eval(value) if value else next_value
            values[key] = next_value
            next_value += 1
    return values


CODES = _enum("program.h", r"enum program_code")
FLAGS = _enum("program.h", r"enum(?= {\s*PROGRAM_OPTIONAL)")
LAUNCH = _enum("launch.h", r"enum launch_type")
STATES = {value: key.removeprefix("LAUNCH_STATE_") for key, value in _enum("launch.h", r"enum launch_state").items()}
VERSION, NO_SLOT, NO_FD, LOST = 2, 255, 0xFFFF, -2**31
OP_CLONE, OP_PROTOCOL = 2**32 - 1, 2**32 - 2
NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
    0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
MS_REC_PRIVATE = 0x4000 | 0x40000
KILL_PAYLOAD, KILL_CHILD, KILL_GROUP = 0, 1, 2

_SPAWN = struct.Struct("<II16sQIIII16s64s256s")
_RECORD = struct.Struct("<II16sIiiiIiQQQII64s256s")
_WELCOME = struct.Struct("<II16sIIiI")


class Program:
    """program("EXEC", …) appends an operation; build() yields the block. Strings become data by themselves."""

    def __init__(self, clone_flags=0, n_descriptors=3):
        self.clone_flags, self.n_descriptors = clone_flags, n_descriptors
        self.ops, self.data = [], bytearray(8)

    def put(self, value, align=1):
        if value == "":
            return 0
        self.data += bytes(-len(self.data) % align)
        offset = len(self.data)
        self.data += value.encode() + b"\0" if isinstance(value, str) else value
        return offset

    def vector(self, items):
        offsets = [self.put(item) for item in items]
        return self.put(struct.pack(f"<{len(items) + 1}I", *offsets, 0), 4)

    def __call__(self, code, text="", text2="", flags=0, fd=NO_FD, slot=NO_SLOT, slot2=NO_SLOT, number=0, number2=0):
        text = text if isinstance(text, int) else self.put(text)
        text2 = text2 if isinstance(text2, int) else self.put(text2)
        if isinstance(flags, str):
            flags = sum(FLAGS["PROGRAM_" + flag] for flag in flags.split("|"))
        self.ops.append(struct.pack("<HHBBHIIIIQQ", CODES["PROGRAM_" + code], fd, slot, slot2, 0, flags, 2**32 - 1,
                                    text, text2, number, number2))
        return self

    def exec(self, *argv, environment=("PATH=/usr/bin:/bin",)):
        return self("EXEC", argv[0], self.vector(argv), number=self.vector(environment))

    def build(self):
        ops, data = b"".join(self.ops), bytes(self.data) + b"\0"
        return struct.pack("<IIIIIIIIQ", 0x31706C73, 40 + len(ops) + len(data), len(self.ops), 40, len(data),
                           40 + len(ops), self.n_descriptors, 0, self.clone_flags) + ops + data


def simple(*argv, **options):
    return Program()("SESSION")("STDIO").exec(*argv, **options)


class Record:
    def __init__(self, message, fds):
        (_, _, self.id, state, self.pid, self.payload_pid, self.wait_status, self.failed_op, self.failed_errno,
         self.started_at, self.exec_at, self.ended_at, n_held, _, label, names) = _RECORD.unpack(message)
        self.state, self.label, self.fds = STATES[state], label.rstrip(b"\0").decode(), fds
        self.held = [names[64 * i:64 * i + 64].split(b"\0")[0].decode() for i in range(n_held)]

    @property
    def exit_status(self):
        return os.waitstatus_to_exitcode(self.wait_status)


class Init:
    def __init__(self, *options, isolated=ISOLATED, **popen):
        self.directory = tempfile.TemporaryDirectory(prefix="svc-init-test.")
        path = os.path.join(self.directory.name, "test")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        os.chmod(self.directory.name, 0o755)
        os.chmod(path, 0o777)
        self.listener.listen()
        self.listener.settimeout(20)
        self.records, self.signals, self.table_ends, self.welcome = {}, [], 0, None
        self.history = []
        self.control = self.link = None
        self.process = subprocess.Popen([*isolated, SVC_INIT, "--manager=" + os.path.join(HERE, "fake_manager.py"),
                                         *options, path], **popen)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.disconnect()
        self.listener.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        self.directory.cleanup()

    def connect(self, hello=True):
        """Waits for the (next) manager process and takes its socket."""
        self.control, _ = self.listener.accept()
        _, fds, _, _ = socket.recv_fds(self.control, 1, 1)
        self.link = socket.socket(fileno=fds[0])
        pid, _, _ = struct.unpack("iII", self.control.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        self.manager_pid = pid  # as this test sees it
        self.records, self.table_ends, self.history = {}, 0, []
        if hello:
            self.send("HELLO")
            self.until(lambda: self.table_ends, "the table")
        return self

    def disconnect(self):
        for end in (self.control, self.link):
            if end:
                end.close()
        self.control = self.link = None

    def kill_manager(self):
        os.kill(self.manager_pid, signal.SIGKILL)
        self.disconnect()

    def send(self, request, identity=bytes(16), body=b"", fds=()):
        head = struct.pack("<II16s", LAUNCH["LAUNCH_" + request], VERSION, identity)
        socket.send_fds(self.link, [head + body], fds)

    def spawn(self, program, descriptors=(), held={}, label="test", cgroup=None, block=None, clone_flags=None):
        """Standard input and output default to /dev/null, error to ours. Returns the launch id."""
        identity = random.randbytes(16)
        null = os.open("/dev/null", os.O_RDWR)
        passed = list(descriptors) + [null, null, 2][len(descriptors):]
        memfd = os.memfd_create("program")
        os.write(memfd, program.build() if block is None else block)
        names = b"".join(name.encode().ljust(64, b"\0") for name in held).ljust(256, b"\0")
        fds = [memfd, *([cgroup] if cgroup is not None else []), *passed, *held.values()]
        body = _SPAWN.pack(0, 0, b"", program.clone_flags if clone_flags is None else clone_flags, cgroup is not None,
                           len(passed), len(held), 0, b"", label.encode(), names)[24:]
        self.send("SPAWN", identity, body, fds)
        os.close(memfd)
        os.close(null)
        return identity

    def kill(self, identity, signal_number, flags=KILL_PAYLOAD):
        self.send("KILL", identity, struct.pack("<iI", signal_number, flags))

    def adopt(self, identity, pid, pidfd):
        self.send("ADOPT", identity, struct.pack("<i64s", pid, b"adopted"), [pidfd])

    def hold(self, identity, name, fd):
        self.send("HOLD", identity, name.encode().ljust(64, b"\0"), [fd])

    def shutdown(self, action=0, exit_status=0):
        self.send("SHUTDOWN", body=struct.pack("<Ii", action, exit_status))

    def receive(self, timeout):
        if not select.select([self.link], [], [], timeout)[0]:
            return False
        message, fds, _, _ = socket.recv_fds(self.link, 4096, 8)
        if not message:
            raise AssertionError("svc-init closed the connection")
        kind = struct.unpack_from("<I", message)[0]
        if kind == LAUNCH["LAUNCH_RECORD"]:
            record = Record(message, fds)
            self.records[record.id] = record
            self.history.append((record.id, record.state))
        elif kind == LAUNCH["LAUNCH_TABLE_END"]:
            self.table_ends += 1
        elif kind == LAUNCH["LAUNCH_SIGNAL"]:
            self.signals.append(struct.unpack_from("<i", message, 24)[0])
        elif kind == LAUNCH["LAUNCH_WELCOME"]:
            _, _, _, mode, starts, pid, _ = _WELCOME.unpack(message)
            self.welcome = {"mode": mode, "starts": starts, "pid": pid}
        return True

    def until(self, condition, what):
        """Receives until CONDITION() is true, and returns that."""
        def step():
            return condition() or (self.receive(0.05) and condition())
        return wait_for(step, what)

    def wait(self, identity, *states):
        states = states or ("EXITED", "FAILED")
        return self.until(lambda: (r := self.records.get(identity)) and r.state in states and r, "/".join(states))

    def run(self, program, **options):
        """Spawns, waits for the end, forgets; with capture, returns (record, output)."""
        capture = options.pop("capture", False)
        if not capture:
            identity = self.spawn(program, **options)
            record = self.wait(identity)
            self.send("FORGET", identity)
            return record
        reader, writer = os.pipe()
        null = os.open("/dev/null", os.O_RDONLY)
        identity = self.spawn(program, descriptors=[null, writer, 2, *options.pop("descriptors", [])], **options)
        os.close(writer)
        os.close(null)
        record = self.wait(identity)
        self.send("FORGET", identity)
        with open(reader, "rb") as file:
            return record, file.read().decode()
