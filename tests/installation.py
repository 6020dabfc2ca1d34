"""Build and install dnncli as its users do, and see what they get; run by hand.

    python tests/installation.py

Needs `uv`, and takes `pipx` where it is there. The sdist is built, a wheel from the sdist without a
network, and the wheel goes into a new environment, where the command, the completion scripts and
the man page must be. Then `uvx` and `pipx run` start it from the wheel. Ends with 1 at the first
fault.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import manual
from dependency_range import uv

from dnncli import __version__
from dnncli.cli import completion

ROOT = Path(__file__).parents[1]
SHARED = {  # below an environment: where it comes from in completions/
    "share/bash-completion/completions/dnncli": "dnncli.bash",
    "share/zsh/site-functions/_dnncli": "dnncli.zsh",
    "share/fish/vendor_completions.d/dnncli.fish": "dnncli.fish",
    "share/man/man1/dnncli.1": "dnncli.1",
}
SMOKE = ("train", "--epochs", "1", "--hidden", "8", "--quiet")


def run(*command: str | Path, folder: Path) -> str:
    """What a command prints."""
    words = list(map(str, command))
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"{' '.join(words)}: {ran.stderr.strip()}")
    return ran.stdout


def build(folder: Path) -> Path:
    """The wheel that an sdist builds, its build backend at hand but no network."""
    backend = folder / "backend"
    uv("venv", "--quiet", str(backend))
    python = str(backend / "bin" / "python")
    uv("pip", "install", "--quiet", "--python", python, "hatchling")
    uv("build", "--quiet", "--sdist", "--out-dir", str(folder), str(ROOT))
    sdist = folder / f"dnncli-{__version__}.tar.gz"
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    source = folder / "unpacked" / f"dnncli-{__version__}"
    offline = ("--wheel", "--offline", "--no-build-isolation", "--python", python)
    uv("build", "--quiet", *offline, "--out-dir", str(folder), str(source))
    return folder / f"dnncli-{__version__}-py3-none-any.whl"


def check_wheel(wheel: Path) -> None:
    """The scripts and the page are in the wheel as they are here; nothing of the tests is."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        for target, source in SHARED.items():
            member = f"dnncli-{__version__}.data/data/{target}"
            assert archive.read(member) == (manual.FOLDER / source).read_bytes(), target
    assert not [name for name in names if name.startswith("tests/")]


def check_environment(folder: Path, wheel: Path) -> None:
    """A new environment has the command and everything that shells and `man` look for."""
    home = folder / "environment"
    uv("venv", "--quiet", str(home))
    uv("pip", "install", "--quiet", "--python", str(home / "bin" / "python"), str(wheel))
    program = home / "bin" / "dnncli"
    for target, source in SHARED.items():
        assert (home / target).read_bytes() == (manual.FOLDER / source).read_bytes(), target
    for shell in completion.SHELLS:
        printed = run(program, "completion", shell, folder=folder)
        assert printed == (manual.FOLDER / f"dnncli.{shell}").read_text()
    assert "jax 0." in run(program, "--version", "--verbose", folder=folder)
    assert "test accuracy" in run(program, *SMOKE, folder=folder)


def main() -> int:
    """Build, install, run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder)
        print(f"built {wheel.name} from the sdist, offline")
        check_wheel(wheel)
        check_environment(folder, wheel)
        print("installed in a new environment: command, scripts, man page, a run")
        printed = uv("tool", "run", "--from", str(wheel), "dnncli", "--version")
        assert printed == f"dnncli {__version__}\n", printed
        print("uvx --from WHEEL dnncli")
        if pipx := shutil.which("pipx"):
            printed = run(pipx, "run", "--spec", wheel, "dnncli", "--version", folder=folder)
            assert printed == f"dnncli {__version__}\n", printed
            print("pipx run --spec WHEEL dnncli")
    return 0


if __name__ == "__main__":
    sys.exit(main())
