#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# deploy/systemd's units under a real systemd: this machine's own files in a container that throws
# its changes away, with BIRD, NSD and anoded as services, and a router's BIRD outside. What a kill,
# a freeze and a daemon that doesn't come back lead to is seen at that router.
. "$(dirname "$(readlink -f "$0")")/stage.sh"
command -v systemd-nspawn >/dev/null || {
	echo "1..0 # SKIP needs systemd-nspawn (Debian's systemd-container)"
	exit 77
}
stage_begin units 13
build=${ANODE_BUILD:-$stage_root/build}
units=$stage_root/deploy/systemd

stage_host segment
stage_host node 192.0.2.1/24
stage_host router 192.0.2.254/24
ip -n "$stage_name-node" address add 203.0.113.53/32 dev lo

etc=$stage_dir/etc
mkdir -p "$etc/anode" "$stage_dir/result" "$stage_dir/nsd"
cat >"$etc/anode/anode.yaml" <<EOT
version: 1
instance: $stage_name
service: {addresses: [203.0.113.53]}
interfaces: [{name: lan, mode: generic}]
zones: [{name: example.test}]
fastpath: {required: false, memory: 64MiB}
health: {carrier_stable: 0s, hold_down: 0s}
routing:
  on_daemon_death: hold
  as: 65053
  prefixes:
    - {prefix: 203.0.113.0/24, protocol: anycast4, drain_protocol: anycast4_drain, peers: [edge1]}
EOT
"$anodectl" -c "$etc/anode/anode.yaml" bird-config >"$etc/anode.conf"
cat >"$etc/bird.conf" <<EOT
router id 192.0.2.1;
protocol device {}
include "/etc/bird/anode.conf";
protocol bgp edge1 {
	local 192.0.2.1 as 65053; neighbor 192.0.2.254 as 64496; graceful restart off;
	connect delay time 1; ipv4 { import none; export filter anode_export; };
}
EOT
cat >"$stage_dir/router.conf" <<EOT
define ROUTER_ID = 192.0.2.254;
define ROUTER_AS = 64496;
include "$stage_root/deploy/bird/anode-router.conf";
protocol bgp node1 from anode_node4 { neighbor 192.0.2.1 as 65053; source address 192.0.2.254; }
EOT
cat >"$etc/nsd.conf" <<EOT
server:
    zonesdir: "/etc/nsd"
    ip-address: 127.0.0.1
    ip-address: 203.0.113.53
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: "example.test"
    zonefile: "/etc/nsd/example.zone"
    provide-xfr: 127.0.0.1 NOKEY
EOT
cat >"$etc/example.zone" <<'EOT'
$ORIGIN example.test.
$TTL 60
@ SOA ns hostmaster 7 900 300 604800 60
@ NS ns
ns A 203.0.113.53
EOT
chmod -R a+rX "$etc"

# Shorter times than an operator's, the same units.
mkdir -p "$etc/anoded.service.d" "$etc/anode-deadman.service.d" "$etc/anode-deadman.timer.d"
printf '[Service]\nWatchdogSec=3s\n' >"$etc/anoded.service.d/test.conf"
printf '[Service]\nExecStart=\n%s\n' \
	"$(grep '^ExecStart=' "$units/anode-deadman.service" | sed 's/60s/3s/')" >"$etc/anode-deadman.service.d/test.conf"
printf '[Timer]\nOnBootSec=\nOnUnitInactiveSec=\nOnBootSec=1s\nOnUnitInactiveSec=1s\n' >"$etc/anode-deadman.timer.d/test.conf"
cat >"$etc/anode-test.target" <<'EOT'
[Unit]
Description=anode: what the test needs
Requires=basic.target
Wants=bird.service nsd.service anoded.service anode-test.service
AllowIsolate=yes
EOT
# The hand inside: obeys one line at a time, and says how each ended.
cat >"$etc/anode-test.service" <<'EOT'
[Service]
ExecStart=/bin/bash /result/hand
StandardOutput=file:/result/hand.log
StandardError=inherit
EOT
cat >"$stage_dir/result/hand" <<'EOT'
while true; do
	if [ -e /result/order ]; then
		mv /result/order /result/obeying
		bash /result/obeying >/result/said 2>&1 </dev/null
		echo $? >/result/new
		mv /result/new /result/ended
	fi
	sleep 0.05
done
EOT
inside() { # COMMAND...: as root in the container
	rm -f "$stage_dir/result/ended"
	echo "$*" >"$stage_dir/result/new-order"
	mv "$stage_dir/result/new-order" "$stage_dir/result/order"
	measure_await 10 test -e "$stage_dir/result/ended" || return
	cat "$stage_dir/result/said"
	return "$(cat "$stage_dir/result/ended")"
}

bind=()
for unit in anoded.service anode-deadman.service anode-deadman.timer; do
	bind+=(--bind-ro="$units/$unit:/etc/systemd/system/$unit"
		--bind-ro="$etc/$unit.d:/etc/systemd/system/$unit.d")
done
for unit in anode-test.target anode-test.service; do
	bind+=(--bind-ro="$etc/$unit:/etc/systemd/system/$unit")
done
# In a mount namespace of its own: this machine's root below a layer that is thrown away, and a
# /run/systemd of its own, so that it meets no systemd (or none) of this machine's.
container() {
	mkdir -p "$stage_dir/layer"
	setsid unshare -m sh -c '
		layer=$1
		shift
		mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd && mount -t tmpfs tmpfs "$layer" &&
			mkdir "$layer/upper" "$layer/work" "$layer/root" &&
			mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root" &&
			exec "$@"' sh "$stage_dir/layer" \
		systemd-nspawn --quiet --directory="$stage_dir/layer/root" --boot --register=no --keep-unit \
		--capability=all --system-call-filter=bpf --console=read-only \
		--network-namespace-path="/run/netns/$stage_name-node" --bind=/sys/fs/bpf \
		--bind-ro="$build/control/anoded:/usr/sbin/anoded" \
		--bind-ro="$build/control/cli/anodectl:/usr/bin/anodectl" \
		--bind="$etc/anode:/etc/anode" --bind-ro="$etc/bird.conf:/etc/bird/bird.conf" \
		--bind-ro="$etc/anode.conf:/etc/bird/anode.conf" \
		--bind-ro="$etc/nsd.conf:/etc/nsd/nsd.conf" --bind-ro="$etc/example.zone:/etc/nsd/example.zone" \
		--bind="$stage_dir/result:/result" "${bind[@]}" \
		-- --unit=anode-test.target >"$stage_dir/container.log" 2>&1 </dev/null &
	stage_pids[container]=$!
	measure_await 60 inside true
}
stage_start router router bird -f -c "$stage_dir/router.conf" -s "$stage_dir/router.ctl"
routed() { birdc -s "$stage_dir/router.ctl" show route 203.0.113.0/24 | grep -q 'unicast \[node1'; }
unrouted() { birdc -s "$stage_dir/router.ctl" show status && ! routed; }
restarts() { inside systemctl show -P NRestarts anoded; }
restarted() { [ "$(restarts)" -gt "$1" ]; }
active() { [ "$(inside systemctl is-active anoded)" = active ]; }
explain() { inside systemctl status --no-pager anoded bird nsd; inside journalctl -n 30 --no-pager -u anoded; return 1; }

check "the container boots" container
[ "$tap_bad" = 0 ] || exit 1
comes_up() { measure_await 60 active && measure_await 40 routed || explain; }
check "anoded runs as the unit says, and announces" comes_up
confined() {
	inside 'grep -E "CapBnd|NoNewPrivs|Seccomp:" /proc/$(systemctl show -P MainPID anoded)/status' >"$stage_dir/confined"
	cat "$stage_dir/confined"
	# CAP_NET_ADMIN is 12, CAP_PERFMON 38, CAP_BPF 39.
	grep -q 'CapBnd:.*000000c000001000' "$stage_dir/confined" && grep -q 'NoNewPrivs:.*1' "$stage_dir/confined" &&
		grep -q 'Seccomp:.*2' "$stage_dir/confined"
}
check "with three capabilities and no way to more" confined
fast() { inside "anodectl status --json" | jq -es '.[0].fastpath | .healthy and all(.interfaces[]; .attached)'; }
fast_comes() { measure_await 40 fast || explain; }
check "they suffice for the fast path: loaded, attached, answering" fast_comes

kill_main() { inside "kill -$1 \$(systemctl show -P MainPID anoded)"; }
stays_routed() {
	local i
	for i in $(seq 30); do
		routed || return
		sleep 0.05
	done
}
hold() {
	local before
	before=$(restarts)
	kill_main KILL && stays_routed && measure_await 15 restarted "$before" && measure_await 15 active || explain
}
check "killed, hold: the route stays, and systemd starts it again" hold
check "and it goes on announcing" stays_routed
inside "sed -i 's/on_daemon_death: hold/on_daemon_death: withdraw/' /etc/anode/anode.yaml; systemctl reload anoded" >/dev/null
withdraw() { kill_main KILL && measure_await 3 unrouted || explain; }
check "killed, withdraw: ExecStopPost withdraws" withdraw
check "started again, it announces" measure_await 40 routed
frozen() { kill_main STOP && measure_await 20 unrouted || explain; }
check "frozen: the watchdog ends it, ExecStopPost withdraws" frozen
check "started again, it announces, again" measure_await 40 routed
inside "sed -i 's/on_daemon_death: withdraw/on_daemon_death: hold/' /etc/anode/anode.yaml; systemctl reload anoded" >/dev/null
dead() { # nobody starts it again
	inside "mkdir -p /run/systemd/system/anoded.service.d
		printf '[Service]\\nRestart=no\\n' >/run/systemd/system/anoded.service.d/never.conf
		systemctl daemon-reload && systemctl start anode-deadman.timer" || return
	kill_main KILL && stays_routed && measure_await 30 unrouted || explain
}
check "killed and not started again, hold: the dead man withdraws" dead
back() {
	inside "rm /run/systemd/system/anoded.service.d/never.conf; systemctl daemon-reload; systemctl start anoded" &&
		measure_await 40 routed || explain
}
check "started by hand: announced again" back
stopped() {
	inside systemctl stop anoded && unrouted &&
		[ "$(inside systemctl show -P Result anoded)" = success ] || explain
}
check "stopped: it leaves service by itself" stopped
inside systemctl --no-block poweroff >/dev/null 2>&1
