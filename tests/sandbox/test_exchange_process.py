"""The process: `python -m voipcrm.sandbox`."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from world import ACCOUNT, APPLICATION, KEY, NUMBER, SECRET, TOKEN, free_port

COMMAND = [sys.executable, "-m", "voipcrm.sandbox"]


def environment(folder, port, **changes):
    wanted = {
        "PATH": os.environ["PATH"],
        "VOIP_PROVIDER": "sandbox",
        "TWILIO_SID": ACCOUNT,
        "TWILIO_TOKEN": TOKEN,
        "TWILIO_API_KEY_SID": KEY,
        "TWILIO_API_KEY_SECRET": SECRET,
        "TWILIO_APP_SID": APPLICATION,
        "TWILIO_NUMBER": NUMBER,
        "SANDBOX_PORT": str(port),
        "DATA_DIR": str(folder),
    }
    return {name: value for name, value in (wanted | changes).items() if value is not None}


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_says_that_it_is_ready_and_ends_soon_when_told_to(tmp_path, sign):
    port = free_port()
    process = subprocess.Popen(
        COMMAND, env=environment(tmp_path, port), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == f"sandbox ready: http://127.0.0.1:{port}\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30) as reply:
            assert reply.status == 200
        process.send_signal(sign)
        assert process.wait(20) == 0  # 0.2 s alone; the test machine may be busy
        assert process.stderr.read() == ""
        assert process.stdout.read() == ""
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"VOIP_PROVIDER": "twilio"}, "VOIP_PROVIDER"),
        ({"TWILIO_TOKEN": None}, "TWILIO_TOKEN"),
        ({"TWILIO_SID": "AC12"}, "TWILIO_SID"),
        ({"TWILIO_API_KEY_SECRET": " "}, "TWILIO_API_KEY_SECRET"),
        ({"TWILIO_NUMBER": "0151 234"}, "TWILIO_NUMBER"),
        ({"SANDBOX_PORT": "http"}, "SANDBOX_PORT"),
        ({"PUBLIC_BASE_URL": "127.0.0.1:8000"}, "PUBLIC_BASE_URL"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(tmp_path, changes, named):
    done = subprocess.run(
        COMMAND, env=environment(tmp_path, 8070, **changes), capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_said_plainly(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run(
            COMMAND, env=environment(tmp_path, port), capture_output=True, text=True, timeout=90, check=False
        )
    assert list(tmp_path.iterdir()) == []  # another sandbox's data is left alone
    assert done.returncode == 1
    assert f"port {port} is already taken" in done.stderr
    assert "Traceback" not in done.stderr
