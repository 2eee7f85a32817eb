"""What a thief of the writer's role may lay into the chain of points, and what a prune makes of it. Judged by boto3."""
import hashlib
import json

import pytest
import zstandard
from test_prune import DAY, Pruned

pytestmark = pytest.mark.s3sim
LEFT_OUT = ("k001", "k002")


def compact(document):
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


class Forged(Pruned):
    def full_file(self, point, lines):
        """As a run would write it."""
        head = {"format": 1, "kind": "full", "source": self.buckets[-1], "point": point, "number": 1}
        text = b"".join(compact(line) for line in [head, *lines])
        text += compact({"lines": len(lines), "sha256": hashlib.sha256(text).hexdigest()})
        return zstandard.ZstdCompressor(level=1).compress(text)

    def lay_full(self, before, left_out):
        """A point that follows, with a full file from which some objects are left out; the versions of these."""
        bucket, point = self.buckets[-1], self.id_after(before, 3600)
        view = self.vault.points(bucket)[-1].view
        lines = [view[key] | {"did": "is"} for key in sorted(view, key=str.encode) if key not in left_out]
        full, text = self.full_file(point, lines), self.vault.read(f"points/{bucket}/{before}/point.json")
        path, time = f"points/{bucket}/{point}/full-0001.ndjson.zst", f"{point[:4]}-{point[4:6]}-{point[6:11]}"
        time += f":{point[11:13]}:{point[13:15]}Z"
        self.clock(self.today * DAY + 3600)
        self.owner.put_object(Bucket=self.vault_bucket, Key=path, Body=full)
        self.lay(json.loads(text) | {"point": point, "started": time, "finished": time,
            "files": [{"name": "full-0001.ndjson.zst", "lines": len(lines), "bytes": len(full),
                "sha256": hashlib.sha256(full).hexdigest()}],
            "predecessor": {"point": before, "sha256": hashlib.sha256(text).hexdigest()}}, point)
        return {view[key]["vault"] for key in left_out}


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Forged(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


@pytest.mark.parametrize("on_top", ["the object", "a marker"])
def test_a_full_file_that_somebody_laid_there_ends_nothing_that_it_leaves_out(sim, on_top):
    """Where the chain begins with it, no log tells any more of what came before. With a marker on top, the times alone
    say that no kept point needs it."""
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 3)
    for key in LEFT_OUT if on_top == "a marker" else ():
        sim.owner.delete_object(Bucket=sim.vault_bucket, Key=f"data/{bucket}/{key}")
    needed = sim.lay_full(points[-1], LEFT_OUT)
    for day in range(3, 7):
        sim.days(bucket, 1, first=day)
        result = sim.cli("--json", "prune")
        assert result.returncode == 0 and result.json["sources"][0]["point_files"] == 0
        assert needed <= sim.left()
    assert [event for event in result.events if event["event"] == "full-differs"]


def test_a_full_file_that_says_what_the_logs_say_begins_the_chain(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    sim.put(bucket, "long/" + "k" * 1015)
    points = sim.days(bucket, 3)
    sim.lay_full(points[-1], ())
    points = sim.days(bucket, 3, first=3)
    assert sim.prune()["sources"][0]["point_files"] > 0
    assert sim.vault.versions(f"prune/{bucket}/")
    assert sim.prune()["versions"] == 0
    sim.check(*points[-2:])
