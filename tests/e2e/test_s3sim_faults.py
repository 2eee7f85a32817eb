"""What s3sim does on request: faults, latency, synthetic buckets, counters. Judged by boto3 and by bare sockets."""
import hashlib
import http.client
import socket
import threading
import time

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
     ResponseStreamingError)
from botocore.parsers import ResponseParserError

MIB, GIB = 1 << 20, 1 << 30
BROKEN = (ConnectionClosedError, EndpointConnectionError, HTTPClientError)
# a page that does not parse: botocore calls it a server error of its own making
UNREADABLE = (ClientError, ResponseParserError, ResponseStreamingError, IncompleteReadError, *BROKEN)


@pytest.fixture(autouse=True)
def fresh(s3sim):
    s3sim.control("POST", "/_s3sim/reset")
    yield
    s3sim.control("DELETE", "/_s3sim/faults")


@pytest.fixture(scope="module")
def owner(s3sim):
    return s3sim.client("SRCOWNER", "srcownersecret")


@pytest.fixture
def src(owner):
    owner.create_bucket(Bucket="src")
    owner.put_object(Bucket="src", Key="k", Body=b"value")
    return owner


def fails(call, code, status=None, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    if status:
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    return caught.value.response


def faults(s3sim, *rules):
    s3sim.control("POST", "/_s3sim/faults", list(rules))


def fired(s3sim):
    return [r["fired"] for r in s3sim.control("GET", "/_s3sim/faults")]


def synthetic(s3sim, **spec):
    s3sim.control("POST", "/_s3sim/synthetic", {"bucket": "big", **spec})


def test_errors_by_count_and_skip(s3sim, src):
    faults(s3sim, {"operation": "GetObject", "skip": 1, "count": 2, "action": "error", "status": 503})
    src.get_object(Bucket="src", Key="k")
    for _ in range(2):
        fails(src.get_object, "SlowDown", 503, Bucket="src", Key="k")
    src.get_object(Bucket="src", Key="k")
    assert fired(s3sim) == [2]


def test_rules_match_key_bucket_and_caller(s3sim, src):
    rule = {"action": "error", "status": 500, "operation": "*Object"}
    faults(s3sim, {**rule, "key_prefix": "x/"}, {**rule, "key": "other"},
           {**rule, "bucket": "else*"}, {**rule, "caller": "agent"})
    src.get_object(Bucket="src", Key="k")
    fails(src.put_object, "InternalError", 500, Bucket="src", Key="x/1", Body=b"")
    fails(src.put_object, "InternalError", 500, Bucket="src", Key="other", Body=b"")
    fails(s3sim.client("SRCAGENT", "srcagentsecret").get_object, "InternalError", 500, Bucket="src", Key="k")
    assert fired(s3sim) == [1, 1, 0, 1]


def test_probability_is_seeded(s3sim, src):
    def run():
        faults(s3sim, {"operation": "HeadObject", "probability": 0.3, "seed": 7, "action": "error", "status": 500})
        seen = []
        for _ in range(60):
            try:
                src.head_object(Bucket="src", Key="k")
                seen.append(0)
            except ClientError:
                seen.append(1)
        return seen

    first = run()
    assert first == run() and 8 <= sum(first) <= 30


def test_any_error_can_be_had(s3sim, src):
    faults(s3sim, {"action": "error", "status": 409, "code": "OperationAborted", "message": "m"})
    assert fails(src.get_object, "OperationAborted", 409, Bucket="src", Key="k")["Error"]["Message"] == "m"
    faults(s3sim, {"action": "expired_token"})
    fails(src.get_object, "ExpiredToken", 400, Bucket="src", Key="k")
    faults(s3sim, {"action": "skewed_clock"})
    fails(src.get_object, "RequestTimeTooSkewed", 403, Bucket="src", Key="k")


def test_slowdown_above_a_rate(s3sim, src):
    faults(s3sim, {"action": "slowdown_rps", "rps": 5, "operation": "HeadObject"})
    codes = []
    for _ in range(12):
        try:
            src.head_object(Bucket="src", Key="k")
            codes.append(200)
        except ClientError as e:
            codes.append(e.response["ResponseMetadata"]["HTTPStatusCode"])
    assert codes[:5] == [200] * 5 and 503 in codes


@pytest.mark.parametrize("keep_alive", [False, True])
@pytest.mark.parametrize("name", ["copy_object", "upload_part_copy", "complete_multipart_upload", "delete_objects"])
def test_error_inside_200(s3sim, src, name, keep_alive):
    upload = src.create_multipart_upload(Bucket="src", Key="m")["UploadId"]
    part = src.upload_part(Bucket="src", Key="m", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    arguments = {
        "copy_object": dict(Key="c", CopySource="src/k"),
        "upload_part_copy": dict(Key="m", CopySource="src/k", UploadId=upload, PartNumber=2),
        "complete_multipart_upload": dict(Key="m", UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]}),
        "delete_objects": dict(Delete={"Objects": [{"Key": "k"}]}),
    }[name]
    faults(s3sim, {"action": "error_in_200", "keep_alive": keep_alive, "code": "InternalError"})
    try:
        getattr(src, name)(Bucket="src", **arguments)
    except ClientError as e:
        assert e.response["Error"]["Code"] in ("InternalError", "500")
    last = s3sim.control("GET", "/_s3sim/requests?last=1")[0]
    assert (last["status"], last["code"]) == (200, "InternalError")
    s3sim.control("DELETE", "/_s3sim/faults")
    assert [o["Key"] for o in src.list_objects_v2(Bucket="src")["Contents"]] == ["k"]  # nothing was done


def test_truncated_body(s3sim, src):
    src.put_object(Bucket="src", Key="large", Body=b"x" * 100000)
    faults(s3sim, {"operation": "GetObject", "action": "truncate", "bytes": 1000},
           {"operation": "ListObjectsV2", "action": "truncate"})
    with pytest.raises((IncompleteReadError, ResponseStreamingError, *BROKEN)):
        src.get_object(Bucket="src", Key="large")["Body"].read()
    with pytest.raises(UNREADABLE):
        src.list_objects_v2(Bucket="src")


def test_reset_does_nothing_and_lost_answer_does_all(s3sim, src):
    faults(s3sim, {"action": "reset", "operation": "PutObject"})
    with pytest.raises(BROKEN):
        src.put_object(Bucket="src", Key="new", Body=b"")
    faults(s3sim, {"action": "lost_answer", "operation": "CopyObject"})
    with pytest.raises(BROKEN):
        src.copy_object(Bucket="src", Key="c", CopySource="src/k")
    assert [o["Key"] for o in src.list_objects_v2(Bucket="src")["Contents"]] == ["c", "k"]


def test_stall(s3sim, src):
    faults(s3sim, {"action": "stall", "ms": 5000, "count": 1})
    quick = s3sim.client("SRCOWNER", "srcownersecret", read_timeout=0.3)
    with pytest.raises(ReadTimeoutError):
        quick.get_object(Bucket="src", Key="k")
    quick.get_object(Bucket="src", Key="k")


def test_bodies_that_are_not_answers(s3sim, src):
    for n in range(40):
        src.put_object(Bucket="src", Key=f"k{n}", Body=b"")
    faults(s3sim, {"action": "garble", "operation": "ListObjectsV2"})
    with pytest.raises(UNREADABLE):
        src.list_objects_v2(Bucket="src")
    faults(s3sim, {"action": "empty_body"})
    assert "Contents" not in src.list_objects_v2(Bucket="src")
    try:
        assert "ETag" not in src.copy_object(Bucket="src", Key="c", CopySource="src/k").get("CopyObjectResult", {})
    except ClientError:
        pass  # newer botocore takes an empty body of a copy for an error
    faults(s3sim, {"action": "wrong_root"})
    assert "Contents" not in src.list_objects_v2(Bucket="src")


def test_object_changes_or_goes_between_list_and_copy(s3sim, src):
    etag = src.list_objects_v2(Bucket="src")["Contents"][0]["ETag"]
    copy = dict(Bucket="src", Key="c", CopySource="src/k", CopySourceIfMatch=etag)
    faults(s3sim, {"action": "mutate_overwrite", "operation": "CopyObject", "count": 1})
    fails(src.copy_object, "PreconditionFailed", 412, **copy)
    assert src.get_object(Bucket="src", Key="k")["Body"].read().startswith(b"overwritten")
    faults(s3sim, {"action": "mutate_delete", "operation": "CopyObject", "count": 1})
    fails(src.copy_object, "NoSuchKey", 404, **copy)


def test_listing_faults(s3sim, src):
    for n in range(9):
        src.put_object(Bucket="src", Key=f"k{n}", Body=b"")
    keys = ["k"] + [f"k{n}" for n in range(9)]

    def pages():
        return [[o["Key"] for o in p.get("Contents", [])] for p in src.get_paginator("list_objects_v2").paginate(
            Bucket="src", PaginationConfig={"PageSize": 4})]

    whole = [keys[:4], keys[4:8], keys[8:]]
    assert pages() == whole
    faults(s3sim, {"operation": "ListObjectsV2", "skip": 1, "action": "error", "status": 403, "code": "AccessDenied"})
    fails(pages, "AccessDenied", 403)
    faults(s3sim, {"operation": "ListObjectsV2", "skip": 1, "count": 1, "action": "list_end_early"})
    assert pages() == whole[:2]
    faults(s3sim, {"operation": "ListObjectsV2", "skip": 1, "count": 1, "action": "list_empty_page"})
    assert pages() == [keys[:4], [], keys[4:8], keys[8:]]
    faults(s3sim, {"operation": "ListObjectsV2", "action": "list_repeat"})
    assert [o["Key"] for o in src.list_objects_v2(Bucket="src", StartAfter="k5", MaxKeys=4)["Contents"]] == keys[:4]
    faults(s3sim, {"operation": "ListObjectsV2", "count": 1, "action": "list_disorder"})
    assert pages()[0] == ["k0", "k", "k1", "k2"]


def test_redirect(s3sim, src):
    faults(s3sim, {"action": "redirect", "region": "eu-central-1"})
    link = http.client.HTTPConnection(s3sim.url.split("//")[1])
    link.request("GET", "/src/k")
    answer = link.getresponse()
    assert answer.status == 301 and answer.headers["x-amz-bucket-region"] == "eu-central-1"


def test_trickle(s3sim, src):
    faults(s3sim, {"action": "trickle", "operation": "CopyObject", "ms": 1000})
    before = time.monotonic()
    got = src.copy_object(Bucket="src", Key="c", CopySource="src/k")
    assert got["CopyObjectResult"]["ETag"] and time.monotonic() - before > 0.9


def test_rules_are_checked(s3sim):
    for bad in ([{"action": "explode"}], [{"action": "error", "colour": 1}],
                {"rules": 1}, [{"action": "slowdown_rps"}]):
        with pytest.raises(AssertionError):
            s3sim.control("POST", "/_s3sim/faults", bad)


# latency, counters

def test_latency_holds_no_thread(s3sim, src):
    """48 requests of 300 ms over a handful of threads take little more than 300 ms."""
    s3sim.control("POST", "/_s3sim/latency", {"ms": 300, "operations": ["HeadObject"]})
    s3sim.control("POST", "/_s3sim/counters/reset")
    wide = s3sim.client("SRCOWNER", "srcownersecret", max_pool_connections=48)
    threads = [threading.Thread(target=wide.head_object, kwargs=dict(Bucket="src", Key="k")) for _ in range(48)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    seen = s3sim.control("GET", "/_s3sim/counters")
    assert seen["operations"] == {"HeadObject": 48} and seen["peak_concurrency"] > 16
    assert 16 < seen["connections"]["used"] <= 48


def test_counters_and_journal(s3sim, src):
    s3sim.control("POST", "/_s3sim/counters/reset")
    src.put_object(Bucket="src", Key="a/ü +", Body=b"12345", Metadata={"m": "1"})
    fails(src.get_object, "NoSuchKey", Bucket="src", Key="none")
    seen = s3sim.control("GET", "/_s3sim/counters")
    assert seen["operations"] == {"PutObject": 1, "GetObject": 1} and seen["statuses"] == {"200": 1, "404": 1}
    assert seen["failed"] == {"GetObject": 1} and seen["bytes_in"] == 5 and seen["connections"]["open"] >= 1
    put, get = s3sim.control("GET", "/_s3sim/requests?last=2")
    assert put["target"] == "/src/a/%C3%BC%20%2B" and put["key"] == "a/ü +" and put["headers"]["x-amz-meta-m"] == "1"
    assert put["headers"]["authorization"] == "(not kept)" and put["caller"] == "owner"
    assert (get["operation"], get["status"], get["code"]) == ("GetObject", 404, "NoSuchKey")


def test_control_says_what_is_wrong(s3sim):
    for path, body in (
    ("bucket", {}), ("synthetic", {
        "bucket": "bbb"}), ("roles", {
            "name": "x"}), ("clock", {}), ("nothing", {}), ("limits", {
                "x": 1}), ("latency", {
                    "ms": -1})):
        with pytest.raises(AssertionError, match="error"):
            s3sim.control("POST", "/_s3sim/" + path, body)


# synthetic buckets

SHAPES = ["flat-number", "uuid", "date", "base62", "hex", "prefixes", "long-prefix"]


@pytest.mark.parametrize("shape", SHAPES)
def test_synthetic_keys_are_ordered_and_readable(s3sim, owner, shape):
    synthetic(s3sim, count=2500, shape=shape, size=[0, 3000], age_days=[1, 700])
    pages = list(owner.get_paginator("list_objects_v2").paginate(Bucket="big"))
    objects = [o for p in pages for o in p["Contents"]]
    keys = [o["Key"] for o in objects]
    assert len(set(keys)) == 2500 and keys == sorted(keys, key=str.encode) and len(pages) == 3
    for o in objects[::400] + objects[-1:]:
        got = owner.get_object(Bucket="big", Key=o["Key"])
        body = got["Body"].read()
        assert len(body) == o["Size"] and got["ETag"] == o["ETag"] and got["LastModified"] == o["LastModified"]
        assert hashlib.md5(body).hexdigest() == o["ETag"].strip('"')
        after = owner.list_objects_v2(Bucket="big", StartAfter=o["Key"], MaxKeys=1).get("Contents", [])
        assert [a["Key"] for a in after] == keys[keys.index(o["Key"]) + 1:][:1]
    fails(owner.get_object, "NoSuchKey", Bucket="big", Key=keys[7] + "x")


def test_ten_million(s3sim, owner):
    for shape in SHAPES:
        synthetic(s3sim, count=10_000_000, shape=shape)
        first = owner.list_objects_v2(Bucket="big")
        assert first["KeyCount"] == 1000 and first["IsTruncated"]
    synthetic(s3sim, count=10_000_000, shape="prefixes")
    page = owner.list_objects_v2(Bucket="big", Delimiter="/")
    assert [p["Prefix"] for p in page["CommonPrefixes"][:2]] == [
        "dir-0000000/", "dir-0000001/"] and page["KeyCount"] == 1000
    assert len(owner.list_objects_v2(Bucket="big", Prefix="dir-0009999/")["Contents"]) == 1000


def test_generations_change_and_delete_a_share(s3sim, owner):
    def listed():
        return {
    o["Key"]: (
        o["ETag"],
        o["LastModified"]) for p in owner.get_paginator("list_objects_v2").paginate(
            Bucket="big") for o in p.get(
                "Contents",
                 [])}

    synthetic(s3sim, count=5000, shape="hex")
    before = listed()
    synthetic(s3sim, generation=2, changed_share=0.1, deleted_share=0.05)
    after = listed()
    changed = [k for k in after if after[k] != before[k]]
    assert set(after) < set(before) and 150 < len(before) - len(after) < 350 and 350 < len(changed) < 650
    assert all(after[k][0] != before[k][0] and after[k][1] > before[k][1] for k in changed)


def test_synthetic_objects_can_be_written_over(s3sim, owner):
    synthetic(s3sim, count=100, shape="flat-number")
    owner.delete_object(Bucket="big", Key="0000000003")
    owner.put_object(Bucket="big", Key="0000000005", Body=b"mine")
    owner.put_object(Bucket="big", Key="0000000005a", Body=b"new")
    keys = [o["Key"] for o in owner.list_objects_v2(Bucket="big")["Contents"]]
    assert len(keys) == 100 and "0000000003" not in keys and keys[5] == "0000000005a"
    assert owner.get_object(Bucket="big", Key="0000000005")["Body"].read() == b"mine"
    fails(owner.head_object, "404", Bucket="big", Key="0000000003")


def test_large_synthetic_object_copies_in_parts_with_one_etag(s3sim, owner):
    synthetic(s3sim, count=3, shape="flat-number", size=6 * GIB)
    owner.create_bucket(Bucket="vault")
    fails(owner.copy_object, "InvalidRequest", 400, Bucket="vault", Key="c", CopySource="big/0000000001")

    def in_parts(source, key):
        etag = owner.head_object(Bucket=source.split("/")[0], Key=source.split("/")[1])["ETag"]
        upload = owner.create_multipart_upload(Bucket="vault", Key=key)["UploadId"]
        at = dict(Bucket="vault", Key=key, UploadId=upload)
        parts = []
        for n in range(6):
            got = owner.upload_part_copy(**at, PartNumber=n + 1, CopySource=source, CopySourceIfMatch=etag,
                                         CopySourceRange=f"bytes={n * GIB}-{(n + 1) * GIB - 1}")
            parts.append({"PartNumber": n + 1, "ETag": got["CopyPartResult"]["ETag"]})
        return owner.complete_multipart_upload(**at, MultipartUpload={"Parts": parts})["ETag"]

    etag = in_parts("big/0000000001", "one")
    assert etag.endswith('-6"') and in_parts("vault/one", "two") == etag
    a = owner.get_object(Bucket="big", Key="0000000001", Range="bytes=5368709120-5368709135")["Body"].read()
    assert owner.get_object(Bucket="vault", Key="two", Range="bytes=5368709120-5368709135")["Body"].read() == a


def test_metadata_only_bucket_keeps_all_but_the_bytes(s3sim, src):
    s3sim.control("POST", "/_s3sim/bucket", {"name": "vault", "metadata_only": True, "versioning": "Enabled"})
    src.put_object(Bucket="src", Key="k", Body=b"value", Metadata={"m": "1"}, Tagging="t=1")
    src.copy_object(Bucket="vault", Key="c", CopySource="src/k")
    head = src.head_object(Bucket="vault", Key="c")
    assert head["ETag"] == src.head_object(Bucket="src", Key="k")[
                                           "ETag"] and head["ContentLength"] == 5 and head["Metadata"] == {"m": "1"}
    assert len(src.get_object(Bucket="vault", Key="c")["Body"].read()) == 5


def test_sixty_four_connections_at_once(s3sim, src):
    s3sim.control("POST", "/_s3sim/bucket", {"name": "vault", "metadata_only": True, "versioning": "Enabled"})
    synthetic(s3sim, count=100000, shape="uuid")
    keys = [o["Key"] for o in src.list_objects_v2(Bucket="big")["Contents"]]
    wide = s3sim.client("SRCOWNER", "srcownersecret", max_pool_connections=64)
    wrong = []

    def work(n):
        try:
            for key in keys[n * 8:n * 8 + 8]:
                wide.copy_object(Bucket="vault", Key=key, CopySource="big/" + key)
                wide.put_object(Bucket="src", Key="shared", Body=key.encode())
                wide.get_object(Bucket="src", Key="shared")["Body"].read()
                wide.list_objects_v2(Bucket="vault", MaxKeys=10)
                if n % 8 == 0:
                    wide.delete_object(Bucket="src", Key="shared")
        except ClientError as e:
            if e.response["Error"]["Code"] != "NoSuchKey":
                wrong.append(e)
        except Exception as e:
            wrong.append(e)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(64)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_half_a_request_and_rubbish_do_no_harm(s3sim, src):
    port = int(s3sim.url.rsplit(":", 1)[1])
    for text in (
    b"",
    b"GET",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x00\xff\r\n\r\n",
    b"PUT /src/k HTTP/1.1\r\nContent-Length: 99\r\n\r\nabc",
    b"GET /?" + b"a&" * 500 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 Credential=/, SignedHeaders=;, Signature=\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nx-amz-date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 "
    b"Credential=SRCOWNER/2/us/s3/aws4_request, SignedHeaders=host, Signature=x\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port)) as link:
            link.sendall(text)
            link.settimeout(0.1)
            try:
                link.recv(1000)
            except (TimeoutError, ConnectionError):
                pass
    src.get_object(Bucket="src", Key="k")
