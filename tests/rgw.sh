#!/usr/bin/env bash
# A throw-away Ceph RADOS Gateway (S3, STS and IAM) on loopback: one monitor, one OSD in memory, one gateway.
#
#   rgw.sh up DIR     start; prints the settings of `env`. An older one in DIR is taken down first.
#   rgw.sh env DIR    print URLs, CA file, account ids and keys as shell assignments
#   rgw.sh down DIR   end the three daemons and remove their state
#
# Everything lives in DIR/ceph, and `down` leaves nothing behind. Signals go only to processes that `up` started: each
# is known by its pid and its start time, so that a pid which was given to someone else is left alone. Every wait is
# bounded. Any user may run it; two can run at once. Needs: radosgw ceph-mon ceph-osd ceph-common openssl curl python3.
#
# Two tenants, named by 12 digits so that ARNs look real, stand for the source and the backup account.
# Environment: RGW_PORT, RGW_TLS_PORT (default: free ports), RGW_LC_DAY (seconds in a day of the lifecycle rules, 2),
# RGW_DEBUG (level, 0), RGW_CONF (further lines for the gateway's section).
set -euo pipefail
umask 077
PATH=$PATH:/usr/sbin:/sbin

source_account=111122223333
vault_account=444455556666

fail() {
    echo "rgw.sh: $*" >&2
    exit 1
}

# The kernel's start time of a process, empty when it is gone or only waits to be reaped.
started_at() {
    [ -r "/proc/$1/stat" ] || return 0
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }' || true
}

is_running() { # is_running DAEMON
    local pid started
    read -r pid started 2>/dev/null <"$state/run/$1" || return 1
    [ -n "$started" ] && [ "$(started_at "$pid")" = "$started" ]
}

launch() { # launch DAEMON COMMAND...
    local name=$1
    shift
    setsid "$@" </dev/null >"$state/log/$name.out" 2>&1 9>&- &
    echo "$! $(started_at $!)" >"$state/run/$name"
}

stop_daemon() { # SIGKILL at once: what it holds in memory is thrown away in any case
    local pid _ tries=0
    while is_running "$1"; do
        [ $tries -lt 200 ] || fail "$1 does not end"
        read -r pid _ <"$state/run/$1"
        kill -KILL "$pid" 2>/dev/null || true
        sleep 0.05
        tries=$((tries + 1))
    done
}

take_down() {
    [ -d "$state" ] || return 0
    [ -f "$state/made-by-rgw.sh" ] || fail "$state was not made by this script: left as it is"
    local name
    for name in gateway osd mon; do
        stop_daemon $name
    done
    rm -rf "$state"
}

write_certificates() {
    local dir=$state/tls key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
    openssl req -x509 "${key[@]}" -keyout "$dir/ca.key" -out "$dir/ca.crt" -days 30 -subj "/CN=vaultferry test CA"
    openssl req "${key[@]}" -keyout "$dir/server.key" -out "$dir/server.csr" -subj "/CN=localhost"
    echo "subjectAltName=DNS:localhost,DNS:s3.localhost,DNS:*.s3.localhost,IP:127.0.0.1" >"$dir/names"
    openssl x509 -req -in "$dir/server.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial -days 30 \
        -out "$dir/server.crt" -extfile "$dir/names"
}

# The gateway speaks cephx only, so there is a keyring; one key serves all, for nothing here outlives the tests.
write_keyring() {
    local key
    key=$(ceph-authtool --gen-print-key)
    cat >"$state/keyring" <<END
[mon.]
    key = $key
    caps mon = "allow *"
[client.admin]
    key = $key
    caps mon = "allow *"
    caps osd = "allow *"
[client.rgw]
    key = $key
    caps mon = "allow *"
    caps osd = "allow *"
[osd.0]
    key = $key
    caps mon = "allow profile osd"
    caps osd = "allow *"
END
}

# Not obvious: `paxos` makes the monitor's rounds short, or starting takes many seconds; without `tcp_nodelay` every
# copy on a kept connection waits 40 ms for a delayed ACK; sessions of one second let their expiry be tested.
write_config() { # write_config FSID MON_PORT HTTP_PORT TLS_PORT
    local tls="ssl_certificate=$state/tls/server.crt ssl_private_key=$state/tls/server.key"
    cat >"$conf" <<END
[global]
fsid = $1
mon host = [v2:127.0.0.1:$2/0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
keyring = $state/keyring
run dir = $state/run
crash dir = $state/log
log file = $state/log/\$name.log
log to stderr = false
err to stderr = true
admin socket =
pid file =
osd objectstore = memstore
memstore device bytes = 4294967296
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 2000

[mon]
mon data = $state/mon
mon data avail crit = 0
mon data avail warn = 0
paxos propose interval = 0.02
paxos min wait = 0.01
auth allow insecure global id reclaim = false

[osd]
osd data = $state/osd
osd class load list = *
osd class default list = *
osd max object name len = 2048

[client]
rgw data = $state
rgw frontends = beast endpoint=127.0.0.1:$3 ssl_endpoint=127.0.0.1:$4 $tls tcp_nodelay=1
rgw dns name = s3.localhost
rgw thread pool size = 64
rgw rados pool pg num min = 4
rgw enable usage log = false
rgw s3 auth use sts = true
rgw sts key = $(openssl rand -hex 8)
rgw sts min session duration = 1
rgw lc debug interval = ${RGW_LC_DAY:-2}
rgw gc obj min wait = 5
rgw gc processor period = 5
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = testkey-1=$(openssl rand -base64 32) testkey-2=$(openssl rand -base64 32)
debug rgw = ${RGW_DEBUG:-0}/5
${RGW_CONF:-}
END
}

admin() {
    timeout 60 radosgw-admin -c "$conf" -n client.rgw "$@" >>"$state/log/admin.out" 2>&1 ||
        fail "radosgw-admin $* failed: $(tail -n 3 "$state/log/admin.out")"
}

add_user() { # add_user TENANT UID KEY SECRET [CAPS]
    admin user create --tenant "$1" --uid "$2" --display-name "$2 of $1" --access-key "$3" --secret "$4" \
        ${5:+--caps "$5"}
}

add_storage_class() {
    admin zonegroup placement add --rgw-zonegroup default --placement-id default-placement --storage-class "$1"
    admin zone placement add --rgw-zone default --placement-id default-placement --storage-class "$1" \
        --data-pool default.rgw.buckets.data
}

start_monitor() { # start_monitor FSID PORT
    monmaptool --create --addv a "[v2:127.0.0.1:$2/0]" --fsid "$1" "$state/monmap" >"$state/log/mkfs.out"
    ceph-mon -i a --mkfs --monmap "$state/monmap" --keyring "$state/keyring" -c "$conf" >>"$state/log/mkfs.out" 2>&1
    launch mon ceph-mon -i a -f -c "$conf"
}

start_osd() {
    local uuid
    uuid=$(cat /proc/sys/kernel/random/uuid)
    timeout 30 ceph -c "$conf" --connect-timeout 20 osd new "$uuid" >>"$state/log/mkfs.out" 2>&1 ||
        fail "the monitor does not answer: $(tail -n 3 "$state/log/mon.out")"
    ceph-osd -i 0 --mkfs --osd-uuid "$uuid" -c "$conf" >>"$state/log/mkfs.out" 2>&1
    launch osd ceph-osd -i 0 -f -c "$conf"
}

wait_for_gateway() { # wait_for_gateway PORT
    local tries=0
    until curl --silent --noproxy '*' --max-time 5 --output /dev/null "http://127.0.0.1:$1/"; do
        is_running gateway || fail "radosgw ended: $(tail -n 5 "$state/log/gateway.out")"
        [ $tries -lt 600 ] || fail "radosgw does not answer"
        sleep 0.05
        tries=$((tries + 1))
    done
}

free_ports() { # free_ports COUNT
    python3 -c '
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for each in held:
    each.bind(("127.0.0.1", 0))
print(*[each.getsockname()[1] for each in held])' "$1"
}

bring_up() {
    local fsid mon_port http_port tls_port class
    take_down
    mkdir -p "$state"/{mon,osd,log,run,tls}
    : >"$state/made-by-rgw.sh"
    # a start that fails leaves no process behind; its logs stay, to be read
    trap 'for name in gateway osd mon; do stop_daemon $name; done; echo "rgw.sh: logs are in $state/log" >&2' EXIT
    fsid=$(cat /proc/sys/kernel/random/uuid)
    read -r mon_port http_port tls_port <<<"$(free_ports 3)"
    http_port=${RGW_PORT:-$http_port}
    tls_port=${RGW_TLS_PORT:-$tls_port}
    write_certificates 2>"$state/log/openssl.out"
    write_keyring
    write_config "$fsid" "$mon_port" "$http_port" "$tls_port"
    start_monitor "$fsid" "$mon_port"
    start_osd
    # the first call makes the default zone, which the classes are added to before the gateway reads it
    admin user create --uid operator --display-name operator
    for class in STANDARD_IA GLACIER DEEP_ARCHIVE; do
        add_storage_class $class
    done
    launch gateway radosgw -f -n client.rgw -c "$conf"
    add_user $source_account owner SRCOWNER srcownersecret 'roles=*;user-policy=*'
    add_user $source_account agent SRCAGENT srcagentsecret
    add_user $vault_account owner VAULTOWNER vaultownersecret 'roles=*;user-policy=*'
    add_user $vault_account agent VAULTAGENT vaultagentsecret
    wait_for_gateway "$http_port"
    cat >"$state/env" <<END
RGW_URL=http://127.0.0.1:$http_port
RGW_TLS_URL=https://127.0.0.1:$tls_port
RGW_CA=$state/tls/ca.crt
RGW_CONFIG=$conf
SRC_ACCOUNT=$source_account
VAULT_ACCOUNT=$vault_account
SRC_OWNER_KEY=SRCOWNER
SRC_OWNER_SECRET=srcownersecret
SRC_AGENT_KEY=SRCAGENT
SRC_AGENT_SECRET=srcagentsecret
VAULT_OWNER_KEY=VAULTOWNER
VAULT_OWNER_SECRET=vaultownersecret
VAULT_AGENT_KEY=VAULTAGENT
VAULT_AGENT_SECRET=vaultagentsecret
END
    trap - EXIT
    cat "$state/env"
}

[ $# -eq 2 ] || fail "usage: rgw.sh up|env|down DIR"
case $1 in
up) mkdir -p "$2" ;;
env | down) [ -d "$2" ] || fail "no such folder: $2" ;;
*) fail "unknown command $1; usage: rgw.sh up|env|down DIR" ;;
esac
state=$(cd "$2" && pwd)/ceph
conf=$state/ceph.conf
case $state in *[[:space:]]*) fail "ceph takes no white space in a path: $state" ;; esac

case $1 in
up) bring_up ;;
env) cat "$state/env" ;;
down) take_down ;;
esac
