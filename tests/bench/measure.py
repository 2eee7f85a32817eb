"""What a run costs: CPU of the whole process, requests, connections, memory, the manifest's size. Prints one line a
measurement. Ratios between lines of one call mean something; figures of different machines do not."""
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from servers.s3sim import S3sim  # noqa: E402

OBJECTS = int(os.environ.get("BENCH_OBJECTS", "1000000"))
COPIES = int(os.environ.get("BENCH_COPIES", "200000"))
SOURCE, VAULT = "bench-source", "bench-vault"
KEYS = {"AWS_ACCESS_KEY_ID": "VAULTOWNER", "AWS_SECRET_ACCESS_KEY": "vaultownersecret",
    "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "us-east-1"}


class Bench:
    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.server = S3sim(build, folder, ("--threads", "1"))
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **KEYS,
            "AWS_CA_BUNDLE": str(self.server.ca)}

    def fill(self, count, shape="flat-number", **more):
        self.server.control("POST", "/_s3sim/reset")
        self.server.control("POST", "/_s3sim/bucket",
            {"name": VAULT, "account": "444455556666", "versioning": "Enabled"})
        self.server.control("POST", "/_s3sim/synthetic", {"bucket": SOURCE, "account": "111122223333", "count": count,
            "shape": shape, "size": 1000, "age_days": 30, **more})
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"},
            "Action": ["s3:Get*", "s3:List*"], "Resource": [f"arn:aws:s3:::{SOURCE}", f"arn:aws:s3:::{SOURCE}/*"]}]}
        self.server.client("SRCOWNER", "srcownersecret").put_bucket_policy(Bucket=SOURCE, Policy=json.dumps(policy))
        shutil.rmtree(self.folder / "state", ignore_errors=True)

    def change(self, share):
        self.server.control("POST", "/_s3sim/synthetic", {"bucket": SOURCE, "generation": 1, "changed_share": share})

    def latency(self, milliseconds):
        self.server.control("POST", "/_s3sim/latency", {"ms": milliseconds})

    def measure(self, name, count, *arguments, tls=False):
        url = self.server.tls_url if tls else self.server.url
        side = {"endpoint": url, "path_style": True, "region": "us-east-1"}
        config = {"vault": {"bucket": VAULT, **side}, "limits": {"workers": 64}, "policies": {"p": {}},
            "sources": [{**side, "select": {"buckets": [SOURCE]}, "policy": "p"}]}
        path = self.folder / "config.json"
        path.write_text(json.dumps(config))
        command = [self.build / "vaultferry", "-q", "-c", path, "--state-dir", self.folder / "state", *arguments]
        return self.timed(name, count, command)

    def timed(self, name, count, command):
        self.server.control("POST", "/_s3sim/counters/reset")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        environment = dict(self.environment)
        if command[0] == "rclone":
            del environment["AWS_CA_BUNDLE"]  # which it cannot take
        child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        anonymous = self.watch(child)
        error = child.stderr.read().decode(errors="replace")
        seconds = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        counters = self.server.control("GET", "/_s3sim/counters")
        requests = {name: n for name, n in counters["operations"].items() if n > 20}
        print(
    f"{name:44s} {seconds:7.2f} s, CPU {cpu * 1e6 / count:7.2f} us an object, anonymous {anonymous:5.1f} MiB, "
    f"connections {counters['connections']['used']}, {requests}", flush=True)
        if child.returncode != 0:
            raise SystemExit(f"{name}: exit {child.returncode}: {error[-2000:]}")

    def floor(self, name, count, tls=False):
        """A bare loop of libcurl that signs and sends the same copies: what is above it is the program's own."""
        url = self.server.tls_url if tls else self.server.url
        self.timed(f"bare loop, {name}", count,
            [self.build / "tools" / "s3_copy_floor", url, VAULT, SOURCE, "64", str(count)])

    @staticmethod
    def watch(child):
        """The most anonymous memory that was seen, in MiB."""
        most = 0
        while child.poll() is None:
            try:
                for line in pathlib.Path(f"/proc/{child.pid}/status").read_text().splitlines():
                    if line.startswith("RssAnon:"):
                        most = max(most, int(line.split()[1]) / 1024)
            except OSError:
                break
            time.sleep(0.05)
        child.wait()
        return most

    def manifest(self):
        size = (self.folder / "state" / SOURCE / "manifest.mdb").stat().st_size
        print(f"manifest: {size / 2**20:.1f} MiB", flush=True)

    def rclone(self):
        if shutil.which("rclone") is None:
            print("rclone: not installed, not measured")
            return
        remote = (":s3,provider=Other,env_auth=true,region=us-east-1,force_path_style=true,"
            f'endpoint="{self.server.url}":')
        self.timed("rclone size, the same listing, one side", OBJECTS,
            ["rclone", "size", "--fast-list", remote + SOURCE])
        self.timed("rclone copy --size-only --dry-run, unchanged", OBJECTS, ["rclone", "copy", "--dry-run",
            "--size-only", "--fast-list", "--log-level", "ERROR", remote + SOURCE, f"{remote}{VAULT}/data/{SOURCE}"])


def main():
    build = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory(dir=build) as folder:
        bench = Bench(build, pathlib.Path(folder))
        try:
            bench.fill(COPIES)
            bench.measure(f"first run, {COPIES} copies", COPIES, "run")
            bench.floor(f"{COPIES} copies", COPIES)
            bench.fill(COPIES)
            bench.measure(f"first run, {COPIES} copies, TLS", COPIES, "run", tls=True)
            bench.floor(f"{COPIES} copies, TLS", COPIES, tls=True)
            bench.fill(COPIES // 4)
            bench.latency(30)
            bench.measure(f"first run, {COPIES // 4} copies, 30 ms", COPIES // 4, "run")
            bench.floor(f"{COPIES // 4} copies, 30 ms", COPIES // 4)
            bench.fill(OBJECTS)
            bench.measure("cold listing (plan), 30 ms", OBJECTS, "plan")
            bench.latency(0)
            bench.measure("first run", OBJECTS, "run")
            bench.manifest()
            bench.measure("unchanged", OBJECTS, "run")
            bench.measure("unchanged, TLS", OBJECTS, "run", tls=True)
            bench.change(0.01)
            bench.measure("1 % changed", OBJECTS, "run")
            bench.manifest()
            bench.rclone()
        finally:
            bench.server.stop()


if __name__ == "__main__":
    main()
