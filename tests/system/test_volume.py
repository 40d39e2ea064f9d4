"""What containers have mounted in their roots: volumes of the host's and of their own, podman's mounts, devices, and what becomes of
what they write."""
import os
import re

from svcd_test import expect, expect_equal, main, test
from tree import Tree

_tree = None


def the_tree():
    global _tree
    if not _tree:
        _tree = Tree("volume").__enter__()
        for path, text in {"image/srv/site/index": "from the image\n", "image/srv/site/sub/page": "deep\n", "data/one.conf": "1\n",
                           "data/two.conf": "2\n", "source/file": "host\n"}.items():
            os.makedirs(os.path.dirname(_tree.path(path)), exist_ok=True)
            with open(_tree.path(path), "w") as file:
                file.write(text)
        os.symlink("index", _tree.path("image/srv/site/link"))
        os.chown(_tree.path("image/srv/site/sub"), 33, 33)
        os.chmod(_tree.path("image/srv/site/sub/page"), 0o4711)
    return _tree


def unit(name, container, checks, image="Image=@IMAGE@"):
    tree = the_tree()
    tree.unit(name, f"[Unit]\nStartLimitIntervalSec=0\n[Container]\n{image}\n{container}\nExec=/guest {checks}\n[Service]\nType=oneshot\n")
    tree.good("daemon-reload")


def check(name, container, checks, image="Image=@IMAGE@"):
    unit(name, container, checks, image)
    the_tree().start(name)


def refused(name, container, *patterns, status="226"):
    unit(name, container, "exit 0")
    tree = the_tree()
    result = tree.svcctl("start", name)
    told = result.stderr + tree.svcctl("status", name).stdout
    expect_equal(result.returncode, 1, told)
    for pattern in (re.escape(name) + ":[0-9]+", *patterns):
        expect(re.search(pattern, told), f"{pattern} not in: {told}")
    if status:
        tree.expect_show(name, ExecMainStatus=status)


@test
def options_of_a_volume():
    # directive: Container.Volume
    check("options.service", "Volume=@DIR@/source:/a\nVolume=@DIR@/source:/b:ro,noexec,dev,suid\nVolume=@DIR@/source:/c:O\n"
          "Volume=@DIR@/source:/d:rslave,z,rbind\nVolume=-@DIR@/nosuch:/e",
          "mount-option /a nosuid,nodev,!noexec,!ro -- mount-option /b ro,noexec,!nodev,!nosuid -- content /c/file host"
          " -- write /c/file changed -- write /c/new text -- filesystem /c overlay -- mount-option /c nosuid,nodev"
          " -- content /d/file host -- absent /e")
    expect_equal(the_tree().read("source/file"), "host\n", "what was written through an overlay")
    expect(not the_tree().exists("source/new"), "a file was made through an overlay")
    refused("relative.service", "Volume=a/b:/x", "a/b", status=None)
    refused("option.service", "Volume=/srv:/x:readable", "readable", status=None)
    refused("missing.service", "Volume=@DIR@/nosuch:/x", "/mnt/nosuch")
    refused("overlay.service", "Volume=@DIR@/source/file:/x:O", "overlay over /mnt/source/file")


@test
def named_volumes():
    check("named.service", "Volume=site:/srv/site\nVolume=empty.volume:/data:nocopy\nVolume=other:/srv/site/sub:nocopy",
          "content /srv/site/index 'from the image' -- link /srv/site/link index -- write /srv/site/index changed -- write /data/kept text")
    check("again.service", "Volume=site:/volume\nVolume=systemd-empty:/data",
          "content /volume/index changed -- content /volume/sub/page deep -- owner /volume/sub 33 33 -- mode /volume/sub/page 04711"
          " -- content /data/kept text -- mount-option /volume nosuid,nodev")
    check("mapped.service", "UserNS=auto\nVolume=site:/volume:ro\nVolume=mapped:/srv/site",
          "owner /volume/sub 33 33 -- read-only /volume -- owner /srv/site/sub 33 33 -- content /srv/site/sub/page deep")
    check("overlaid.service", "Volume=site:/volume:O", "content /volume/index changed -- write /volume/index again")
    check("overlaid.service", "Volume=site:/volume:O", "content /volume/index changed")
    tree = the_tree()
    expect_equal(os.stat(tree.path("state/volumes")).st_mode & 0o777, 0o700, "who may look into volumes")
    expect_equal(os.stat(tree.path("state/volumes/mapped/sub")).st_uid, 33, "owner on disk")
    expect_equal(tree.read("image/srv/site/index"), "from the image\n", "the image")
    check("anonymous.service", "Volume=/srv/site", "content /srv/site/index 'from the image' -- write /srv/site/index x -- filesystem /srv/site tmpfs")
    refused("dots.service", "Volume=..:/x", "neither an absolute path nor the name", status=None)


@test
def owners_of_a_named_volume():
    tree = the_tree()
    for number, users in enumerate(("UserNS=host", "UserNS=auto", "UIDMap=0:200000:65536", "UserNS=keep-id:uid=0,gid=0")):
        check("given.service", f"{users}\nUser=1000\nGroup=1000\nVolume=given{number}:/srv/site:U\nMount=type=tmpfs,destination=/t,U=true",
              "owner /srv/site 1000 1000 -- owner /srv/site/sub 1000 1000 -- content /srv/site/index 'from the image' -- owner /t 1000 1000"
              " -- touch /srv/site/made -- touch /t/made")
        expect_equal(os.stat(tree.path(f"state/volumes/given{number}/made")).st_uid, 1000, f"{users}: made inside, on disk")
        check("taken.service", f"{users}\nUser=33\nGroup=33\nVolume=given{number}:/x:U", "owner /x/made 33 33 -- owner /x/sub/page 33 33")
        expect_equal(os.stat(tree.path(f"state/volumes/given{number}/made")).st_uid, 33, f"{users}: on disk, given to another")
    # On disk 33, which the machine knows as 200005, and that is 5 inside.
    for line in ("Volume=given0:/x:idmap=uids=33-200005-1;gids=33-200005-1",
                 "Mount=type=bind,source=@DIR@/state/volumes/given0,destination=/x,idmap=uids=@33-5-1;gids=@33-5-1"):
        check("mapped.service", f"UIDMap=0:200000:65536\nUser=5\nGroup=5\n{line}", "owner /x/made 5 5 -- touch /x/fifth -- remove /x/fifth")
    check("unmapped.service", "UIDMap=0:200000:65536\nVolume=given0:/x:noidmap", "owner /x/made 65534 65534")
    refused("overlay-map.service", "UserNS=auto\nVolume=given0:/x:O,noidmap", "takes no other id map")


@test
def podman_mounts():
    # directive: Container.Mount
    check("mounts.service", "Mount=type=bind,source=@DIR@/source,destination=/a,ro=true\nMount=type=bind,src=@DIR@/source,dst=/b,bind-propagation=rslave,noexec\n"
          "Mount=type=tmpfs,destination=/c,tmpfs-size=1M,tmpfs-mode=0711,notmpcopyup\nMount=type=tmpfs,dst=/srv/site\n"
          "Mount=type=volume,source=site2,destination=/d,nocopy\nMount=destination=/e,source=site2,ro\nMount=type=ramfs,destination=/f\n"
          "Mount=type=devpts,destination=/pts,mode=0600\nMount=type=image,source=@IMAGE@,destination=/g\nMount=type=image,source=@IMAGE@,destination=/h,rw=true\n"
          "Mount=type=glob,source=@DIR@/data/*.conf,destination=/conf\nMount=type=bind,source=@DIR@/source/file,destination=/etc/image",
          "read-only /a -- mount-option /b noexec,nosuid -- filesystem-size /c 1048576 -- mode /c 0711 -- content /srv/site/index 'from the image'"
          " -- writable /d -- read-only /e -- writable /f -- filesystem /pts devpts -- read-only /g -- content /g/etc/image lower -- write /h/etc/image x"
          " -- content /conf/one.conf 1 -- content /conf/two.conf 2 -- content /etc/image host")
    expect_equal(the_tree().read("image/etc/image"), "lower\n", "the image")
    refused("type.service", "Mount=type=npipe,source=/x,destination=/y", "npipe", status=None)
    refused("nowhere.service", "Mount=type=bind,source=/srv", "destination=", status=None)
    refused("nothing.service", "Mount=type=bind,destination=/x", "source=", status=None)
    refused("word.service", "Mount=type=bind,source=/srv,destination=/x,tmpfs-size=1M", "tmpfs-size", status=None)
    refused("pattern.service", "Mount=type=glob,source=/nosuch/*,destination=/x", "nothing fits")


@test
def tmpfs_as_podman_has_it():
    # directive: Container.Tmpfs
    check("tmpfs.service", "Tmpfs=/srv/site\nTmpfs=/x:size=1M,exec,suid,notmpcopyup\nTmpfs=/etc:ro",
          "content /srv/site/index 'from the image' -- mount-option /srv/site noexec,nosuid,nodev -- mode /srv/site/sub/page 04711"
          " -- mount-option /x !noexec,!nosuid,nodev -- filesystem-size /x 1048576 -- content /etc/image lower -- read-only /etc")


@test
def propagation():
    tree = the_tree()
    made = tree.run("sh", "-ec", "mkdir -p /mnt/shared; mount -t tmpfs shared /mnt/shared; mount --make-shared /mnt/shared; mkdir /mnt/shared/later")
    expect_equal(made.returncode, 0, made.stderr)
    for word, seen in (("rslave", "present"), ("rprivate", "absent")):
        unit(f"{word}.service", f"Volume=@DIR@/shared:/shared:{word}\nVolume=@DIR@/data:/data\nNotify=yes",
             f"notify READY=1 -- await-file /data/mounted -- {seen} /shared/later/inside -- touch /data/{word}-good -- forever")
        with open(tree.path("units", f"{word}.service")) as file:
            text = file.read().replace("Type=oneshot", "Type=notify")
        tree.unit(f"{word}.service", text)
        tree.good("daemon-reload")
        tree.start(f"{word}.service")
    made = tree.run("sh", "-ec", "mount -t tmpfs later /mnt/shared/later; touch /mnt/shared/later/inside; touch /mnt/data/mounted")
    expect_equal(made.returncode, 0, made.stderr)
    for word in ("rslave", "rprivate"):
        tree.run("sh", "-c", f"for i in $(seq 100); do test -e /mnt/data/{word}-good && break; sleep 0.05; done")
        tree.good("stop", f"{word}.service")
        expect("expected" not in tree.svcctl("logs", f"{word}.service").stdout, tree.svcctl("logs", f"{word}.service").stdout)
        expect(tree.exists("data", f"{word}-good"), word)
    tree.run("sh", "-c", "umount /mnt/shared/later /mnt/shared")


@test
def devices():
    # directive: Container.AddDevice
    check("devices.service", "AddDevice=/dev/kmsg:/dev/log-of-kernel:r\nAddDevice=-/dev/nosuch\nAddDevice=/dev/loop-control",
          "device /dev/log-of-kernel 1:11 -- device /dev/loop-control 10:237 -- absent /dev/kmsg /dev/nosuch -- mount-option /dev/loop-control noexec,nosuid")
    refused("no-device.service", "AddDevice=/dev/nosuch", "/dev/nosuch")
    refused("file.service", "AddDevice=@DIR@/source/file", "is no device")
    refused("access.service", "AddDevice=/dev/kmsg:/dev/x:rx", "rx", status=None)


@test
def a_root_file_system():
    # directive: Container.Rootfs Container.ReadOnlyTmpfs
    tree = the_tree()
    tree.run("cp", "-a", "/mnt/image", "/mnt/rootfs")
    check("rootfs.service", "", "content /etc/image lower -- write /kept text -- hidden /proc/kcore -- filesystem /tmp tmpfs -- absent /dev/kmsg",
          "Rootfs=@DIR@/rootfs")
    check("overlaid-rootfs.service", "", "content /kept text -- write /gone text -- filesystem / overlay", "Rootfs=@DIR@/rootfs:O")
    expect(tree.exists("rootfs", "kept") and not tree.exists("rootfs", "gone"), "what Rootfs= keeps")
    check("mapped-rootfs.service", "UserNS=auto", "owner /etc/image 0 0 -- uid-map '0 * 65536'", "Rootfs=@DIR@/rootfs:idmap")
    os.makedirs(tree.path("image/var/tmp"), exist_ok=True)
    check("read-only.service", "ReadOnly=yes", "read-only / /etc -- writable /tmp /run /var/tmp /dev /dev/shm")
    check("wholly.service", "ReadOnly=yes\nReadOnlyTmpfs=no", "read-only / /etc /tmp /run /dev /dev/shm -- device /dev/null 1:3")
    unit("both.service", "Rootfs=@DIR@/rootfs", "exit 0")
    expect("exclude each other" in tree.svcctl("start", "both.service").stderr + tree.svcctl("status", "both.service").stdout, "Image= and Rootfs=")


@test
def nothing_is_left():
    global _tree
    if _tree:
        tree, _tree = _tree, None
        tree.__exit__(None, None, None)


try:
    main()
finally:
    if _tree:
        _tree.__exit__(AssertionError, None, None)
