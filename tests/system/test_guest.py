"""The guest itself: a check that could not fail would prove nothing. Tools of the distribution make the surroundings."""
import os
import subprocess
import tempfile

from svcd_test import expect, expect_equal, main, test
from tree import GUEST


def guest(*words, before=(), **options):
    return subprocess.run([*before, GUEST, *words], capture_output=True, text=True, timeout=60, **options)


def passes(words, before=(), **options):
    result = guest(*words.split(), before=before, **options)
    expect_equal((result.returncode, result.stderr), (0, ""), words)


def fails(words, before=(), **options):
    result = guest(*words.split(), before=before, **options)
    expect_equal(result.returncode, 1, words)
    expect(result.stderr.startswith("guest: ") and "expected" in result.stderr, result.stderr)


@test
def all_checks_run():
    result = guest("uid", "77", "--", "print", "between", "--", "absent", "/etc", "--", "umask", "0077", umask=0o027)
    expect_equal(result.returncode, 1, "exit status")
    expect_equal(result.stdout, "between\n", "what ran after a failure")
    expect_equal([line.split(":")[1] for line in result.stderr.splitlines()],
                 [" uid (real)", " uid (effective)", " uid (saved)", " absent", " umask"], result.stderr)
    expect("expected 0077, found 027" in result.stderr, result.stderr)


@test
def unknown_words_fail():
    fails("nosuchverb")
    fails("uid")
    fails("uid zero")
    fails("refused nosuchcall")
    fails("capabilities bounding=nosuch")
    fails("rlimit NOSUCH 1")


@test
def process():
    user = ["setpriv", "--reuid=33", "--regid=33", "--groups=4,24", "--inh-caps=+chown", "--ambient-caps=+chown",
            "--bounding-set=-all,+chown,+kill", "--no-new-privs"]
    passes("uid 33 -- gid 33 -- groups 4,24 -- no-new-privileges 1 -- seccomp 0"
           " -- capabilities ambient=chown effective=chown permitted=chown bounding=chown,kill inheritable=chown", before=user)
    for words in ("uid 0", "gid 0", "groups 4", "groups none", "no-new-privileges 0", "seccomp 2", "capabilities effective=none",
                  "capabilities bounding=-kill", "capabilities bounding=+sys_admin", "capabilities permitted=chown,kill"):
        fails(words, before=user)
    passes(f"environment A=b C=* -- no-environment B -- cwd /usr -- nice {os.nice(0) + 3}", before=["nice", "-n3"], cwd="/usr", env={"A": "b", "C": "d"})
    for words in ("environment A=c", "environment B=", "no-environment A", "cwd /", "nice <1"):
        fails(words, before=["nice", "-n3"], cwd="/usr", env={"A": "b"})
    limit = ["prlimit", "--nofile=100:200"]
    passes("rlimit NOFILE 100 200", before=limit)
    fails("rlimit NOFILE 100 201", before=limit)


@test
def descriptors():
    with open("/dev/null") as null:
        passes("descriptors 0,1,2 -- stream stdin null -- stream stdout pipe", stdin=null)
        fails("stream stdin pipe", stdin=null)
        fails("stream stdin closed", stdin=null)
        fails("descriptors 0,1,2", stdin=null, pass_fds=[null.fileno()])


@test
def surroundings():
    own = {kind: os.readlink(f"/proc/self/ns/{kind}").partition("[")[2][:-1] for kind in ("uts", "net")}
    before = ["unshare", "--net", "--uts", "sh", "-c", 'hostname inside && exec "$0" "$@"']
    passes(f"hostname inside -- interfaces lo -- namespace net differs {own['net']} -- namespace uts differs {own['uts']}", before=before)
    for words in ("hostname outside", "interfaces eth0,lo", "interface-up lo", f"namespace net is {own['net']}"):
        fails(words, before=before)
    fails(f"namespace net differs {own['net']}")
    offset = ["unshare", "--time", "--boottime", "3600", "--fork"]
    passes("time-offset boottime 3600", before=offset)
    fails("time-offset boottime 0", before=offset)


@test
def files():
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/file", "w") as file:
            file.write("text\n")
        os.mkdir(f"{folder}/empty", 0o000)
        passes(f"content {folder}/file text -- writable {folder} {folder}/file -- present {folder} -- absent {folder}/none"
               f" -- inaccessible {folder}/empty -- hidden {folder}/empty -- device /dev/null 1:3 -- mode {folder}/file 0644")
        for words in (f"content {folder}/file other", f"read-only {folder}", f"absent {folder}", f"present {folder}/none",
                      f"inaccessible {folder}", f"hidden {folder}/file", "device /dev/zero 1:3", f"mode {folder}/file 0600",
                      f"owner {folder}/file 1 0", f"filesystem {folder} overlay", f"link {folder}/file x", f"not-executable {GUEST}"):
            fails(words)
        passes(f"executable {GUEST}")
        mounts = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                  'mount -t tmpfs -o size=4M,nosuid,noexec none "$0/empty" && cp "$1" "$0/empty/guest" && mount -o remount,ro "$0/empty"'
                  ' && shift && exec "$@"', folder, GUEST]
        passes(f"filesystem {folder}/empty tmpfs -- filesystem-size {folder}/empty 4194304 -- read-only {folder}/empty"
               f" -- mount-option {folder}/empty ro,nosuid,noexec,!nodev", before=mounts)
        for words in (f"writable {folder}/empty", f"mount-option {folder}/empty nodev", f"executable {folder}/empty/guest"):
            fails(words, before=mounts)


@test
def refused_calls():
    passes("allowed getpid mkdir socket-unix write-exec personality unshare-uts")
    fails("refused getpid")
    unprivileged = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--reuid=33", "--clear-groups"]
    passes("refused mount -- refused reboot -- refused adjtimex -- refused chroot", before=unprivileged)
    fails("allowed mount", before=unprivileged)


@test
def processes():
    passes("no-zombies -- orphans 200")
    below_shell = ["unshare", "--pid", "--fork", "--mount", "--mount-proc", "sh", "-c", '"$0" "$@"; exit $?']
    passes("init sh -- processes 2 -- pid 2", before=below_shell)
    fails("init svc-init", before=below_shell)
    fails("processes 3", before=below_shell)
    fails("processes 1")
    fails("pid 1")
    expect_equal(guest("exit", "7").returncode, 7, "exit")
    expect_equal(guest("kill-self", "TERM").returncode, -15, "kill-self")


main()
