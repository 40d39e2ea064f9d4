"""Credentials and secrets: from every sort of source, at every sort of service, and seen by nobody else."""
import base64
import os
import shutil
import socket
import subprocess
import threading

from svcd_test import expect, expect_equal, main, skip, test, wait_for
from tree import Tree

# directive: Service.LoadCredential Service.SetCredential Service.ImportCredential Service.LoadCredentialEncrypted
# directive: Service.SetCredentialEncrypted Container.Secret
HERE = "/mnt/run/credentials"
SECRET = "swordfish"


def scenario(function):
    def case():
        with Tree(function.__name__.replace("_", "-")) as tree:
            function(tree)
    case.__name__ = function.__name__
    test(case)
    return function


def put(tree, path, text, mode=0o600):
    path = tree.path(*path.split("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    os.chmod(path, mode)


def run(tree, name, checks, extra=""):
    tree.service(name, checks, "Type=oneshot\n" + extra)
    tree.good("daemon-reload")
    tree.start(name)
    tree.expect_show(name, Result="success")


def refused(tree, name, *words, status=243):
    tree.good("daemon-reload")
    tree.svcctl("reset-failed", name)
    result = tree.svcctl("start", name)
    told = result.stderr + tree.tell(name)
    expect(result.returncode == 1, f"{name} starts")
    expect_equal(int(tree.show(name, "ExecMainStatus")), status, told)
    for word in words:
        expect(word in told, f"{word!r} is missing: {told}")


@scenario
def from_every_source(tree):
    put(tree, "data/file", "from a file\n")
    put(tree, "data/tree/a", "A\n")
    put(tree, "data/tree/sub/b", "B\n")
    put(tree, "state/etc/credstore/stored", "from a store\n")
    put(tree, "state/etc/credstore/app.user", "anna\n")
    put(tree, "state/etc/credstore/app.key", "key\n")
    put(tree, "run/run/credstore/stored", "hidden by the other\n")
    at = f"{HERE}/all.service"
    checks = " -- ".join([
        f"environment CREDENTIALS_DIRECTORY={at}", f"content {at}/file 'from a file'", f"content {at}/dir_a A",
        f"content {at}/dir_sub_b B", f"content {at}/stored 'from a store'", f"content {at}/other 'from a store'",
        f"content {at}/app.user anna", f"content {at}/my-key key", f"content {at}/set 'x y\tzü'", f"content {at}/fallback set",
        f"absent {at}/missing {at}/app.key", f"owner {at} 33 33", f"mode {at} 0500", f"owner {at}/set 33 33", f"mode {at}/set 0400",
        f"mode {at}/file 0400", f"mount-option {at} ro,nosuid,nodev,noexec", f"filesystem {at} ramfs", f"read-only {at}"])
    tree.service("all.service", checks, "Type=oneshot\nUser=33\nGroup=33\n"
                 "LoadCredential=file:@DIR@/data/file\nLoadCredential=dir:@DIR@/data/tree\nLoadCredential=stored\n"
                 "LoadCredential=other:stored\nLoadCredential=missing\nLoadCredential=fallback:/nonexistent\n"
                 "ImportCredential=app.user\nImportCredential=app.k*:my-k\n"
                 "SetCredential=set:x\\x20y\\tz\\u00fc\nSetCredential=fallback:set\nSetCredential=file:not this one\n"
                 "ExecStartPre=/mnt/guest content %d/file 'from a file' -- owner %d/file 33 33\n")
    tree.start("all.service")
    tree.expect_show("all.service", Result="success")
    expect_equal(os.listdir(tree.path("run", "credentials")), [], "what is left on the host")
    expect("credentials" not in tree.run("cat", "/proc/self/mountinfo").stdout, "a mount is left")
    # A file that changes is read anew.
    put(tree, "data/file", "changed\n")
    run(tree, "one.service", f"content {HERE}/one.service/file changed", "LoadCredential=file:@DIR@/data/file\n")
    put(tree, "data/file", "again\n")
    tree.service("one.service", f"content {HERE}/one.service/file again", "Type=oneshot\nLoadCredential=file:@DIR@/data/file\n")
    tree.good("daemon-reload")
    for text in ("again\n", "again"):
        put(tree, "data/file", text)
        tree.start("one.service")


@test
def what_svcd_was_given_comes_first():
    os.environ["CREDENTIALS_DIRECTORY"] = "/mnt/data/received"
    try:
        with Tree("received") as tree:
            put(tree, "data/received/key", "received\n")
            put(tree, "data/received/app.one", "1\n")
            put(tree, "state/etc/credstore/key", "stored\n")
            put(tree, "state/etc/credstore/app.one", "stored\n")
            put(tree, "state/etc/credstore/app.two", "2\n")
            at = f"{HERE}/r.service"
            run(tree, "r.service", f"content {at}/key received -- content {at}/app.one 1 -- content {at}/app.two 2",
                "LoadCredential=key\nImportCredential=app.*\n")
            run(tree, "r.service", "no-environment CREDENTIALS_DIRECTORY", "")
    finally:
        del os.environ["CREDENTIALS_DIRECTORY"]


@scenario
def binary_values(tree):
    run(tree, "b.service", f"content-hex {HERE}/b.service/nul 6100620aff", "SetCredential=nul:a\\x00b\\n\\377\n")


@scenario
def from_a_socket(tree):
    path = tree.path("data", "socket")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    asked = []

    def serve():
        for _ in range(2):
            connection, address = server.accept()
            asked.append(address)
            connection.sendall(SECRET.encode())
            connection.close()
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    run(tree, "s.service", f"content {HERE}/s.service/key {SECRET}", "LoadCredential=key:@DIR@/data/socket\n")
    run(tree, "s.service", f"content {HERE}/s.service/key {SECRET}", "LoadCredential=key:@DIR@/data/socket\nUser=33\n")
    thread.join(10)
    expect(asked[0].startswith(b"\0") and asked[0].endswith(b"/unit/s.service/key"), f"the peer is told {asked}")
    # Nobody answers: only the start waits, and not for ever.
    tree.service("w.service", "exit 0", "Type=exec\nTimeoutStartSec=1s\nLoadCredential=key:@DIR@/data/socket\n")
    tree.good("daemon-reload")
    result = tree.svcctl("start", "w.service")
    expect(result.returncode == 1, "a start without an answer")
    server.close()
    refused(tree, "s.service", "s.service:4", "LoadCredential=", "Connection refused")


@scenario
def nobody_else_sees_them(tree):
    put(tree, "data/file", SECRET)
    tree.service("has.service", "forever", "Type=exec\nLoadCredential=file:@DIR@/data/file\nSetCredential=set:" + SECRET + "\n")
    tree.start("has.service")
    for extra in ("", "PrivateMounts=yes\n", "SetCredential=other:x\n", "User=33\n"):
        run(tree, "other.service", f"absent {HERE}/has.service", extra)
    expect_equal(tree.run("ls", f"{HERE}/has.service").returncode != 0, True, "the host sees them")
    for arguments in (("show", "has.service"), ("--json", "show", "has.service"), ("explain", "has.service"), ("status", "has.service"),
                      ("--json", "status", "has.service"), ("--json", "explain", "has.service")):
        told = tree.good(*arguments)
        expect(SECRET not in told, f"svcctl {arguments} shows it: {told}")
        codes = ", ".join(str(c) for c in SECRET.encode())
        expect(codes not in told and codes.replace(", ", " ") not in told, f"svcctl {arguments} shows it in numbers")
    expect("set" in tree.show("has.service", "SetCredential"), "its name is not shown")
    found = tree.good("exec", "has.service", "--", "/mnt/guest", "content", f"{HERE}/has.service/set", SECRET)
    expect_equal(found, "", "svcctl exec")
    pid = tree.show("has.service", "MainPID")
    maps = tree.run("cat", f"/proc/{pid}/environ").stdout
    expect(SECRET not in maps, "it is in the environment")
    tree.good("stop", "has.service")


@scenario
def in_every_root(tree):
    put(tree, "data/file", "x")
    lines = "LoadCredential=file:@DIR@/data/file\n"
    for name, extra in {"strict": "ProtectSystem=strict\nPrivateTmp=yes\n", "noexec": "NoExecPaths=/\nExecPaths=/mnt/guest\n",
                        "self": "PrivateUsers=self\n", "tmpfs": "TemporaryFileSystem=/mnt/run:ro\n"}.items():
        run(tree, f"{name}.service", f"content {HERE}/{name}.service/file x -- owner {HERE}/{name}.service/file 33 33",
            f"User=33\nGroup=33\n{lines}{extra}")
    for name, extra in {"plain": "", "auto": "UserNS=auto\n", "ro": "ReadOnly=yes\n", "shift": "UIDMap=0:200000:40000\n"}.items():
        at = f"{HERE}/c-{name}.service"
        tree.unit(f"c-{name}.service", f"[Container]\nImage=@IMAGE@\n{extra}User=www-data\nExec=/guest content {at}/file x -- owner {at}/file 33 33"
                  f" -- mode {at}/file 0400 -- environment CREDENTIALS_DIRECTORY={at}\n[Service]\nType=oneshot\n{lines}")
        tree.start(f"c-{name}.service")
        tree.expect_show(f"c-{name}.service", Result="success")


@scenario
def bounds_and_bad_sources(tree):
    put(tree, "data/large", b"x" * (1 << 20))
    run(tree, "fits.service", f"present {HERE}/fits.service/large", "LoadCredential=large:@DIR@/data/large\n")
    put(tree, "data/larger", b"x" * ((1 << 20) + 1))
    os.mkfifo(tree.path("data", "fifo"))
    for line, words in {"LoadCredential=a:@DIR@/data/larger": ("larger", "1 MiB"), "LoadCredential=a:@DIR@/data/fifo": ("fifo",),
                        "LoadCredential=a:/nonexistent/x": ("/nonexistent/x", "No such file"),
                        "LoadCredential=a:@DIR@/data/large\nLoadCredential=b:@DIR@/data/large": ("too large",)}.items():
        tree.service("bad.service", "exit 0", f"Type=oneshot\n{line}\n")
        number = 3 + len(line.splitlines())
        refused(tree, "bad.service", f"bad.service:{number}", "LoadCredential=", *words)
    for line in ("LoadCredential=a/b:/x", "LoadCredential=a:x/y", "LoadCredential=:/x", "SetCredential=a", "SetCredential=a:\\q",
                 "SetCredential=..:x", "ImportCredential=a*b", "ImportCredential=a:b/c", "SetCredentialEncrypted=a:!!!", "LoadCredential=a:/x/../y"):
        tree.service("bad.service", "exit 0", line)
        tree.good("daemon-reload")
        result = tree.svcctl("start", "bad.service")
        expect(result.returncode != 0 and "bad.service:3" in result.stderr, f"{line}: {result.stderr}")


@scenario
def sealed_ones_are_opened(tree):
    if not shutil.which("systemd-creds"):
        skip("systemd-creds is not installed")
    # The machine's own key is not touched: one for this tree only.
    tree.run("mount", "-t", "tmpfs", "none", "/var/lib/systemd")
    tree.run("mkdir", "/var/lib/systemd/credential.secret.d")
    put(tree, "data/plain", SECRET)
    made = tree.run("systemd-creds", "encrypt", "--with-key=host", "--name=key", "/mnt/data/plain", "/mnt/data/sealed")
    if made.returncode != 0:
        skip(f"systemd-creds cannot seal here: {made.stderr}")
    text = "".join(open(tree.path("data", "sealed")).read().split())
    os.makedirs(tree.path("state", "etc", "credstore.encrypted"))
    shutil.copy(tree.path("data", "sealed"), tree.path("state", "etc", "credstore.encrypted", "key"))
    for line in ("LoadCredentialEncrypted=key:@DIR@/data/sealed", f"SetCredentialEncrypted=key:{text}", "ImportCredential=k*",
                 "LoadCredentialEncrypted=key"):
        run(tree, "e.service", f"content {HERE}/e.service/key {SECRET} -- owner {HERE}/e.service/key 33 0 -- mode {HERE}/e.service/key 0400",
            f"User=33\nGroup=0\n{line}\n")
    tree.service("e.service", "exit 0", "Type=oneshot\nLoadCredentialEncrypted=other:@DIR@/data/sealed\n")
    refused(tree, "e.service", "e.service:4", "LoadCredentialEncrypted=")
    broken = base64.b64encode(b"nonsense" * 20).decode()
    tree.service("e.service", "exit 0", f"Type=oneshot\nSetCredentialEncrypted=key:{broken}\n")
    refused(tree, "e.service", "e.service:4", "SetCredentialEncrypted=")
    tree.run("mount", "--bind", "/dev/null", "/usr/bin/systemd-creds")
    refused(tree, "e.service", "e.service:4", "systemd-creds")


@scenario
def secrets_of_containers(tree):
    put(tree, "state/secrets/db", SECRET + "\n")
    put(tree, "state/secrets/token", SECRET)
    put(tree, "state/etc/credstore/stored", "stored")
    for name, extra in {"plain": "", "auto": "UserNS=auto\n", "read-only": "ReadOnly=yes\nUser=www-data\n"}.items():
        tree.unit(f"{name}.service", "[Container]\nImage=@IMAGE@\n" + extra + "Secret=db\nSecret=db,target=named,uid=33,gid=4,mode=0440\n"
                  "Secret=stored,target=/etc/app/stored.key,mode=0400\nSecret=token,type=env,target=TOKEN\nSecret=token,type=env\n"
                  f"Exec=/guest content /run/secrets/db sword?ish -- mode /run/secrets/db 0444 -- owner /run/secrets/db 0 0 -- "
                  f"owner /run/secrets/named 33 4 -- mode /run/secrets/named 0440" +
                  ("" if name == "read-only" else " -- content /etc/app/stored.key stored") +
                  f" -- mode /etc/app/stored.key 0400 -- read-only /run/secrets -- environment TOKEN=sword?ish token=sword?ish\n"
                  "[Service]\nType=oneshot\n")
        tree.start(f"{name}.service")
        tree.expect_show(f"{name}.service", Result="success")
        for arguments in (("show", f"{name}.service"), ("explain", f"{name}.service"), ("--json", "explain", f"{name}.service")):
            expect(SECRET not in tree.good(*arguments), f"svcctl {arguments} shows it")
    expect("TOKEN=…" in tree.good("explain", "plain.service"), "the variable's name is not told")
    tree.unit("plain.service", "[Container]\nImage=@IMAGE@\nSecret=absent\nExec=/guest exit 0\n[Service]\nType=oneshot\n")
    refused(tree, "plain.service", "plain.service:3", "Secret=", "absent")
    for value in ("", "a/b", "db,type=disk", "db,uid=-1", "db,mode=9", "db,target=../x", "db,type=env,target=a-b", "db,nonsense=1"):
        if value:
            tree.unit("bad.service", f"[Container]\nImage=@IMAGE@\nSecret={value}\nExec=/guest exit 0\n")
            tree.good("daemon-reload")
            result = tree.svcctl("start", "bad.service")
            expect(result.returncode != 0 and "bad.service:3" in result.stderr, f"{value}: {result.stderr}")


@scenario
def a_place_that_cannot_be_made_is_the_credentials_fault(tree):
    # Read-only from the start, without the directory that the mount would need; other lines are before and behind.
    if not os.path.exists("/dev/loop-control") or not shutil.which("mksquashfs"):
        skip("no loop devices or no mksquashfs")
    put(tree, "data/file", "word")
    subprocess.run(["mksquashfs", tree.path("image"), tree.path("root.squashfs"), "-noappend", "-quiet", "-no-progress"], check=True)
    for key, value in (("SetCredential", "token:word"), ("LoadCredential", "token:/mnt/data/file")):
        tree.unit("place.service", "[Service]\nType=oneshot\nPrivatePIDs=yes\nRootImage=@DIR@/root.squashfs\nPrivateNetwork=yes\n"
                  f"{key}={value}\nPrivateIPC=yes\nMountAPIVFS=yes\nExecStart=/guest exit 0\n")
        refused(tree, "place.service", f"place.service:6: {key}=", status=226)


main()
