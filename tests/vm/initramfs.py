"""An initramfs made of files that are there: programs with the libraries they need, kernel modules, device nodes.

Written by hand (cpio"s "newc" format is a page long) so that it needs neither root nor a tool; order is the order of
adding, so the same input gives the same bytes.
"""

import os
import stat
import subprocess


class Initramfs:
    def __init__(self):
        self.entries = {}  # path without a leading slash -> (mode, rdev, data)

    def directory(self, path, mode=0o755):
        path = path.strip("/")
        if not path or path in self.entries:
            return
        self.directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFDIR | mode, (0, 0), b"")

    def file(self, path, data, mode=0o644):
        self.directory(os.path.dirname(path))
        self.entries[path.strip("/")] = (stat.S_IFREG | mode, (0, 0), data.encode() if isinstance(data, str) else data)

    def copy(self, source, path, mode=None):
        with open(source, "rb") as file:
            self.file(path, file.read(), mode if mode is not None else os.stat(source).st_mode & 0o777)

    def mode(self, path, mode):
        """Changes that of an entry."""
        kind, rdev, data = self.entries[path.strip("/")]
        self.entries[path.strip("/")] = (stat.S_IFMT(kind) | mode, rdev, data)

    def link(self, path, target):
        self.directory(os.path.dirname(path))
        self.entries[path.strip("/")] = (stat.S_IFLNK | 0o777, (0, 0), target.encode())

    def node(self, path, major, minor, mode=0o600):
        self.directory(os.path.dirname(path))
        self.entries[path.strip("/")] = (stat.S_IFCHR | mode, (major, minor), b"")

    def program(self, source, path):
        """A program with every shared library that ldd finds, at the path where the loader will look."""
        self.copy(source, path, 0o755)
        listing = subprocess.run(["ldd", source], capture_output=True, text=True).stdout
        for line in listing.splitlines():
            words = line.split()
            library = words[2] if len(words) > 2 and words[1] == "=>" else words[0] if words else ""
            if library.startswith("/") and self.resolve(library) not in self.entries:
                self.copy(os.path.realpath(library), self.resolve(library), 0o755)

    def resolve(self, path):
        """Where PATH leads when its first folder is a link, as on a system with a merged /usr."""
        first, _, rest = path.strip("/").partition("/")
        mode, _, target = self.entries.get(first, (0, None, b""))
        return f"{target.decode()}/{rest}" if stat.S_ISLNK(mode) else path.strip("/")

    def add(self, path, other):
        """All of another one, below PATH."""
        self.directory(path)
        for name, entry in other.entries.items():
            self.entries[os.path.join(path.strip("/"), name)] = entry

    def write(self, path):
        with open(path, "wb") as file:
            for number, (name, (mode, rdev, data)) in enumerate(self.entries.items(), 1):
                self._write_entry(file, name, number, mode, rdev, data)
            self._write_entry(file, "TRAILER!!!", 0, 0, (0, 0), b"")

    @staticmethod
    def _write_entry(file, name, inode, mode, rdev, data):
        encoded = name.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        fields = (inode, mode, 0, 0, links, 0, len(data), 0, 0, rdev[0], rdev[1], len(encoded), 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
        file.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))


def module_with_dependencies(release, name):
    """Files of a module in the order in which they have to be inserted, or [] when it is built in or not there."""
    root = f"/lib/modules/{release}"
    dependencies = {}
    with open(f"{root}/modules.dep") as file:
        for line in file:
            module, _, needed = line.strip().partition(":")
            dependencies[module] = needed.split()
    wanted = name.replace("-", "_")
    for module, needed in dependencies.items():
        if os.path.basename(module).partition(".")[0].replace("-", "_") == wanted:
            return [f"{root}/{path}" for path in list(reversed(needed)) + [module]]
    return []
