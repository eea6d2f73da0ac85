"""Another container on the stack's network, as a machine of MAAS's."""

from engine import IMAGE, NETWORK, docker


def run(script: str, *arguments: str, hostname: str = "node-1") -> str:
    """Run a Python script there; return what it prints."""
    return docker(
        "run",
        "--rm",
        f"--network={NETWORK}",
        f"--hostname={hostname}",
        "--env=http_proxy=",
        IMAGE,
        "python3",
        "-c",
        script,
        *arguments,
    )
