"""Boots Debian's cloud kernel in QEMU with svc-init as the machine's PID 1, lets it run the units beside this file, and reads
on the console what became of them. TAP: one case for each unit, one for the boot and one for the power-off.

A unit is a case. `# expect: ActiveState=… Result=A|B` in it says how it must end; without one it must have succeeded."""
import os
import platform
import re
import subprocess
import sys
import tempfile

from initramfs import Initramfs, module_with_dependencies

BUILD = os.environ.get("SVCD_BUILD") or sys.exit("set SVCD_BUILD to the build directory")
HERE = os.path.dirname(os.path.abspath(__file__))
UNITS = os.path.join(HERE, "units")
MODULES = ("overlay", "virtio_pci", "virtio_blk")
SECONDS = 180  # a bound for a machine that hangs; booting takes three
BEGIN, END = "=== report begins", "=== report ends"

# What the last unit does: tell on the console how every other unit ended, then power off.
REPORT = """[Unit]
After={units}
[Service]
Type=oneshot
StandardOutput=file:/dev/console
StandardError=file:/dev/console
Environment=NO_COLOR=1 TERM=dumb
ExecStart=/guest print {begin}
{shows}
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


def read_expectations():
    """Unit -> {property: value}."""
    units = {}
    for name in sorted(os.listdir(UNITS)):
        with open(os.path.join(UNITS, name)) as file:
            match = re.search(r"^# expect: (.*)$", file.read(), re.MULTILINE)
        words = match.group(1) if match else "ActiveState=inactive Result=success ExecMainStatus=0"
        units[name] = dict(word.split("=", 1) for word in words.split())
    return units


def build_initramfs(path, release, units):
    """The machine's root is a folder of the initramfs, because pivot_root(2) cannot leave the initramfs itself."""
    outer = Initramfs()
    outer.node("dev/console", 5, 1)
    outer.program(os.path.join(BUILD, "tests/guest/guest"), "guest")
    outer.file("boot", "switch-root /root\nexec /svc-init --manager=/svcd\n")
    outer.add("root", build_root(release, units))
    outer.write(path)


def build_root(release, units):
    image = Initramfs()
    for folder in ("proc", "sys", "dev", "run", "tmp", "var/lib", "etc"):
        image.directory(folder)
    image.node("dev/console", 5, 1)
    image.node("dev/null", 1, 3, 0o666)
    image.file("etc/passwd", "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
    image.file("etc/group", "root:x:0:\nnogroup:x:65534:\n")
    for program, name in (("init/svc-init", "svc-init"), ("svcd/svcd", "svcd"), ("cli/svcctl", "svcctl"), ("tests/guest/guest", "guest")):
        image.program(os.path.join(BUILD, program), name)
    insert = []
    for module in MODULES:
        for file in module_with_dependencies(release, module):
            if file.strip("/") not in image.entries:
                image.copy(file, file)
                insert.append(f"-- insert-module {file}")
    for name in units:
        image.copy(os.path.join(UNITS, name), f"etc/svcd/units/{name}")
    write_generated_units(image, units, insert)
    return image


def write_generated_units(image, units, insert):
    # io.cost has to be switched on for a disk before it takes weights of its own.
    image.file("etc/svcd/units/modules.service",
               "[Service]\nType=oneshot\nRemainAfterExit=yes\n"
               f"ExecStart=/guest {' '.join(insert)[3:]} -- await-file /dev/vda\n"
               "ExecStart=/guest write /sys/fs/cgroup/io.cost.qos '254:0 enable=1'\n")
    shows = "\n".join(f"ExecStart=-/guest print unit {name}\n"
                      f"ExecStart=-/svcctl show {name} --property={','.join(PROPERTIES)}\n"
                      f"ExecStart=-/svcctl status {name}" for name in ["modules.service", *units])
    image.file("etc/svcd/units/report.service",
               REPORT.format(units=" ".join(units), shows=shows, begin=BEGIN, end=END))
    image.file("etc/svcd/units/default.target", f"[Unit]\nWants={' '.join(units)} report.service\n")


def boot(kernel, initramfs, disk):
    """What the console showed, and whether the machine powered itself off in time."""
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-smp", "2", "-M", "q35", "-m", "1024", "-nographic", "-no-reboot",
               "-nic", "none", "-kernel", kernel, "-initrd", initramfs, "-drive", f"file={disk},format=raw,if=virtio",
               "-append", "console=ttyS0 quiet panic=-1 rdinit=/guest -- run-file /boot"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        console, _ = process.communicate(timeout=SECONDS)
        ended = process.returncode == 0
    except subprocess.TimeoutExpired:
        process.kill()
        console, _ = process.communicate()
        ended = False
    return console.decode(errors="replace").replace("\r", ""), ended


def parse_report(console):
    """Unit -> ({property: value}, other lines)."""
    report, unit = {}, None
    for line in console.partition(BEGIN)[2].partition(END)[0].splitlines():
        if line.startswith("unit "):
            unit = report.setdefault(line[5:].strip(), ({}, []))
        elif unit:
            name, equals, value = line.partition("=")
            if equals and name in PROPERTIES:
                unit[0][name] = value
            elif line.strip():
                unit[1].append(line)
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


def main():
    kernel = find_kernel()
    if not kernel:
        return print("1..0 # SKIP no cloud kernel with modules below /boot and /lib/modules (linux-image-cloud-amd64)")
    if not any(os.access(os.path.join(folder, "qemu-system-x86_64"), os.X_OK) for folder in os.environ["PATH"].split(":")):
        return print("1..0 # SKIP no qemu-system-x86_64 (qemu-system-x86)")
    units = read_expectations()
    with tempfile.TemporaryDirectory(prefix="svcd-vm-") as scratch:
        initramfs, disk = os.path.join(scratch, "initramfs"), os.path.join(scratch, "disk")
        build_initramfs(initramfs, kernel[1], units)
        with open(disk, "wb") as file:
            file.truncate(4 << 20)
        console, ended = boot(kernel[0], initramfs, disk)
    report = parse_report(console)
    lines = console.splitlines()[-60:]
    tap = Tap(len(units) + 2)
    tap.case(END in console and "modules.service" in report, "the machine boots with svc-init as PID 1 and reports", lines)
    for name, expected in units.items():
        found, others = report.get(name, ({}, ["no report"]))
        tap.case(all(found.get(key) in value.split("|") for key, value in expected.items()), name,
                 [f"expected {expected}, found {found}", *others[-20:]])
    tap.case(ended and "Kernel panic" not in console, "it powers off by itself", lines)
    if os.environ.get("SVCD_VM_CONSOLE"):
        with open(os.environ["SVCD_VM_CONSOLE"], "w") as file:
            file.write(console)
    sys.exit(tap.failed)


main()
