import subprocess
import sys


def test_a_busy_port_is_one_clear_line(sandbox_server):
    port = sandbox_server.rpartition(":")[2]

    ended = subprocess.run(  # noqa: S603 - our own server
        [sys.executable, "-m", "sandbox", "--port", port],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"sandbox: cannot listen on 127.0.0.1 port {port}: ")
    assert ended.stderr.count("\n") == 1
