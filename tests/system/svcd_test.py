"""What the system tests share: cases that print TAP, the built programs, and a place of their own to run them in.

    @test
    def stop_means_stop():
        with running([*ISOLATED, SVC_INIT, "--", "/bin/true"]) as process:
            expect(process.wait(10) == 0, "exit status")

    main()

A case fails by an exception and is skipped by skip("reason"). SVCD_BUILD is meson's build directory. Arguments of the
script are names of cases; without any, all run."""
import contextlib
import os
import signal
import subprocess
import sys
import time
import traceback

BUILD = os.environ.get("SVCD_BUILD") or sys.exit("set SVCD_BUILD to the build directory")
SVC_INIT = os.path.join(BUILD, "init", "svc-init")
SVCD = os.path.join(BUILD, "svcd", "svcd")
SVCCTL = os.path.join(BUILD, "cli", "svcctl")

# SAFETY.md: the command after this is PID 1 of a PID namespace, with mounts and a /proc of its own, and dies with us.
ISOLATED = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--pid", "--fork", "--kill-child",
            "--mount", "--mount-proc", "--propagation", "private"]

_cases = []


class Skipped(Exception):
    pass


def test(function):
    _cases.append(function)
    return function


def skip(reason):
    raise Skipped(reason)


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def expect_equal(actual, expected, what=""):
    if actual != expected:
        raise AssertionError(f"{what}: {actual!r}, expected {expected!r}")


def wait_for(condition, what, seconds=20):
    """Returns the first true value of condition(); fails after a bound that is no performance claim."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


@contextlib.contextmanager
def running(argv, **options):
    """A Popen that is gone, with all of its PID namespace (see ISOLATED), when the block ends."""
    process = subprocess.Popen(argv, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()


def main():
    wanted = sys.argv[1:]
    cases = [case for case in _cases if not wanted or case.__name__ in wanted]
    failed = False
    sys.stdout.reconfigure(line_buffering=True)
    print(f"1..{len(cases)}")
    for number, case in enumerate(cases, 1):
        try:
            case()
            print(f"ok {number} {case.__name__}")
        except Skipped as reason:
            print(f"ok {number} {case.__name__} # SKIP {reason}")
        except Exception:
            failed = True
            for line in traceback.format_exc().splitlines():
                print("# " + line)
            print(f"not ok {number} {case.__name__}")
    sys.exit(failed)
