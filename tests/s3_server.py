"""A real S3 API on 127.0.0.1 (moto), in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import boto3
import pytest
import requests
from botocore.config import Config
from services import Process, wait_until

from voipcrm.cli.run.ports import free_port

BUCKET, PREFIX, REGION = "calls", "house/recordings", "eu-central-1"


class S3Server(Process):
    """One bucket with CORS and all; `client` is Amazon's own library, to look at what we did."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = "from moto.server import main; import sys; main(sys.argv[1:])"
        super().__init__([sys.executable, "-c", command, "-H", "127.0.0.1", "-p", str(self.port)], folder / "s3.log")
        wait_until(self.answers, 60, self)
        self.client = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="key-id",
            aws_secret_access_key="key-secret",
            config=Config(s3={"addressing_style": "path"}, signature_version="s3v4"),
        )

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/moto-api/data.json", timeout=2).ok
        except requests.RequestException:
            return False

    def reset(self) -> None:
        """An empty bucket."""
        requests.post(f"{self.url}/moto-api/reset", timeout=10).raise_for_status()
        self.client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def names(self) -> list[str]:
        """What is in the bucket, without the prefix."""
        found = self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [one["Key"].removeprefix(f"{PREFIX}/") for one in found]

    def body(self, key: str) -> bytes:
        return self.client.get_object(Bucket=BUCKET, Key=f"{PREFIX}/{key}")["Body"].read()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    server = S3Server(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server):
    """The server with an empty bucket."""
    s3_server.reset()
    return s3_server
