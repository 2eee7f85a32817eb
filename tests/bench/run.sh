#!/usr/bin/env bash
# Measures a backup run of a synthetic bucket on s3sim, server and client on one machine. Asserts nothing about time.
#   BENCH_OBJECTS (1000000)  objects of the unchanged pass and the cold listing
#   BENCH_COPIES  (200000)   objects of the copies
# Beside each run of copies, a bare loop of libcurl makes the same ones: ratios to it hold on any machine.
# With rclone installed (apt-get install rclone), its listing of the same bucket is measured beside.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$VF_VENV/bin/python" "$here/measure.py" "$VF_BUILD"
