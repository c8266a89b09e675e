"""Our signatures equal botocore's: urls to the letter, requests in their signed parts."""

from datetime import UTC, datetime

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from storage.backends import PrivateBucket
from storage.signing import Signer
from storage.wire import BucketPlace
from tests.fakes.token_services import chain_of_its_own, session

ACCESS, SECRET, REGION = "AKIAEXAMPLE", "a/secret+key", "eu-west-1"
SIGNER = Signer(ACCESS, SECRET, REGION)
PUBLIC = "https://images.example:8443"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def stamped(at: str) -> datetime:
    return datetime.strptime(at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


@pytest.mark.parametrize("address", [PUBLIC, "http://127.0.0.1:80", None])
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("20261120/7f3/c41/1-0.png", {"ResponseContentType": "image/png"}),
        (
            "exports/a b/ü~*'()!.zip",
            {
                "ResponseContentType": "application/zip",
                "ResponseContentDisposition": 'attachment; filename="x y.zip"',
            },
        ),
        ("plain", {}),
    ],
)
def test_a_url_is_the_one_that_boto3_signs(monkeypatch, address, name, parameters):
    boto = boto3.client(
        "s3",
        endpoint_url=address,
        region_name=REGION,
        aws_access_key_id=ACCESS,
        aws_secret_access_key=SECRET,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    theirs = boto.generate_presigned_url(
        "get_object", Params={**parameters, "Bucket": "images", "Key": name}, ExpiresIn=90
    )
    at = stamped(theirs.partition("X-Amz-Date=")[2][:16])
    monkeypatch.setattr("pictor.kit.words.clock.now", lambda: at)
    bucket = PrivateBucket(
        bucket_name="images",
        region_name=REGION,
        public_endpoint_url=address,
        access_key=ACCESS,
        secret_key=SECRET,
    )
    ours = {
        "ResponseContentType": "response-content-type",
        "ResponseContentDisposition": "response-content-disposition",
    }

    url = bucket.url(
        name, parameters={ours[key]: value for key, value in parameters.items()}, expire=90
    )

    assert url == theirs


def test_a_url_of_a_session_is_the_one_that_boto3_signs(monkeypatch):
    for variable, value in session(ACCESS).items():
        monkeypatch.setenv(variable, value)
    boto = boto3.client("s3", endpoint_url=PUBLIC, config=Config(signature_version="s3v4"))
    theirs = boto.generate_presigned_url(
        "get_object", Params={"Bucket": "images", "Key": "1-0.png"}, ExpiresIn=90
    )
    at = stamped(theirs.partition("X-Amz-Date=")[2][:16])
    monkeypatch.setattr("pictor.kit.words.clock.now", lambda: at)

    with chain_of_its_own():
        bucket = PrivateBucket(
            bucket_name="images", public_endpoint_url=PUBLIC, credentials="chain"
        )
        url = bucket.url("1-0.png", expire=90)

    assert "X-Amz-Security-Token=a%2Ftoken%2Bof%3D%3D&" in url
    assert url == theirs


@pytest.mark.parametrize("token", ["", "a/token+of=="])
def test_a_request_is_signed_as_botocore_signs_it(token):
    path = BucketPlace(PUBLIC, "images").path_of("20261120/a b/1-0.png")
    request = AWSRequest(
        "PUT", f"{PUBLIC}{path}", headers={"content-type": "image/png"}, data=b"test"
    )
    S3SigV4Auth(Credentials(ACCESS, SECRET, token or None), "s3", REGION).add_auth(request)

    headers = Signer(ACCESS, SECRET, REGION, token).headers(
        "PUT",
        path,
        {"content-type": "image/png", "host": "images.example:8443"},
        body_sha256=request.headers["X-Amz-Content-SHA256"],
        now=stamped(request.headers["X-Amz-Date"]),
    )

    assert headers["authorization"].split() == request.headers["Authorization"].split()
    assert headers["x-amz-content-sha256"] in {SHA256, "UNSIGNED-PAYLOAD"}
    assert headers.get("x-amz-security-token", "") == token


def test_each_day_has_a_key_of_its_own():
    days = [datetime(2026, 11, day, tzinfo=UTC) for day in (20, 21)]

    queries = {
        SIGNER.query("GET", "/a", {}, host="h", expires_seconds=60, now=day)[-64:] for day in days
    }

    assert len(queries) == 2


def test_neither_secret_nor_token_is_shown():
    shown = repr(Signer(ACCESS, SECRET, REGION, "a/token+of=="))

    assert SECRET not in shown
    assert "token+of" not in shown
