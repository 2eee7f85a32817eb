"""Connections, certificates, proxies, addresses and peers that misbehave below S3: what s3/ makes of them."""
import contextlib
import socket
import ssl
import threading
import time
import uuid

import pytest
from ops import Driver, bench, run_lines
from servers.certificates import make_certificates, openssl
from servers.process import is_sanitized

MIB_20 = 20 * 1024  # in KiB


@pytest.fixture
def bucket(s3sim):
    name = f"wire-{uuid.uuid4().hex[:10]}"
    client = s3sim.client(*s3sim.source_owner)
    client.create_bucket(Bucket=name)
    client.put_object(Bucket=name, Key="k", Body=b"value")
    return name


@pytest.fixture
def drive(s3sim, build_dir):
    """drive(tls=True, environment={...}, endpoint=...) starts a driver on s3sim."""
    made = []

    def start(**options):
        made.append(Driver(build_dir, s3sim, s3sim.source_owner, **options))
        return made[-1]

    yield start
    for driver in made:
        driver.close()


class Peer:
    """A TCP server on loopback that does to each connection what `serve(connection)` does."""

    def __init__(self, serve, context=None):
        self.serve = serve
        self.context = context
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.accepted = 0
        self.open = []
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.accepted += 1
            self.open.append(connection)
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection):
        with contextlib.suppress(OSError):
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
                self.open.append(connection)
            self.serve(connection)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        for connection in [self.socket, *self.open]:
            connection.close()
        self.thread.join(5)


@contextlib.contextmanager
def peer(serve, context=None):
    made = Peer(serve, context)
    try:
        yield made
    finally:
        made.close()


def read_head(connection):
    """A request up to its empty line; empty where the peer left."""
    text = b""
    while b"\r\n\r\n" not in text:
        more = connection.recv(65536)
        if not more:
            return b""
        text += more
    return text


def answering(answer, seen=None):
    """Gives each request the same bytes, then ends the connection."""
    def serve(connection):
        head = read_head(connection)
        if seen is not None and head:
            seen.append(head)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65536)
        connection.close()
    return serve


# ---- connections

@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
def test_one_thread_needs_one_connection(s3sim, drive, bucket, tls):
    driver = drive(tls=tls)
    s3sim.control("POST", "/_s3sim/counters/reset")
    for number in range(30):
        driver.ok("PutObject", bucket=bucket, key=f"k{number}", body=b"x" * 3000)
        driver.ok("HeadObject", bucket=bucket, key=f"k{number}")
        driver.call("HeadObject", bucket=bucket, key="none")
        driver.ok("GetObject", bucket=bucket, key=f"k{number}")
        last = driver.ok("ListObjectsV2", bucket=bucket, max_keys=5)
    assert last.connections == 1
    assert s3sim.control("GET", "/_s3sim/counters")["connections"]["used"] == 1


def test_threads_need_one_connection_each(s3sim, build_dir, bucket):
    s3sim.control("POST", "/_s3sim/counters/reset")
    lines = [("HeadObject", {"bucket": bucket, "key": "k"})] * 400
    answers = run_lines(build_dir, s3sim, s3sim.source_owner, 8, lines)
    assert {answer.status for answer in answers} == {"OK"}
    assert s3sim.control("GET", "/_s3sim/counters")["connections"]["used"] <= 8


def test_a_connection_that_the_server_closed_is_opened_again(drive):
    """Even though the close is only seen when the next request is under way."""
    body = b"<LocationConstraint/>"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with peer(answering(answer)) as server:
        driver = drive(endpoint=f"http://127.0.0.1:{server.port}")
        for _ in range(5):
            driver.ok("GetBucketLocation", bucket="bbb")
        assert server.accepted == 5


@pytest.mark.parametrize("key, path", [("a/../b", "a/../b"), ("..", ".."), ("//x", "//x"), ("./.", "./."), ("a b",
    "a%20b"),
    ("%2F", "%252F"), ("+", "%2B"), ("\u00e9", "%C3%A9"), ("a?b#c", "a%3Fb%23c"), ("~-_.", "~-_.")])
def test_the_path_goes_out_as_it_is(s3sim, drive, bucket, key, path):
    drive().ok("PutObject", bucket=bucket, key=key, body=b"")
    seen = s3sim.control("GET", "/_s3sim/requests?last=1")[0]
    assert (seen["target"], seen["key"]) == (f"/{bucket}/{path}", key)


def test_no_header_is_sent_that_was_not_asked_for(s3sim, drive, bucket):
    drive().ok("PutObject", bucket=bucket, key="h", body=b"x" * 2000)
    names = set(s3sim.control("GET", "/_s3sim/requests?last=1")[0]["headers"])
    assert names == {"host", "user-agent", "content-length", "authorization", "x-amz-date", "x-amz-content-sha256"}


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
def test_64_connections_are_small(s3sim, build_dir, tls):
    client = s3sim.client(*s3sim.source_owner)
    name = f"wire-{uuid.uuid4().hex[:10]}"
    client.create_bucket(Bucket=name)
    client.put_object(Bucket=name, Key="source", Body=b"value")
    found = bench(build_dir, s3sim, s3sim.source_owner, tls=tls, bench="head", bucket=name, count=1280, threads=64)
    assert (found["done"], found["failed"]) == (1280, 0)
    assert found["connections"] <= 64
    print(f"{found['anonymous_kib']} KiB of anonymous memory")
    assert is_sanitized(build_dir / "ops_driver") or found["anonymous_kib"] < MIB_20


# ---- certificates

def refused(answer, code):
    assert (answer.status, answer.error["code"], answer.attempts) == ("FATAL", code, 1), answer
    assert answer.error["message"]


def test_the_ca_bundle_may_come_from_the_environment(s3sim, drive, bucket):
    driver = drive(tls=True, ca=None, environment={"AWS_CA_BUNDLE": s3sim.ca})
    assert driver.ok("GetObject", bucket=bucket, key="k")["body"] == b"value"


def test_an_unknown_ca_is_refused_at_once(s3sim, drive, tmp_path):
    refused(drive(tls=True, ca=None).call("ListBuckets"), "NotTrusted")
    other, _, _ = make_certificates(tmp_path)
    refused(drive(tls=True, ca=other).call("ListBuckets"), "NotTrusted")


def test_a_certificate_for_another_name_is_refused_at_once(drive, tmp_path):
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(tmp_path, "req", "-x509", *key, "-keyout", "k.pem", "-out", "c.pem", "-days", "3", "-subj",
        "/CN=127.0.0.1", "-addext", "subjectAltName=DNS:elsewhere.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "c.pem", tmp_path / "k.pem")
    seen = []
    with peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", seen), context) as server:
        driver = drive(endpoint=f"https://127.0.0.1:{server.port}", ca=tmp_path / "c.pem")
        answer = driver.call("ListBuckets")
    refused(answer, "NotTrusted")
    assert "127.0.0.1" in answer.error["message"] and not seen


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2,
    ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_is_the_least(drive, tmp_path, version):
    ca, certificate, key = make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(certificate, key)
    context.minimum_version = context.maximum_version = version
    seen = []
    body = b"<LocationConstraint/>"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with peer(answering(answer, seen), context) as server:
        found = drive(endpoint=f"https://127.0.0.1:{server.port}", ca=ca).call("GetBucketLocation", bucket="bbb")
    old = version < ssl.TLSVersion.TLSv1_2
    assert (found.status == "OK", bool(seen)) == (not old, not old), found


@pytest.mark.parametrize("content", [None, b"", b"no certificate\n", b"-----BEGIN CERTIFICATE-----\nAAAA\n", "folder"],
    ids=["missing", "empty", "no PEM", "cut off", "folder"])
def test_a_ca_file_that_is_none_is_named(drive, tmp_path, content):
    path = tmp_path / "the ca.pem"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    answer = drive(tls=True, ca=path).refusal()
    assert answer.status == "FATAL" and str(path) in answer.error["message"]


# ---- proxies

class Proxy(Peer):
    """Forwards, and tunnels with CONNECT; remembers the request lines."""

    def __init__(self, answer=None):
        self.lines = []
        self.answer = answer
        super().__init__(self._proxy)

    def _proxy(self, connection):
        head = read_head(connection)
        if not head:
            return
        line, rest = head.split(b"\r\n", 1)
        self.lines.append(line.decode())
        if self.answer:
            connection.sendall(self.answer)
            connection.close()
            return
        method, target, _ = line.split(b" ")
        if method == b"CONNECT":
            host, port = target.rsplit(b":", 1)
            upstream = socket.create_connection((host.decode(), int(port)))
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            host, path = target.split(b"//", 1)[1].split(b"/", 1)
            upstream = socket.create_connection((host.split(b":")[0].decode(), int(host.split(b":")[1])))
            upstream.sendall(method + b" /" + path + b" HTTP/1.1\r\n" + rest)
        self.open.append(upstream)
        back = threading.Thread(target=shift, args=(upstream, connection), daemon=True)
        back.start()
        shift(connection, upstream)


def shift(source, sink):
    with contextlib.suppress(OSError):
        while True:
            more = source.recv(65536)
            if not more:
                break
            sink.sendall(more)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy():
    made = Proxy()
    yield made
    made.close()


def test_https_goes_through_the_proxy(s3sim, drive, bucket, proxy):
    driver = drive(tls=True, environment={"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"})
    for _ in range(3):
        assert driver.ok("GetObject", bucket=bucket, key="k")["body"] == b"value"
    assert proxy.lines == [f"CONNECT 127.0.0.1:{s3sim.ports['tls_port']} HTTP/1.1"]


def test_http_goes_through_the_proxy_with_its_odd_keys(s3sim, drive, bucket, proxy):
    driver = drive(environment={"http_proxy": f"http://127.0.0.1:{proxy.port}"})
    driver.ok("PutObject", bucket=bucket, key="a/../b //c?%2F", body=b"odd")
    assert proxy.lines == [f"PUT {s3sim.url}/{bucket}/a/../b%20//c%3F%252F HTTP/1.1"]
    assert s3sim.client(*s3sim.source_owner).get_object(Bucket=bucket, Key="a/../b //c?%2F")["Body"].read() == b"odd"


@pytest.mark.parametrize("exception", ["127.0.0.1", "localhost,127.0.0.1", "*"])
def test_no_proxy_is_respected(drive, bucket, proxy, exception):
    driver = drive(tls=True, environment={"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": exception})
    driver.ok("GetObject", bucket=bucket, key="k")
    assert proxy.lines == []


@pytest.mark.parametrize("status", [b"403 Forbidden", b"407 Proxy Authentication Required", b"502 Bad Gateway"])
def test_a_proxy_that_refuses_is_an_error(drive, bucket, status):
    stubborn = Proxy(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
    driver = drive(tls=True, environment={"HTTPS_PROXY": f"http://127.0.0.1:{stubborn.port}"})
    answer = driver.call("GetObject", bucket=bucket, key="k")
    stubborn.close()
    assert answer.status == "RETRY" and status[:3].decode() in answer.error["message"], answer


def test_a_proxy_that_is_not_there_is_an_error(drive, bucket):
    with peer(None) as gone:
        port = gone.port
    answer = drive(tls=True, environment={"HTTPS_PROXY": f"http://127.0.0.1:{port}"}).call("HeadObject", bucket=bucket,
        key="k")
    assert (answer.status, answer.error["code"], answer.attempts) == ("RETRY", "NotConnected", 9)


# ---- peers

def test_a_server_that_is_not_there_is_tried_nine_times(drive):
    with peer(None) as gone:
        port = gone.port
    answer = drive(endpoint=f"http://127.0.0.1:{port}").call("ListBuckets")
    assert (answer.status, answer.error["code"], answer.attempts) == ("RETRY", "NotConnected", 9)
    assert str(port) in answer.error["message"]


def test_a_name_that_is_not_there_is_tried_nine_times(drive):
    answer = drive(endpoint="http://no-such-host.invalid").call("ListBuckets")
    assert (answer.status, answer.error["code"], answer.attempts) == ("RETRY", "NameNotResolved", 9)
    assert "no-such-host.invalid" in answer.error["message"]


@pytest.mark.parametrize("after", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<Loc"])
def test_a_peer_that_falls_silent_is_given_up(drive, after):
    """Within its head or its body. A minute is 0.3 s here."""
    ended = threading.Event()

    def serve(connection):
        read_head(connection)
        connection.sendall(after)
        ended.wait(30)

    began = time.monotonic()
    with peer(serve) as server:
        driver = drive(endpoint=f"http://127.0.0.1:{server.port}", speed=200, attempts=2)
        answer = driver.call("GetBucketLocation", bucket="bbb")
        ended.set()
    assert (answer.status, answer.error["code"], answer.attempts) == ("RETRY", "Timeout", 2), answer
    assert time.monotonic() - began < 15


def test_a_peer_that_is_slow_but_alive_is_waited_for(drive):
    """A byte every 0.2 s, which is 40 s: never a minute without one."""
    body = b"<LocationConstraint/>"

    def serve(connection):
        read_head(connection)
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n":
            connection.sendall(bytes([byte]))
        for byte in body:
            time.sleep(0.2)
            connection.sendall(bytes([byte]))

    with peer(serve) as server:
        answer = drive(endpoint=f"http://127.0.0.1:{server.port}", speed=200).call("GetBucketLocation", bucket="bbb")
    assert (answer.status, answer.attempts) == ("OK", 1)


def raw(status, headers=b"", body=b""):
    return b"HTTP/1.1 " + status + b"\r\n" + headers + b"\r\n" + body


DOCUMENT = b'<LocationConstraint xmlns="x">eu-west-1</LocationConstraint>'
SIZED = b"Content-Length: %d\r\n" % len(DOCUMENT)


@pytest.mark.parametrize("answer, wanted", [
    (raw(b"200 OK", SIZED, DOCUMENT), ("OK",)),
    (raw(b"100 Continue") + raw(b"200 OK", SIZED, DOCUMENT), ("OK",)),
    (raw(b"200 OK", b"Transfer-Encoding: chunked\r\n", b"%x\r\n" % len(DOCUMENT) + DOCUMENT + b"\r\n0\r\n\r\n"),
    ("OK",)),
    (raw(b"200 OK", b"", DOCUMENT), ("OK",)),  # ends with the connection
    (raw(b"200 OK", SIZED.lower(), DOCUMENT), ("OK",)),
    (raw(b"200 OK", b"", DOCUMENT[:-3]), ("BAD_DATA",)),
    (raw(b"200 OK", b"Content-Length: 900\r\n", DOCUMENT), ("RETRY",)),
    (raw(b"200 OK", b"Transfer-Encoding: chunked\r\n", b"%x\r\n" % len(DOCUMENT) + DOCUMENT), ("RETRY",)),
    (raw(b"200 OK", b"Transfer-Encoding: chunked\r\n", b"zz\r\n" + DOCUMENT), ("RETRY",)),
    (raw(b"200 OK", b"Content-Length: x\r\n", DOCUMENT), ("RETRY",)),
    (raw(b"200 OK", b"Content-Length: 3\r\n", DOCUMENT), ("BAD_DATA",)),
    (raw(b"200 OK", b"Content-Length: 0\r\n"), ("BAD_DATA",)),
    (raw(b"204 No Content"), ("BAD_DATA",)),
    (raw(b"206 Partial Content", SIZED, DOCUMENT[:-1] + b" "), ("BAD_DATA",)),
    (b"", ("RETRY",)), (b"\r\n\r\n", ("RETRY",)), (b"no HTTP at all\r\n\r\n", ("RETRY",)), (b"HTTP/1.1 200",
    ("RETRY",)),
    (b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"a" * 400000 + b"\r\n\r\n", ("RETRY", "BAD_DATA")),
    (b"HTTP/1.1 200 OK\r\n" + b"X-Many: a\r\n" * 60000 + b"\r\n", ("RETRY", "BAD_DATA")),
    (raw(b"302 Found", b"Location: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\n"), ("REFUSED", "REDIRECT")),
    (raw(b"307 Temporary Redirect", b"Location: http://127.0.0.1:1/\r\nContent-Length: 0\r\n"), ("REFUSED",
    "REDIRECT", "RETRY")),
    (raw(b"500 Oops", b"Content-Type: text/html\r\nContent-Length: 15\r\n", b"<html>no</html>"), ("RETRY",)),
    (raw(b"503 Busy", b"Content-Length: 4\r\n", b"busy"), ("RETRY", "THROTTLED")),
    (raw(b"403 Forbidden", b"Content-Length: 2\r\n", b"no"), ("DENIED",)),
    (raw(b"404 Not Found", b"Content-Length: 0\r\n"), ("NOT_FOUND",)),
    (raw(b"200 OK", b"Content-Encoding: gzip\r\n" + SIZED, DOCUMENT), ("OK", "BAD_DATA")),
])
def test_an_answer_is_whole_or_an_error(drive, answer, wanted):
    with peer(answering(answer)) as server:
        driver = drive(endpoint=f"http://127.0.0.1:{server.port}", attempts=2, speed=1000)
        found = driver.call("GetBucketLocation", bucket="bbb")
    assert found.status in wanted, found
    if found.status != "OK":
        assert found.error["message"] and found.error["operation"] == "GetBucketLocation"
        assert "\n" not in found.error["message"]


@pytest.mark.parametrize("status", [b"502 Bad Gateway", b"503 Busy", b"404 Not Found", b"200 OK"])
def test_the_time_of_an_answer_that_is_none_is_nobodys(drive, status):
    """Points are dated, and copies are locked, by the service's clock: not by that of a balancer in between."""
    seen = []

    def serve(connection):
        while head := read_head(connection):
            seen.append(head)
            first = raw(status, b"Date: Fri, 20 Nov 2099 03:00:00 GMT\r\nContent-Length: 2\r\n", b"no")
            connection.sendall(first if len(seen) == 1 else raw(b"200 OK", SIZED, DOCUMENT))

    with peer(serve) as server:
        driver = drive(endpoint=f"http://127.0.0.1:{server.port}", speed=1000)
        driver.call("GetBucketLocation", bucket="bbb")
        driver.ok("GetBucketLocation", bucket="bbb")
    assert len(seen) >= 2 and not any(b"x-amz-date: 2099" in head.lower() for head in seen)


@pytest.mark.parametrize("operation, more", [("HeadObject", {}), ("GetObject", {}), ("DeleteObject", {}),
    ("PutObject", {"body": b"x"})], ids=lambda value: value if isinstance(value, str) else "")
def test_an_answer_that_is_cut_within_its_header_is_none(drive, operation, more):
    """What stands behind the cut would be taken for absent: metadata, a version, a lock."""
    status = b"204 No Content" if operation == "DeleteObject" else b"200 OK"
    head = raw(status, b'Content-Length: 0\r\nETag: "e"\r\nx-amz-version-id: v\r\n'
        b"Last-Modified: Fri, 20 Nov 2026 03:00:00 GMT\r\nx-amz-meta-a: b\r\n")
    cuts = iter(range(len(head) + 1))

    def serve(connection):
        if read_head(connection):
            connection.sendall(head[:next(cuts)])
        connection.shutdown(socket.SHUT_RDWR)

    with peer(serve) as server:
        driver = drive(endpoint=f"http://127.0.0.1:{server.port}", attempts=1, speed=1000)
        found = [driver.call(operation, bucket="bbb", key="k", **more).status for _ in range(len(head) + 1)]
    whole = [cut for cut, status in enumerate(found) if status == "OK"]
    assert whole == [len(head)], whole


def test_a_head_without_a_length_is_no_answer(drive):
    with peer(answering(raw(b"200 OK", b'ETag: "e"\r\n'))) as server:
        found = drive(endpoint=f"http://127.0.0.1:{server.port}").call("HeadObject", bucket="bbb", key="k")
    assert found.status == "BAD_DATA"


def test_an_answer_without_an_etag_is_no_put(drive):
    with peer(answering(raw(b"200 OK", b"Content-Length: 0\r\n"))) as server:
        found = drive(endpoint=f"http://127.0.0.1:{server.port}").call("PutObject", bucket="bbb", key="k", body=b"x")
    assert found.status == "BAD_DATA"


def test_a_part_that_was_not_asked_for_is_no_object(drive):
    """A whole object where a range was wanted would be taken for the range."""
    whole = raw(b"200 OK", b'Content-Length: 10\r\nETag: "e"\r\n', b"0123456789")
    with peer(answering(whole)) as server:
        found = drive(endpoint=f"http://127.0.0.1:{server.port}", attempts=1).call("GetObject", bucket="bbb", key="k",
            range=[2, 4])
    assert found.status == "BAD_DATA", found


# ---- addresses

def test_a_bucket_is_a_host_where_it_can_be(s3sim, drive, bucket):
    driver = drive(endpoint=f"http://s3.localhost:{s3sim.ports['port']}", path_style=False)
    assert driver.ok("GetObject", bucket=bucket, key="k")["body"] == b"value"
    seen = s3sim.control("GET", "/_s3sim/requests?last=1")[0]
    assert (seen["target"], seen["headers"]["host"]) == ("/k", f"{bucket}.s3.localhost:{s3sim.ports['port']}")
    driver.ok("ListObjectsV2", bucket=bucket)
    driver.ok("ListBuckets")


@pytest.mark.parametrize("tls, host", [(False, "{}.s3.localhost:{}"), (True, "s3.localhost:{1}")], ids=["http", "tls"])
def test_a_name_with_dots_is_no_host_under_tls(s3sim, drive, tls, host):
    name = f"dots.in.{uuid.uuid4().hex[:8]}"
    s3sim.client(*s3sim.source_owner).create_bucket(Bucket=name)
    port = s3sim.ports["tls_port" if tls else "port"]
    scheme = "https" if tls else "http"
    driver = drive(tls=tls, endpoint=f"{scheme}://s3.localhost:{port}", path_style=False)
    driver.ok("PutObject", bucket=name, key="k", body=b"1")
    assert s3sim.control("GET", "/_s3sim/requests?last=1")[0]["headers"]["host"] == host.format(name, port)


def test_an_address_of_numbers_has_its_buckets_in_the_path(s3sim, drive, bucket):
    drive(path_style=False).ok("GetObject", bucket=bucket, key="k")
    assert s3sim.control("GET", "/_s3sim/requests?last=1")[0]["target"] == f"/{bucket}/k"


@pytest.mark.parametrize("endpoint", ["nonsense", "ftp://host", "http://", "https://user:secret@host",
    "http://host:99999",
    "http://host:abc", "http://host/path", "http://host?x=1", "http://host#f", "http://ho st", "http://[::1",
    "http://host:",
    "http:/host", "//host", "http://host\n"])
def test_a_malformed_endpoint_is_named_in_one_line(drive, endpoint):
    answer = drive(endpoint=endpoint).refusal()
    assert answer.status == "FATAL", answer
    named = endpoint.strip() in answer.error["message"] or "secret" in endpoint
    assert named and "secret" not in answer.error["message"] and "\n" not in answer.error["message"]


def test_a_malformed_region_is_named(drive):
    answer = drive(region="eu west!").refusal()
    assert answer.status == "FATAL" and "eu west!" in answer.error["message"]
