"""sigv4/ held against botocore's signer, on random requests.

The requests are generated from a fixed seed; a failure prints the request, which is enough to repeat it. botocore gets
a URL that Python's own quote() encoded, so the encoding is judged as well as the signature.
"""

import datetime
import hashlib
import json
import random
import subprocess
import types
from urllib.parse import parse_qsl, quote

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

SEED = 20130524
UNSIGNED = "UNSIGNED-PAYLOAD"
METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD"]
REGIONS = ["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "default"]
# Few enough that the signer both keeps its derived key and has to replace it.
SECRETS = ["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "s", "long" * 60, "sécret+/="]
LATEST = 253402300799  # the end of the year 9999
NO_CONTROLS = dict.fromkeys([*range(0x20), 0x7F])


def random_character(rng):
    kind = rng.random()
    if kind < 0.4:
        return chr(rng.randrange(0x20, 0x7F))
    if kind < 0.5:
        return chr(rng.choice([*range(0x20), 0x7F]))
    if kind < 0.7:
        return rng.choice("/.+%&=?#;:@$,~ ")
    if kind < 0.9:
        return chr(rng.randrange(0x80, 0x800))
    code = rng.randrange(0x800, 0x110000 - 0x800)
    return chr(code if code < 0xD800 else code + 0x800)


def random_text(rng, most_bytes):
    text, size = "", rng.choice([rng.randrange(12), rng.randrange(60), rng.randrange(most_bytes + 1)])
    while size > 0:
        text += random_character(rng)
        size -= len(text[-1].encode())
    return text


def random_value(rng):
    """A header's value: words that hold no blank of any kind, since botocore collapses Unicode's blanks as well."""
    words = ["".join(random_text(rng, 40).split()).translate(NO_CONTROLS) for _ in range(rng.randrange(5))]
    blanks = ["", " ", "  ", "\t", " \t  "]
    return rng.choice(blanks) + "".join(word + rng.choice(blanks) for word in words)


def random_headers(rng):
    headers = [["Host", rng.choice(["bucket.s3.amazonaws.com", "127.0.0.1:8000", "[::1]:8000", "s3.example.com"])]]
    for _ in range(rng.randrange(6)):
        name = rng.choice( ["x-amz-meta-" + rng.choice("abcXYZ_-~!"), "Content-Type",
                          "x-amz-acl", "Range", "x-amz-meta-a-b", "X-AMZ-TAGGING"] )
        headers.append([name, random_value(rng)])
    if rng.random() < 0.2:
        headers.append(["x-amz-copy-source", "/bucket/" + quote(random_text(rng, 1024), safe="/~") + "?versionId=a.b"])
    rng.shuffle(headers)
    return headers


def random_parameters(rng):
    names = [
    "acl",
    "tagging",
    "versions",
    "uploadId",
    "partNumber",
    "prefix",
    "key-marker",
    "ключ",
    "a b",
    "a",
    "a-b",
     "a.b"]
    chosen = rng.sample(names, rng.randrange(5))
    return [[name, rng.choice(["", random_text(rng, 200), str(rng.randrange(100))])] for name in chosen]


def random_request(rng, presign=False):
    body = rng.randbytes(rng.randrange(3))
    unsigned = presign or rng.random() < 0.3
    return {
        "presign": rng.randrange(1, 604801) if presign else 0,
        "method": rng.choice(METHODS),
        "key": random_text(rng, 1024),
        "parameters": random_parameters(rng),
        "headers": random_headers(rng),
        "body": body.hex(),
        "payload_hash": UNSIGNED if unsigned else hashlib.sha256(body).hexdigest(),
        "content_sha256": not presign,
        "access_key": rng.choice(["AKIAIOSFODNN7EXAMPLE", "a", "tenant$user:key"]),
        "secret_key": rng.choice(SECRETS),
        "token": rng.choice(["", "", "FwoGZ+/=" * rng.randrange(1, 500)]),
        "region": rng.choice(REGIONS),
        "service": "s3",
        "now": rng.choice([1369353600 + rng.randrange(200), rng.randrange(LATEST + 1), rng.randrange(2**32)]),
    }


def run_tool(build_dir, requests):
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    tool = build_dir / "tools" / "sigv4_signer"
    done = subprocess.run([tool], input=lines, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(requests)
    return answers


def by_botocore(monkeypatch, request, make_signer):
    """Signs `request` and returns botocore's request, with the path as Python encodes it."""
    now = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=request["now"])
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: now)
    path = "/" + quote(request["key"], safe="/~")
    aws_request = botocore.awsrequest.AWSRequest(
        method=request["method"], url="https://ignored.example.com" + path, data=bytes.fromhex(request["body"])
    )
    aws_request.params = {name: value for name, value in request["parameters"]}
    for name, value in request["headers"]:
        aws_request.headers.add_header(name, value)
    sign_payload = request["payload_hash"] != UNSIGNED
    aws_request.context["client_config"] = types.SimpleNamespace(s3={"payload_signing_enabled": sign_payload})
    credentials = botocore.credentials.Credentials(
        request["access_key"], request["secret_key"], request["token"] or None
    )
    make_signer(credentials).add_auth(aws_request)
    return aws_request, path


def test_ten_thousand_requests_are_signed_as_botocore_signs_them(build_dir, monkeypatch):
    rng = random.Random(SEED)
    requests = [random_request(rng) for _ in range(10_000)]
    for request, answer in zip(requests, run_tool(build_dir, requests)):
        expected, path = by_botocore(
            monkeypatch, request, lambda c: botocore.auth.S3SigV4Auth(c, request["service"], request["region"])
        )
        assert answer.get("path") == path, request
        assert answer["date"] == expected.headers["X-Amz-Date"], request
        assert answer["authorization"] == expected.headers["Authorization"], request


def test_two_thousand_urls_are_presigned_as_botocore_presigns_them(build_dir, monkeypatch):
    rng = random.Random(SEED + 1)
    requests = [random_request(rng, presign=True) for _ in range(2_000)]
    for request in requests:
        request["body"] = ""  # botocore would read a form from it
    for request, answer in zip(requests, run_tool(build_dir, requests)):
        expected, path = by_botocore( monkeypatch, request, lambda c: botocore.auth.S3SigV4QueryAuth(
            c, request["service"], request["region"], expires=request["presign"]), )
        expected_query = expected.url.partition("?")[2]
        assert answer.get("path") == path, request
        assert sorted(answer["query"].split("&")) == sorted(expected_query.split("&")), request
        assert answer["query"].rpartition("&")[2] == "X-Amz-Signature=" + expected_query[-64:], request


def test_a_presigned_query_is_sorted_and_reads_back(build_dir):
    rng = random.Random(SEED + 2)
    request = random_request(rng, presign=True)
    request["parameters"] = [["versionId", "a+/="], ["acl", ""], ["Ünï", "ö"]]
    query = run_tool(build_dir, [request])[0]["query"]
    names = [part.partition("=")[0] for part in query.split("&")]
    assert names[:-1] == sorted(names[:-1])
    assert names[-1] == "X-Amz-Signature"
    pairs = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True))
    assert {name: pairs[name] for name, _ in request["parameters"]} == dict(request["parameters"])


@pytest.mark.parametrize(
    "change",
    [
        {"method": "get"},
        {"method": ""},
        {"headers": [["x-amz-acl", "private"]]},
        {"headers": [["Host", "h"], ["x-amz-meta-a", "b\r\nx-amz-acl: public-read"]]},
        {"headers": [["Host", "h"], ["x-amz-meta-a", "b\u0000"]]},
        {"headers": [["Host", "h"], ["x amz", "b"]]},
        {"headers": [["Host", "h"], ["X-Amz-Date", "20130524T000000Z"]]},
        {"headers": [["Host", "h"], ["authorization", "AWS"]]},
        {"payload_hash": "E3B0"},
        {"access_key": "a\nb"},
        {"secret_key": ""},
        {"region": ""},
        {"now": -1},
        {"now": LATEST + 1},
    ],
    ids=str,
)
def test_what_could_not_be_sent_as_signed_is_refused(build_dir, change):
    good = random_request(random.Random(SEED))
    assert run_tool(build_dir, [good, good | change, good])[1] == {"status": 2}
