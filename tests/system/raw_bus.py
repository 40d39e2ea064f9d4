"""D-Bus by hand: whatever bytes a test wants to send, and what comes back of them. (dbus.freedesktop.org/doc/dbus-specification.html)"""
import os
import socket
import struct

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4


def pad(data, align):
    return data + bytes(-len(data) % align)


def string(text):
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<I", len(data)) + data + b"\0"


def signature(text):
    return bytes([len(text)]) + text.encode() + b"\0"


def body(kinds, *values):
    """Only what the tests send: s, o, g, u, i, t, b, y, h, as, ay, v (as (signature, bytes)), a{sv} and other arrays empty."""
    data, values = b"", list(values)
    position = 0
    while position < len(kinds):
        kind = kinds[position]
        if kind == "a":
            end = position + element_length(kinds, position + 1)
            element, value = kinds[position + 1:end + 1], values.pop(0)
            position = end
            items = b""
            for item in value if element in "soy" else ():
                items = pad(items, 1 if element == "y" else 4) + (bytes([item]) if element == "y" else string(item))
            data = pad(data, 4) + struct.pack("<I", len(items))
            data = pad(data, 8 if element[0] in "({tx" else 1) + items
        elif kind in "so":
            data = pad(data, 4) + string(values.pop(0))
        elif kind == "g":
            data += signature(values.pop(0))
        elif kind in "uibh":
            data = pad(data, 4) + struct.pack("<i" if kind == "i" else "<I", values.pop(0))
        elif kind in "txd":
            data = pad(data, 8) + struct.pack("<Q", values.pop(0))
        elif kind == "y":
            data += bytes([values.pop(0)])
        elif kind == "v":
            kind, value = values.pop(0)
            data = pad(data + signature(kind), 8 if kind[0] in "txd({" else 1 if kind[0] in "ygv" else 4) + value
        else:
            raise ValueError(kinds)
        position += 1
    return data


def element_length(kinds, position):
    """Characters of the one complete type at POSITION."""
    if kinds[position] == "a":
        return 1 + element_length(kinds, position + 1)
    if kinds[position] not in "({":
        return 1
    depth, end = 0, position
    while True:
        depth += (kinds[end] in "({") - (kinds[end] in ")}")
        end += 1
        if depth == 0:
            return end - position


def zeroes(kinds):
    """The emptiest values of a signature, for body()."""
    values, position = [], 0
    while position < len(kinds):
        length = element_length(kinds, position)
        kind = kinds[position]
        values.append([] if kind == "a" else "/" if kind == "o" else "" if kind in "sg" else ("s", string("")) if kind == "v" else 0)
        position += length
    return values


def message(member, path="/org/svcd1", interface="org.svcd1.Manager", destination=None, kinds="", data=b"", serial=1, kind=CALL, body_length=None,
            fields_length=None, endian=b"l", version=1, flags=0):
    fields = [(1, "o", path), (3, "s", member)]
    if interface is not None:
        fields.append((2, "s", interface))
    if destination:
        fields.append((6, "s", destination))
    if kinds:
        fields.append((8, "g", kinds))
    array = b""
    for code, field_kind, value in fields:
        array = pad(array, 8) + bytes([code]) + signature(field_kind)
        array = pad(array, 4) + string(value) if field_kind != "g" else array + signature(value)
    head = endian + bytes([kind, flags, version]) + struct.pack("<III", len(data) if body_length is None else body_length, serial,
                                                               len(array) if fields_length is None else fields_length)
    return pad(head + array, 8) + data


class Bus:
    """A connection; with HELLO to a message bus, else straight to svcd's private socket."""

    def __init__(self, path, hello=False, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.buffer, self.serial = b"", 0
        self.socket.sendall(b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\n")
        line = self.line()
        if not line.startswith(b"OK"):
            raise ConnectionError(line)
        self.socket.sendall(b"BEGIN\r\n")
        self.destination = "org.svcd1" if hello else None
        if hello:
            self.call("Hello", path="/org/freedesktop/DBus", interface="org.freedesktop.DBus", destination="org.freedesktop.DBus")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def line(self):
        data = b""
        while not data.endswith(b"\r\n"):
            byte = self.socket.recv(1)
            if not byte:
                raise ConnectionError("closed while authenticating")
            data += byte
        return data

    def send(self, member, *values, kinds="", destination=None, **options):
        """Returns the serial number of the call."""
        self.serial += 1
        self.socket.sendall(message(member, kinds=kinds, data=body(kinds, *values), serial=self.serial,
                                    destination=destination or self.destination, **options))
        return self.serial

    def receive(self):
        """(type, serial it answers, name of the error or None, the body)"""
        head = self.take(16)
        size, _, fields = struct.unpack_from("<III", head, 4)
        rest = self.take(fields + -fields % 8 + size)
        answers, error, position = None, None, 0
        while position < fields:
            position += -position % 8
            code, length = rest[position], rest[position + 1]
            kind = rest[position + 2:position + 2 + length].decode()
            position += 3 + length
            if kind == "u":
                position += -position % 4
                value = struct.unpack_from("<I", rest, position)[0]
                position += 4
            elif kind == "g":
                value, position = None, position + rest[position] + 2
            else:
                position += -position % 4
                count = struct.unpack_from("<I", rest, position)[0]
                value = rest[position + 4:position + 4 + count].decode()
                position += 5 + count
            answers = value if code == 5 else answers
            error = value if code == 4 else error
        return head[1], answers, error, rest[fields + -fields % 8:]

    def take(self, count):
        while len(self.buffer) < count:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("closed")
            self.buffer += data
        result, self.buffer = self.buffer[:count], self.buffer[count:]
        return result

    def call(self, member, *values, **options):
        """(name of the error or None, the body of the answer)"""
        serial = self.send(member, *values, **options)
        while True:
            kind, answers, error, data = self.receive()
            if kind in (RETURN, ERROR) and answers == serial:
                return error, data

    def text(self, member, *values, **options):
        """The string that a call answers."""
        error, data = self.call(member, *values, **options)
        if error:
            raise ConnectionError(error)
        return data[4:4 + struct.unpack_from("<I", data)[0]].decode()


def as_user(uid, function):
    """Runs FUNCTION as another user, in a child, and returns the text that it returns."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.write(writer, function().encode()[:60000])
            status = 0
        except BaseException as error:
            os.write(writer, f"{type(error).__name__}: {error}".encode()[:60000])
        finally:
            os._exit(status)
    os.close(writer)
    with open(reader, "rb") as file:
        text = file.read().decode(errors="replace")
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        raise AssertionError(f"as user {uid}: {text}")
    return text
