"""Roots made of disk images: file systems in files, partition tables, what holds for each, and that nothing is left of them."""
import os
import re
import shutil
import struct
import subprocess
import sys
import uuid
import zlib

from svcd_test import expect, expect_equal, main, skip, test, wait_for
from tree import Tree

TOOLS = ("mksquashfs", "mkfs.erofs", "mkfs.ext4")
MEGA = 1 << 20

if os.getuid() != 0 or not os.path.exists("/dev/loop-control") or not all(
        shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin") for tool in TOOLS):
    print(f"1..0 # SKIP no loop devices, or not all of {', '.join(TOOLS)}")
    sys.exit(0)
os.environ["PATH"] += ":/usr/sbin:/sbin"

_tree = None


def quietly(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    expect(result.returncode == 0, f"{' '.join(command)}: {result.stderr}{result.stdout}")


def make_file_systems(tree):
    root = tree.path("image")
    quietly("mksquashfs", root, tree.path("root.squashfs"), "-noappend", "-quiet", "-no-progress")
    quietly("mkfs.erofs", tree.path("root.erofs"), root)
    os.makedirs(tree.path("layer1"))
    with open(tree.path("layer1", "over"), "w") as file:
        file.write("upper\n")
    shutil.copytree(root, tree.path("bin-root"))
    os.makedirs(tree.path("bin-root", "usr", "bin"))
    os.rename(tree.path("bin-root", "guest"), tree.path("bin-root", "usr", "bin", "looked-for"))
    quietly("mksquashfs", tree.path("bin-root"), tree.path("bin.squashfs"), "-noappend", "-quiet", "-no-progress")
    for name in ("root.ext4", "data.ext4"):
        with open(tree.path(name), "wb") as file:
            file.truncate(16 * MEGA)
        quietly("mkfs.ext4", "-q", "-d", root if name == "root.ext4" else tree.path("data"), tree.path(name))


def the_tree():
    global _tree
    if not _tree:
        _tree = Tree("image").__enter__()
        _tree.before = _tree.loop_devices()
        make_file_systems(_tree)
    return _tree


def loop_devices(tree):
    """Files of the tree that a loop device has attached."""
    found = []
    for name in os.listdir("/sys/block"):
        try:
            with open(f"/sys/block/{name}/loop/backing_file") as file:
                path = file.read().strip()
        except OSError:
            continue
        if os.path.basename(tree.directory) in path or path.startswith("/mnt/"):
            found.append(path)
    return sorted(found)


Tree.loop_devices = loop_devices


def check(name, checks, service="", container=None):
    """A oneshot whose payload is the guest with these checks."""
    tree = the_tree()
    if container is None:
        tree.unit(name, f"[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=oneshot\nExecStart=/guest {checks}\n{service}\n")
    else:
        tree.unit(name, f"[Container]\nExec={'' if 'Entrypoint' in container else '/guest '}{checks}\n{container}\n[Service]\nType=oneshot\n{service}\n")
    tree.good("daemon-reload")
    tree.start(name)
    tree.expect_show(name, Result="success", ExecMainStatus="0")


def refused(name, service, *patterns, status="226"):
    """A start that fails for a reason that is told with the place in the unit."""
    tree = the_tree()
    tree.unit(name, f"[Service]\nType=oneshot\nExecStart=/guest exit 0\n{service}\n")
    tree.good("daemon-reload")
    result = tree.svcctl("start", name)
    told = result.stderr + tree.svcctl("status", name).stdout
    expect_equal(result.returncode, 1, told)
    for pattern in (re.escape(name) + ":[0-9]+", *patterns):
        expect(re.search(pattern, told), f"{pattern} not in: {told}")
    if status:
        tree.expect_show(name, ExecMainStatus=status)


def partition(kind, content, flags=0):
    return kind, content, flags


ROOT_TYPE = {"x86_64": "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "aarch64": "b921b045-1df0-41c3-af44-4c6f280d3fae"}
HOME_TYPE, LINUX_TYPE = "933ac7e1-2eb4-4f13-b844-0e14e2aef915", "0fc63daf-8483-4772-8e79-3d69d8477de4"


def write_gpt(path, partitions, damage=None):
    """A disk with these (type, content) partitions. DAMAGE changes the entries before they are written, behind their checksum."""
    entries, body, at = b"", b"", 2048
    for kind, content, flags in partitions:
        content += b"\0" * (-len(content) % MEGA)
        entries += struct.pack("<16s16sQQQ72s", uuid.UUID(kind).bytes_le, uuid.uuid4().bytes_le, at,
                               at + len(content) // 512 - 1, flags, b"")
        body += content
        at += len(content) // 512
    entries = entries.ljust(128 * 128, b"\0")
    head = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, 1, at + 33, 34, at - 1, uuid.uuid4().bytes_le, 2, 128, 128,
                       zlib.crc32(entries))
    head = head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]
    if damage:
        entries = damage(entries)
    with open(path, "wb") as file:
        file.write(b"\0" * 512 + head.ljust(512, b"\0") + entries.ljust(MEGA - 1024, b"\0") + body + b"\0" * 33 * 512)


def content(*parts):
    with open(the_tree().path(*parts), "rb") as file:
        return file.read()


@test
def file_systems_by_their_superblock():
    # directive: Service.RootImage
    for kind in ("squashfs", "erofs"):
        check(f"{kind}.service", f"content /etc/image lower -- filesystem / {kind} -- read-only / -- filesystem /proc proc"
              " -- absent /mnt /bin -- mount-option / nodev,!nosuid", f"RootImage=@DIR@/root.{kind}")
    check("ext4.service", "content /etc/image lower -- filesystem / ext4 -- write /kept yes -- mount-option / nodev,!ro",
          "RootImage=@DIR@/root.ext4")
    check("again.service", "content /kept yes", "RootImage=@DIR@/root.ext4")


@test
def options_of_the_root_image():
    # directive: Service.RootImageOptions
    check("options.service", "read-only / -- mount-option / nosuid,ro,nodev", "RootImage=@DIR@/root.ext4\nRootImageOptions=root:ro,nosuid home:nodev")
    check("plain-options.service", "mount-option / nosuid,!nodev", "RootImage=@DIR@/root.squashfs\nRootImageOptions=nosuid,dev")
    refused("bad-option.service", "RootImage=@DIR@/root.ext4\nRootImageOptions=no-such-option", "no-such-option", "RootImage")
    refused("bad-part.service", "RootImage=@DIR@/root.ext4\nRootImageOptions=rooot:ro", "rooot", status=None)


@test
def partition_tables():
    tree = the_tree()
    root = ROOT_TYPE[os.uname().machine]
    home = tree.path("home")
    os.makedirs(os.path.join(home, "anna"))
    with open(os.path.join(home, "anna", "letter"), "w") as file:
        file.write("from a partition\n")
    quietly("mksquashfs", home, tree.path("home.squashfs"), "-noappend", "-quiet", "-no-progress")
    write_gpt(tree.path("disk"), [partition("c12a7328-f81f-11d2-ba4b-00a0c93ec93b", b"boot"), partition(root, content("root.squashfs")),
                                  partition(HOME_TYPE, content("home.squashfs"))])
    check("disk.service", "filesystem / squashfs -- content /etc/image lower -- content /home/anna/letter 'from a partition' -- filesystem /home squashfs",
          "RootImage=@DIR@/disk")
    write_gpt(tree.path("generic"), [partition(LINUX_TYPE, content("root.erofs"))])
    check("generic.service", "filesystem / erofs -- content /home/anna/letter secret", "RootImage=@DIR@/generic")
    # Two generic partitions: nobody knows which is meant.
    write_gpt(tree.path("two"), [partition(LINUX_TYPE, content("root.erofs"))] * 2)
    refused("two.service", "RootImage=@DIR@/two", "root partition", "/mnt/two")


@test
def damaged_images():
    tree = the_tree()
    root = ROOT_TYPE[os.uname().machine]
    write_gpt(tree.path("damaged"), [partition(root, content("root.squashfs"))], lambda entries: b"x" + entries[1:])
    refused("damaged.service", "RootImage=@DIR@/damaged", "partition table", "offset 512")
    with open(tree.path("outside"), "wb") as file:
        file.write(content("disk")[:2 * MEGA])
    refused("outside.service", "RootImage=@DIR@/outside", "partition table")
    with open(tree.path("noise"), "wb") as file:
        file.write(b"noise" * 100000)
    refused("noise.service", "RootImage=@DIR@/noise", "/mnt/noise", "offset 0")
    with open(tree.path("torn"), "wb") as file:
        file.write(content("root.squashfs")[:4096] + b"\0" * 65536)
    refused("torn.service", "RootImage=@DIR@/torn", "squashfs", "RootImage=")
    refused("none.service", "RootImage=@DIR@/nosuch", "/mnt/nosuch", "No such file")
    refused("folder.service", "RootImage=@DIR@/image", "neither a file nor")


@test
def policies_decide():
    # directive: Service.RootImagePolicy Service.MountImagePolicy
    check("open.service", "content /etc/image lower -- content /home/anna/letter secret",
          "RootImage=@DIR@/disk\nRootImagePolicy=root=unprotected:home=ignore")
    refused("verity.service", "RootImage=@DIR@/disk\nRootImagePolicy=root=verity+signed", "root partition", "unprotected", "policy")
    refused("absent.service", "RootImage=@DIR@/disk\nRootImagePolicy=root=unprotected:home=absent", "home partition", "policy")
    refused("lacks.service", "RootImage=@DIR@/disk\nRootImagePolicy=root=unprotected:srv=unprotected", "srv partition", "policy")
    refused("word.service", "RootImage=@DIR@/disk\nRootImagePolicy=root=open+closed", "closed", status=None)
    refused("mount.service", "RootImage=@DIR@/root.squashfs\nMountImages=@DIR@/root.erofs:/srv\nMountImagePolicy=root=verity", "root.erofs", "policy")


@test
def images_in_a_service():
    # directive: Service.MountImages
    check("images.service", "content /srv/etc/image lower -- filesystem /srv erofs -- mount-option /srv nodev,nosuid"
          " -- filesystem /opt/data ext4 -- write /opt/data/new text", "RootDirectory=@IMAGE@\n"
          "MountImages=@DIR@/root.erofs:/srv:nosuid -@DIR@/nosuch:/home @DIR@/data.ext4:/opt/data:root:noexec,noatime")
    tree = the_tree()
    tree.unit("host.service", "[Service]\nType=oneshot\nPrivateDevices=yes\nMountImages=@DIR@/root.squashfs:/opt\n"
              "ExecStart=@GUEST@ content /opt/etc/image lower -- filesystem /opt squashfs\n")
    tree.start("host.service")
    refused("missing.service", "RootDirectory=@IMAGE@\nMountImages=@DIR@/nosuch:/srv", "nosuch")


@test
def image_as_a_layer():
    check("layer.service", "filesystem / overlay -- content /etc/image lower -- write /etc/image changed -- hidden /proc/kcore", "",
          "Image=@DIR@/root.squashfs")
    check("layers.service", "content /over upper -- content /etc/image lower -- read-only /", "",
          "Image=@DIR@/layer1:@DIR@/root.erofs\nUpper=none\nUserNS=auto")
    check("search.service", "content /etc/image lower", "", "Image=@DIR@/bin.squashfs\nEntrypoint=looked-for")


@test
def ephemeral_roots():
    # directive: Service.RootEphemeral
    tree = the_tree()
    for root in ("RootDirectory=@IMAGE@", "RootImage=@DIR@/root.ext4", "RootImage=@DIR@/root.squashfs"):
        for _ in range(2):
            check("ephemeral.service", "absent /made -- content /etc/image lower -- write /made text -- write /etc/image changed"
                  " -- filesystem / overlay -- filesystem /proc proc", root + "\nRootEphemeral=yes")
    expect(not tree.exists("image", "made"), "the root directory got a file")


@test
def integrity_that_cannot_be_had():
    """This test's kernel may lack the device mapper; tests/vm shows the effect. Either way a wrong hash does not start."""
    # directive: Service.RootHash Service.RootHashSignature Service.RootVerity
    tree = the_tree()
    if not shutil.which("veritysetup"):
        skip("no veritysetup (cryptsetup-bin)")
    shutil.copy(tree.path("root.squashfs"), tree.path("checked.raw"))
    told = subprocess.run(["veritysetup", "format", tree.path("checked.raw"), tree.path("tree")], capture_output=True, text=True).stdout
    right = re.search(r"Root hash:\s*(\S+)", told).group(1)
    if os.path.isdir("/sys/class/misc/device-mapper"):
        check("verity.service", "content /etc/image lower", f"RootImage=@DIR@/checked.raw\nRootHash={right}\nRootVerity=@DIR@/tree")
    refused("wrong.service", f"RootImage=@DIR@/checked.raw\nRootHash={right[::-1]}\nRootVerity=@DIR@/tree", "RootImage=", "verify-image|mount-filesystem")
    refused("no-tree.service", f"RootImage=@DIR@/checked.raw\nRootHash={right}", "checked.verity")
    refused("no-hash.service", "RootImage=@DIR@/checked.raw\nRootVerity=@DIR@/tree", "no root hash")
    refused("hash.service", "RootImage=@DIR@/checked.raw\nRootHash=1234xyz", "1234xyz", status=None)
    refused("bad-tree.service", f"RootImage=@DIR@/checked.raw\nRootHash={right}\nRootVerity=@DIR@/root.ext4", "no superblock")
    refused("signature.service", f"RootImage=@DIR@/checked.raw\nRootHash={right}\nRootVerity=@DIR@/tree\nRootHashSignature=base64:AAAA",
            "verify-image")
    # What lies beside the image counts without being named.
    with open(tree.path("checked.roothash"), "w") as file:
        file.write(right + "\n")
    refused("beside.service", "RootImage=@DIR@/checked.raw", "checked.verity")


@test
def the_logger_in_a_root_of_its_own():
    # directive: Service.BindLogSockets
    tree = the_tree()
    made = tree.run("sh", "-ec", "mount -t tmpfs -o mode=755 tmpfs /run; mkdir -p /run/systemd/journal;"
                    " python3 -c 'import socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(\"/run/systemd/journal/socket\")'")
    expect_equal(made.returncode, 0, made.stderr)
    check("logs.service", "present /run/systemd/journal/socket", "RootImage=@DIR@/root.squashfs")
    check("no-logs.service", "absent /run/systemd/journal/socket", "RootImage=@DIR@/root.squashfs\nBindLogSockets=no")
    check("logs-alone.service", "present /run/systemd/journal/socket -- absent /proc/self",
          "RootDirectory=@IMAGE@\nMountAPIVFS=no\nBindLogSockets=yes\nRootEphemeral=yes")


def extension(tree, name, release, files):
    """A directory and a squashfs of it, called NAME and NAME.raw."""
    for path, text in {**files, f"usr/lib/extension-release.d/extension-release.{name}": release}.items():
        path = tree.path("extensions", name, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
    quietly("mksquashfs", tree.path("extensions", name), tree.path("extensions", f"{name}.raw"), "-noappend", "-quiet", "-no-progress")


@test
def extensions_of_a_root():
    # directive: Service.ExtensionImages Service.ExtensionDirectories Service.ExtensionImagePolicy
    tree = the_tree()
    for path, text in {"os/etc/os-release": 'NAME=Any\nID=anyos\nVERSION_ID="7"\nSYSEXT_LEVEL=2\n', "os/usr/lib/library": "library\n",
                       "os/etc/motd": "root\n"}.items():
        os.makedirs(os.path.dirname(tree.path(path)), exist_ok=True)
        with open(tree.path(path), "w") as file:
            file.write(text)
    for folder in ("proc", "sys", "dev", "run", "opt", "tmp"):
        os.makedirs(tree.path("os", folder))
    shutil.copy(tree.path("guest"), tree.path("os", "guest"))
    quietly("mksquashfs", tree.path("os"), tree.path("os.squashfs"), "-noappend", "-quiet", "-no-progress")
    extension(tree, "tool", "ID=anyos\nSYSEXT_LEVEL=2\n", {"usr/bin/tool": "1\n", "usr/lib/shared": "tool\n", "etc/motd": "not taken\n"})
    extension(tree, "more", "ID=_any\n", {"opt/more/file": "more\n", "usr/lib/shared": "more\n"})
    extension(tree, "versioned", 'ID="anyos"\nVERSION_ID=7\n', {"usr/versioned": "7\n"})
    extension(tree, "stranger", "ID=otheros\nVERSION_ID=7\n", {"usr/strange": "x\n"})
    extension(tree, "old", "ID=anyos\nSYSEXT_LEVEL=1\nVERSION_ID=7\n", {"usr/old": "x\n"})
    extension(tree, "foreign", "ID=_any\nARCHITECTURE=s390x\n", {"usr/foreign": "x\n"})
    checks = ("content /usr/bin/tool 1 -- content /usr/lib/library library -- content /etc/motd root -- read-only /usr /opt"
              " -- filesystem /usr overlay -- content /opt/more/file more -- content /usr/lib/shared {shared} -- content /usr/versioned 7")
    directory = "@DIR@/extensions"
    for root in ("RootDirectory=@DIR@/os", "RootImage=@DIR@/os.squashfs"):
        check("images-on-root.service", checks.format(shared="more"),
              f"{root}\nExtensionImages={directory}/tool.raw {directory}/versioned.raw {directory}/more.raw:nosuid -{directory}/nosuch.raw")
        check("directories-on-root.service", checks.format(shared="tool"),
              f"{root}\nExtensionImages={directory}/more.raw\nExtensionDirectories={directory}/tool {directory}/versioned -{directory}/nosuch")
    for name in ("stranger", "foreign"):
        for line in (f"ExtensionImages={directory}/{name}.raw", f"ExtensionDirectories={directory}/{name}"):
            refused("other.service", f"RootDirectory=@DIR@/os\n{line}", line.partition("=")[0], "Stale", name)
    refused("old.service", f"RootDirectory=@DIR@/os\nExtensionDirectories={directory}/old", "Stale")
    refused("unnamed.service", "RootDirectory=@DIR@/os\nExtensionDirectories=@DIR@/image", "No such file")
    refused("policy.service", f"RootDirectory=@DIR@/os\nExtensionImages={directory}/tool.raw\nExtensionImagePolicy=root=signed", "policy")
    # A link in an extension leads nowhere: it is no hierarchy.
    os.makedirs(tree.path("extensions/linked/usr/lib/extension-release.d"))
    with open(tree.path("extensions/linked/usr/lib/extension-release.d/extension-release.linked"), "w") as file:
        file.write("ID=_any\n")
    os.symlink("/etc", tree.path("extensions/linked/opt"))
    check("linked.service", "absent /opt/passwd /opt/motd", f"RootDirectory=@DIR@/os\nExtensionDirectories={directory}/linked")
    # On the host's own tree, seen by this service only.
    extension(tree, "here", "ID=_any\n", {"opt/svcd-test-extension": "here\n"})
    tree.unit("here.service", "[Service]\nType=oneshot\nExtensionImages=@DIR@/extensions/here.raw\n"
              "ExecStart=@GUEST@ content /opt/svcd-test-extension here -- filesystem /opt overlay\n")
    tree.start("here.service")
    expect(not os.path.exists("/opt/svcd-test-extension"), "the host's /opt")


@test
def one_writable_image_many_commands():
    """ExecStartPre=, the main process and ExecStop= see one file system, not one cache each."""
    tree = the_tree()
    tree.unit("writer.service", "[Service]\nRootImage=@DIR@/root.ext4\nExecStartPre=/guest write /one 1\n"
              "ExecStart=/guest content /one 1 -- write /two 2 -- notify READY=1 -- forever\nType=notify\n"
              "ExecStop=/guest content /two 2 -- write /three 3\n")
    for _ in range(3):
        tree.start("writer.service")
        expect_equal(len(tree.loop_devices()), 1, "loop devices while it runs")
        tree.good("stop", "writer.service")
        tree.expect_show("writer.service", Result="success")
    check("reader.service", "content /three 3 -- content /two 2", "RootImage=@DIR@/root.ext4")


@test
def nothing_is_left():
    global _tree
    if _tree:
        tree, _tree = _tree, None
        wait_for(lambda: not tree.loop_devices(), "all loop devices to be free")
        tree.__exit__(None, None, None)


try:
    main()
finally:
    if _tree:
        _tree.__exit__(AssertionError, None, None)
