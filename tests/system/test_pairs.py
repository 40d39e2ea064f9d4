"""Isolation features break in combination: a unit for each row of a covering array (pairs.py), in which each pair of settings meets. From inside,
every setting is seen to be in effect whatever else is set; `svcctl exec` then finds the same."""
import os
import re
import shlex
import shutil
import subprocess

import pairs
from svcd_test import expect, main, test
from tree import Tree

BATCH = 16
STRENGTH = int(os.environ.get("PAIRS_STRENGTH", "3"))  # not only every pair: every three


def prepare(tree):
    root = tree.path("pairs")
    shutil.copytree(tree.path("image"), root, symlinks=True)
    for folder in (*pairs.OPEN, "var/tmp", "tmp", "volume", "srv"):
        os.makedirs(os.path.join(root, folder), exist_ok=True)
        os.chmod(os.path.join(root, folder), 0o1777)
    for folder in ("layer", "data/open", "volume"):
        os.makedirs(tree.path(folder), exist_ok=True)
        os.chmod(tree.path(folder), 0o1777)
    for path, text in {"pairs/etc/os-release": "ID=pairs\n", "layer/over": "upper\n", "data/volume/letter": "volume\n"}.items():
        with open(tree.path(path), "w") as file:
            file.write(text)
    os.chmod(tree.path("data", "volume"), 0o1777)
    for path, text in {"extended": "yes\n", "lib/extension-release.d/extension-release.extension": "ID=_any\n"}.items():
        path = tree.path("extension", "usr", path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
    for folder in ("pairs/srv", "data"):
        shutil.copy(tree.path("guest"), tree.path(folder))
    for path in ("pairs/home/anna", "pairs/root"):
        os.chmod(tree.path(path), 0o755)
    if any(value.name == "squashfs" for value in pairs.KEYS["root"]):
        for source, image in ((root, "pairs.squashfs"), (tree.path("extension"), "extension.raw")):
            subprocess.run(["mksquashfs", source, tree.path(image), "-noappend", "-quiet", "-no-progress"], check=True, capture_output=True)
    # Whose network others join.
    tree.service("peer.service", "forever", "Type=exec\nPrivateNetwork=yes\n")
    tree.good("daemon-reload")
    tree.start("peer.service")
    link = tree.run("readlink", f"/proc/{tree.show('peer.service', 'MainPID')}/ns/net").stdout
    return re.search(r"\[(\d+)\]", link).group(1)


def write(tree, number, row, peer):
    name = f"row{number:03}.service"
    # Every check stands for itself: one that holds the name of a place of the host is for the shared root.
    text = pairs.unit(row, pairs.checks_of(row)).replace("@OUTSIDE@", tree.directory).replace("@PEER_net@", peer)
    tree.unit(name, text)
    return name


def failures(tree, name):
    log = tree.svcctl("logs", name).stdout
    return re.findall(r"guest: .*", log) or [tree.svcctl("status", name).stdout]


def enter(tree, names, rows, peer):
    """Each service again, up this time, and a command that enters it: it makes the same checks and may do no more."""
    told = []
    for number, name in names.items():
        row = rows[number]
        tree.unit(f"up-{name}", pairs.unit(row, ["forever"]).replace("Type=oneshot", "Type=exec\nKillSignal=SIGKILL"))
        words = [word for check in pairs.checks_of(row, entered=True) for word in [*shlex.split(tree.substitute(check).replace("@PEER_net@", peer)), "--"]]
        result = tree.svcctl("start", f"up-{name}")
        if result.returncode == 0:
            result = tree.svcctl("exec", f"up-{name}", "/guest" if pairs.own_root(row) else "/mnt/guest", *words)
        if result.returncode != 0:
            told.append(f"row {number}, entered: {pairs.tell(row)}:\n  {result.stderr}" + "\n  ".join(failures(tree, f"up-{name}")))
        tree.svcctl("stop", f"up-{name}")
    return told


@test
def the_array_covers_every_pair():
    rows, every = pairs.rows(), pairs.combinations(2)
    impossible = every - set().union(*(pairs.combinations_of(row, 2) for row in rows))
    print(f"# {len(pairs.KEYS)} settings, {len(every)} pairs in {len(rows)} rows; {len(impossible)} pairs cannot be")
    expect(len(impossible) < 20, f"too many pairs that cannot be: {sorted(impossible)[:5]}")
    expect(len(rows) < 160, "too many rows")


@test
def every_pair_has_both_effects():
    wanted = [int(word) for word in os.environ.get("PAIRS_ROWS", "").split()]
    rows = {number: row for number, row in enumerate(pairs.rows(STRENGTH)) if not wanted or number in wanted}
    expect(len(rows) < 150 * (STRENGTH - 1), f"too many rows for every run: {len(rows)}")
    told = []
    with Tree("pairs") as tree:
        peer = prepare(tree)
        names = {number: write(tree, number, row, peer) for number, row in rows.items()}
        for first in range(0, len(rows), BATCH):
            tree.svcctl("start", *list(names.values())[first:first + BATCH], timeout=120)
        for number, row in rows.items():
            shown = tree.show(names[number], "LoadState", "Result", "ExecMainStatus")
            if shown == {"LoadState": "loaded", "Result": "success", "ExecMainStatus": "0"}:
                continue
            told.append(f"row {number}: {pairs.tell(row)}: {shown}\n  " + "\n  ".join(dict.fromkeys(failures(tree, names[number]))))
        told += enter(tree, {number: name for number, name in names.items() if name not in "".join(told)}, rows, peer)
    expect(not told, f"{len(told)} of {len(rows)} rows:\n" + "\n".join(told))


main()
