"""Boots Debian's cloud kernel in QEMU with svc-init as the machine's PID 1, lets it run units, and reads on the console what
became of them. TAP: one case for each unit, one for the boot and one for the power-off.

A unit in units/ is a case, but for slices: what takes real controllers, a real machine or a disk. Lines of its own tell the rest:

    # expect: ActiveState=… Result=A|B     how it must end; without one it must have succeeded
    # log: REGEX                           must be found in what `svcctl status` says of it
    # module: NAME…                        kernel modules it needs
    # kernel: WORD…                        for the kernel's command line
    # disk: NAME SIZE                      an empty virtio disk, vdc and on (vda is there, 16M)
    # after: NAME…                         starts when these units are done; `behaviour` is all of the next paragraph

Every unit of tests/system/behaviour runs here too, with all controllers there and nothing of a host around it, unless it says
`# not in the VM: why`. Everything runs beside everything else, but for what `# after:` says."""
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../system"))

from behaviour_files import make_files  # noqa: E402
from initramfs import Initramfs, module_with_dependencies  # noqa: E402
from svcd_test import BUILD  # noqa: E402
from tree import NAMESPACES, make_image  # noqa: E402

UNITS = os.path.join(HERE, "units")
BEHAVIOUR = os.path.join(HERE, "../system/behaviour")
MODULES = ("overlay", "virtio_pci", "virtio_blk", "ext4", "loop")
DISKS = {"vda": "16M", "vdb": "64M"}  # vda is for anyone, vdb is /mnt: a file system that takes id maps
ENVIRONMENT = ("TREE_PASSED=passed", "TREE_KEPT=kept")  # for PassEnvironment=: the kernel hands it to init
SECONDS = 600  # a bound for a machine that hangs: under load the emulation is slow
BEGIN, END = "=== report begins", "=== report ends"
SUCCESS = {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}

# What the last unit does: tell on the console how every other unit ended, then power off.
REPORT = """[Unit]
After={units}
[Service]
Type=oneshot
StandardOutput=file:/dev/console
StandardError=file:/dev/console
Environment=NO_COLOR=1 TERM=dumb
ExecStart=/guest print {begin}
ExecStart=-/svcctl show {names} --property=Id,{properties}
ExecStart=-/svcctl status {names}
ExecStart=/guest print {end}
ExecStart=/svcctl --no-block poweroff
"""
PROPERTIES = ("ActiveState", "SubState", "Result", "NRestarts", "ExecMainCode", "ExecMainStatus")


def find_kernel():
    """(image, release) of the newest cloud kernel that has its modules here."""
    found = []
    for name in os.listdir("/boot"):
        release = name.removeprefix("vmlinuz-")
        if name != release and release.endswith("cloud-" + {"x86_64": "amd64"}.get(platform.machine(), "?")):
            if os.path.exists(f"/lib/modules/{release}/modules.dep"):
                found.append((os.path.join("/boot", name), release))
    return max(found, key=lambda item: [int(part) for part in re.findall(r"\d+", item[1])], default=None)


class Case:
    """A unit, and what its comments say."""

    def __init__(self, folder, name):
        self.name, self.is_behaviour = name, folder == BEHAVIOUR
        with open(os.path.join(folder, name)) as file:
            self.text = file.read()
        self.expected = dict(word.split("=", 1) for word in self.words("expect")) or SUCCESS
        self.log = re.findall(r"^# log: (.*)$", self.text, re.MULTILINE)
        self.modules, self.kernel, self.after = self.words("module"), self.words("kernel"), self.words("after")
        self.apparmor = re.findall(r"^# apparmor: (.*)$", self.text, re.MULTILINE)
        self.disks = dict(zip(self.words("disk")[::2], self.words("disk")[1::2]))
        self.elsewhere = "\n# not in the VM:" in "\n" + self.text

    def words(self, key):
        return " ".join(re.findall(rf"^# {key}: (.*)$", self.text, re.MULTILINE)).split()

    def unit(self):
        """As a file for the machine. The numbers of the first namespaces are filled in there."""
        return self.text.replace("@GUEST@", "/mnt/guest").replace("@DIR@", "/mnt").replace("@IMAGE@", "/mnt/image") \
                        .replace("@OUTSIDE@", "/tmp/outside")


def read_cases():
    cases = [Case(folder, name) for folder in (UNITS, BEHAVIOUR) for name in sorted(os.listdir(folder)) if not name.endswith(".slice")]
    return [case for case in cases if not case.elsewhere and (find_apparmor_parser() or "apparmor" not in case.name)]


def find_apparmor_parser():
    return shutil.which("apparmor_parser", path="/usr/sbin:/sbin:" + os.environ["PATH"])


def add_apparmor(image, cases, scratch):
    """The policy of all cases, compiled for a kernel that has what version 3 knows of."""
    profiles = [text for case in cases for text in case.apparmor]
    if not profiles:
        return
    features, source, policy = "/etc/apparmor.d/abi/3.0", os.path.join(scratch, "profiles"), os.path.join(scratch, "policy")
    with open(source, "w") as file:
        file.write("abi <abi/3.0>,\n" + "\n".join(profiles) + "\n")
    subprocess.run([find_apparmor_parser(), "--skip-kernel-load", "--skip-cache", f"--policy-features={features}",
                    f"--kernel-features={features}", f"--ofile={policy}", source], check=True, stdout=subprocess.DEVNULL)
    image.copy(policy, "etc/apparmor.policy")


def build_initramfs(path, release, cases, scratch):
    """The machine's root is a folder of the initramfs, because pivot_root(2) cannot leave the initramfs itself."""
    root = build_root(cases, scratch)
    insert = "".join(f"insert-module {file}\n" for file in add_modules(root, release, cases))
    outer = Initramfs()
    outer.node("dev/console", 5, 1)
    outer.directory("proc")
    outer.program(os.path.join(BUILD, "tests/guest/guest"), "guest")
    outer.file("boot", f"mount proc none /proc -- name-namespaces /root/etc/svcd/units {' '.join(NAMESPACES)}\n"
                       f"switch-root /root\n{insert}mount devtmpfs none /dev -- await-file /dev/vdb -- mount ext4 /dev/vdb /mnt\n"
                       "exec /svc-init --manager=/svcd\n")
    outer.add("root", root)
    outer.write(path)


def add_modules(root, release, cases):
    """Their files there, in the order in which they have to be inserted."""
    inserted = []
    for module in (*MODULES, *(module for case in cases for module in case.modules)):
        for file in module_with_dependencies(release, module):
            if f"/usr{file}" not in inserted:
                root.copy(file, f"usr{file}")
                inserted.append(f"/usr{file}")
    return inserted


def build_root(cases, scratch):
    image = Initramfs()
    for folder in ("proc", "sys", "dev", "run", "tmp/outside", "var/lib", "var/tmp", "etc", "home/anna", "root", "boot", "srv", "opt",
                   "usr/lib64", "usr/bin", "mnt"):
        image.directory(folder)
    for folder, mode in (("tmp", 0o1777), ("var/tmp", 0o1777), ("root", 0o700)):
        image.directory(folder)
        image.mode(folder, mode)
    for folder in ("lib", "lib64", "bin"):
        image.link(folder, f"usr/{folder}")
    image.node("dev/console", 5, 1)
    image.node("dev/null", 1, 3, 0o666)
    for program, name in (("init/svc-init", "svc-init"), ("svcd/svcd", "svcd"), ("cli/svcctl", "svcctl"), ("tests/guest/guest", "guest")):
        image.program(os.path.join(BUILD, program), name)
    add_behaviour(image, scratch)
    add_images(image, scratch)
    add_apparmor(image, cases, scratch)
    write_units(image, cases)
    return image


def run_as_root(*command):
    """Whoever runs the tests, the files are root's."""
    if os.geteuid() != 0:
        command = ("unshare", "--user", "--map-root-user", *command)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PATH": "/usr/sbin:/sbin:" + os.environ["PATH"]})


def add_behaviour(image, scratch):
    """/mnt and the accounts, as tests/system/tree.py makes them."""
    folder = os.path.join(scratch, "mnt")
    os.mkdir(folder)
    make_image(os.path.join(folder, "image"))
    make_files(folder)
    os.makedirs(os.path.join(folder, "data/volume"))
    shutil.copy(os.path.join(BUILD, "tests/guest/guest"), folder)
    run_as_root("mkfs.ext4", "-q", "-d", folder, os.path.join(scratch, "vdb"), DISKS["vdb"])
    for name, nobody in (("passwd", "daemon:x:1:1::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n"), ("group", "daemon:x:1:\nnogroup:x:65534:\n")):
        with open(os.path.join(folder, "image/etc", name)) as file:
            image.file(f"etc/{name}", file.read() + nobody)
    image.file("etc/shadow", "root:*:1:0:99999:7:::\n", 0o600)
    image.file("etc/hostname", "machine\n")


def add_images(image, scratch):
    """Disk images in /images: checked.raw with what dm-verity wants beside it, broken.raw, which that does not fit, root.erofs."""
    folder, root = os.path.join(scratch, "images"), os.path.join(scratch, "mnt/image")
    os.mkdir(folder)
    checked, broken = os.path.join(folder, "checked.raw"), os.path.join(folder, "broken.raw")
    run_as_root("mksquashfs", root, checked, "-noappend", "-quiet", "-no-progress", "-comp", "gzip")
    run_as_root("mkfs.erofs", os.path.join(folder, "root.erofs"), root)
    told = subprocess.run(["veritysetup", "format", checked, os.path.join(folder, "checked.verity")], check=True, capture_output=True, text=True,
                          env={**os.environ, "PATH": "/usr/sbin:/sbin:" + os.environ["PATH"]}).stdout
    with open(os.path.join(folder, "checked.roothash"), "w") as file:
        file.write(re.search(r"Root hash:\s*(\S+)", told).group(1) + "\n")
    with open(checked, "rb") as file:
        content = bytearray(file.read())
    for place in range(100, len(content), 4096):
        content[place] ^= 1
    with open(broken, "wb") as file:
        file.write(content)
    for name in os.listdir(folder):
        image.copy(os.path.join(folder, name), f"images/{name}")


def write_units(image, cases):
    for name in os.listdir(UNITS):  # what a case lies in is none itself
        if name.endswith(".slice"):
            image.copy(os.path.join(UNITS, name), f"etc/svcd/units/{name}")
    for case in cases:
        image.file(f"etc/svcd/units/{case.name}", case.unit())
        if case.after:
            names = " ".join(word + ("" if "." in word else ".target" if word == "behaviour" else ".service") for word in case.after)
            image.file(f"etc/svcd/units/{case.name}.d/after.conf", f"[Unit]\nAfter={names}\n")
    # io.cost has to be switched on for a disk before it takes weights of its own.
    image.file("etc/svcd/units/modules.service",
               "[Service]\nType=oneshot\nRemainAfterExit=yes\n"
               "ExecStart=/guest await-file /dev/vda\n"
               "ExecStart=/guest write /sys/fs/cgroup/io.cost.qos '254:0 enable=1'\n")
    behaviour = " ".join(case.name for case in cases if case.is_behaviour)
    image.file("etc/svcd/units/behaviour.target", f"[Unit]\nWants={behaviour}\nAfter=modules.service {behaviour}\n")
    names = ["modules.service", *(case.name for case in cases)]
    image.file("etc/svcd/units/report.service",
               REPORT.format(units=" ".join(names), names=" ".join(names), properties=",".join(PROPERTIES), begin=BEGIN, end=END))
    image.file("etc/svcd/units/default.target",
               f"[Unit]\nWants=behaviour.target {' '.join(case.name for case in cases if not case.is_behaviour)} report.service\n")


def boot(kernel, initramfs, disks, words):
    """What the console showed, and whether the machine powered itself off in time."""
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-smp", "2", "-M", "q35", "-m", "1024", "-nographic", "-no-reboot",
               "-nic", "none", "-kernel", kernel, "-initrd", initramfs,
               "-append", " ".join(["console=ttyS0 quiet panic=-1", *words, *ENVIRONMENT, "rdinit=/guest -- run-file /boot"])]
    for disk in disks:
        command += ["-drive", f"file={disk},format=raw,if=virtio"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        console, _ = process.communicate(timeout=SECONDS)
        ended = process.returncode == 0
    except subprocess.TimeoutExpired:
        process.kill()
        console, _ = process.communicate()
        ended = False
    return console.decode(errors="replace").replace("\r", ""), ended


def make_disks(scratch, cases):
    sizes = dict(DISKS)
    for case in cases:
        sizes.update(case.disks)
    paths = []
    for name in sorted(sizes):
        paths.append(os.path.join(scratch, name))
        with open(paths[-1], "ab") as file:
            file.truncate(int(sizes[name].rstrip("MG")) << {"M": 20, "G": 30}[sizes[name][-1]])
    return paths


def parse_report(console):
    """Unit -> ({property: value}, lines of its status)."""
    report, found, lines = {}, None, None
    for line in console.partition(BEGIN)[2].partition(END)[0].splitlines():
        name, equals, value = line.partition("=")
        if match := re.match(r"\S ([\w@.-]+\.service)( - |$)", line):
            lines = report.setdefault(match.group(1), ({}, []))[1]
        elif lines is not None:
            lines += [line] if line.strip() else []
        elif name == "Id" and equals:
            found = report.setdefault(value, ({}, []))[0]
        elif found is not None and equals:
            found[name] = value
    return report


class Tap:
    def __init__(self, count):
        self.number, self.failed = 0, False
        print(f"1..{count}")

    def case(self, good, name, explanation=()):
        self.number += 1
        self.failed |= not good
        if not good:
            for line in explanation:
                print("# " + line)
        print(f"{'ok' if good else 'not ok'} {self.number} {name}")


def judge(case, report):
    """(whether it went as it should, what to say if not)"""
    found, lines = report.get(case.name, ({}, ["no report"]))
    good = all(found.get(key) in value.split("|") for key, value in case.expected.items())
    missing = [pattern for pattern in case.log if not re.search(pattern, "\n".join(lines))]
    return good and not missing, [f"expected {case.expected}, found {found}", *(f"not told: {pattern}" for pattern in missing), *lines[-20:]]


def main():
    kernel = find_kernel()
    if not kernel:
        return print("1..0 # SKIP no cloud kernel with modules below /boot and /lib/modules (linux-image-cloud-amd64)")
    if not any(os.access(os.path.join(folder, "qemu-system-x86_64"), os.X_OK) for folder in os.environ["PATH"].split(":")):
        return print("1..0 # SKIP no qemu-system-x86_64 (qemu-system-x86)")
    cases = read_cases()
    with tempfile.TemporaryDirectory(prefix="svcd-vm-") as scratch:
        initramfs = os.path.join(scratch, "initramfs")
        build_initramfs(initramfs, kernel[1], cases, scratch)
        console, ended = boot(kernel[0], initramfs, make_disks(scratch, cases), [word for case in cases for word in case.kernel])
    if os.environ.get("SVCD_VM_CONSOLE"):
        with open(os.environ["SVCD_VM_CONSOLE"], "w") as file:
            file.write(console)
    report = parse_report(console)
    tail = console.splitlines()[-60:]
    tap = Tap(len(cases) + 2)
    tap.case(END in console and "modules.service" in report, "the machine boots with svc-init as PID 1 and reports", tail)
    for case in cases:
        good, explanation = judge(case, report)
        tap.case(good, ("behaviour: " if case.is_behaviour else "") + case.name, explanation)
    tap.case(ended and "Kernel panic" not in console, "it powers off by itself", tail)
    sys.exit(tap.failed)


main()
