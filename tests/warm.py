"""Command lines in processes of their own that need not import anything.

A server has imported the package and forks a process for each command line, which costs hundredths of
a second where a new interpreter takes 2.5 s of processor time. JAX begins in the forked process, as it
would there. The process becomes this one's child (Linux hands orphans to a "subreaper"), so that it is
a `subprocess.Popen` like any other: signals, pipes, terminals, exit codes, processor time.
"""

import ctypes
import gc
import importlib
import io
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import time
import traceback
from functools import cache
from typing import Any, NoReturn

# What commands import only where they need it.
LATER = ("duckdb", "matplotlib.figure", "nanoarrow", "onnx", "openpyxl", "scipy.stats")
# Variables that are read before a command begins: Python's and those of libraries.
EARLY = ("JAX", "LANG", "LC_", "OPENBLAS", "PYTHON", "XLA")
PR_SET_CHILD_SUBREAPER = 36
INHERITED = -1  # what Popen passes for a stream that is this process's own


def import_everything() -> None:
    """Import what command lines need. JAX starts no thread yet, and processes may be forked."""
    for name in LATER:
        importlib.import_module(name)
    package = importlib.import_module("dnncli")
    for found in pkgutil.walk_packages(package.__path__, "dnncli."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)


def early(environment: dict[str, str]) -> dict[str, str]:
    """The variables that a server must have been started with."""
    return {name: value for name, value in environment.items() if name.startswith(EARLY)}


@cache
def server() -> "Server | None":
    """The server of this process, once it is needed; None where there can be none."""
    if sys.platform != "linux":
        return None
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    return Server(dict(os.environ))


class Server:
    """The process that forks, as this one sees it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.early = early(environment)
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # It ends when this process closes its end of the socket, which is when it ends itself.
            self.process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    def fork(self, request: dict[str, Any], streams: list[int]) -> int:
        """Begin a command line with these streams; the process's number."""
        body = json.dumps(request).encode()
        socket.send_fds(self.socket, [body], streams)
        answer = self.socket.recv(64)
        if not answer:
            raise RuntimeError("the server of command lines has ended")
        return int(answer)


class Command(subprocess.Popen):
    """`Popen(["python", "-m", "dnncli", …])`, forked where a server has the environment for it."""

    def _execute_child(self, args: Any, *rest: Any) -> None:
        # Popen's own place for what differs between systems; its arguments come by position.
        (_, preexec, _, _, cwd, env, _, _, _, *pipes, _, _, _, _, _, session, _) = rest
        environment = dict(os.environ if env is None else env)
        serving = server()
        if preexec or serving is None or serving.early != early(environment):
            super()._execute_child(args, *rest)
            return
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = pipes
        given = (p2cread, c2pwrite, errwrite)
        streams = [own if fd == INHERITED else fd for own, fd in enumerate(given)]
        request = {
            "arguments": args[3:],
            "cwd": os.fspath(cwd or os.getcwd()),
            "environment": environment,
            "session": session,
            "parent": os.getpid(),
        }
        try:
            self.pid = serving.fork(request, streams)
        finally:
            self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)
        self._child_created = True


def serve(requests: socket.socket) -> None:
    """Fork a process for each request until the other end is closed."""
    # As the program sets them before it imports anything.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import_everything()
    gc.freeze()  # what is here for good is not looked through, nor copied, in every process
    while True:
        body, streams, _, _ = socket.recv_fds(requests, 1 << 20, 3)
        if not body:
            return
        between = os.fork()
        if not between:
            # An orphan at once: its parent is then the process that asked.
            if not os.fork():
                _become(json.loads(body), streams, requests)
            os._exit(0)
        os.waitpid(between, 0)
        for stream in streams:
            os.close(stream)


def _become(request: dict[str, Any], streams: list[int], requests: socket.socket) -> NoReturn:
    """Be the process that was asked for; never returns."""
    while os.getppid() != request["parent"]:
        time.sleep(0.001)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if request["session"]:
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["dnncli", *request["arguments"]]
    _renew_streams()
    requests.send(str(os.getpid()).encode())
    requests.close()
    _run()


def _renew_streams() -> None:
    """Python's streams, of what the process has for 0 to 2, as at an interpreter's start."""
    for number, name, mode, errors in (
        (0, "stdin", "rb", "strict"),
        (1, "stdout", "wb", "strict"),
        (2, "stderr", "wb", "backslashreplace"),
    ):
        binary = os.fdopen(number, mode, closefd=False)
        lines = name == "stderr" or os.isatty(number)
        stream = io.TextIOWrapper(binary, "utf-8", errors, line_buffering=lines)
        setattr(sys, name, stream)


def _run() -> NoReturn:
    """The command line, ending as an interpreter would."""
    from dnncli.cli import program

    code = 1
    try:
        program.main()
    except SystemExit as end:
        code = int(end.code or 0)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
