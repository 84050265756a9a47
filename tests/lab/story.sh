#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The demo's story with NSD and a BIRD router, each figure asserted: two nodes, a client that asks
# all the time, a server that dies, returns, hangs, returns.
. "$(dirname "$(readlink -f "$0")")/scene.sh"
. "$scene_root/tests/lab/fault.sh"

scene_begin "t-story-$$" 16
lab_up --nodes 2 --server nsd --router bird

grown() { [ "$(node_queries "$1" fast)" -gt "$2" ]; }

passed=$(node_queries node1 passed)
measure_begin "$scene_dir/calm" 3 500
wait "${measure_pids[@]}"
check "calm: every query answered, none wrong" stream_good 0 0
check "calm: the fast path answered all of them" passed_little node1 "$passed"

# Every name that the client asks is in the image: the fast path answers until the router turns
# away, so that not one query is lost, although the server is dead.
measure_begin "$scene_dir/killed" 90 500
before=$(node_queries node2 fast)
server_dies 150
check "server killed: node2's fast path has the traffic" measure_await 5 grown node2 "$before"
server_returns
measure_end
check "server killed and back: no query lost or wrong" stream_good 0 0

measure_begin "$scene_dir/frozen" 90 500
at=$(lab_run signal node1 server STOP)
measure_await 10 both_left node1 "$at"
check "server frozen, fast path healthy: drained at the router, IPv4" left_within 400 4 "$at"
check "server frozen, fast path healthy: drained at the router, IPv6" left_within 400 6 "$at"
check "server frozen: node1 says first that it is degraded" node_state_is node1 degraded
check "server frozen: then withdrawn" measure_await 10 node_state_is node1 withdrawn
at=$EPOCHREALTIME
lab_run signal node1 server CONT >/dev/null
check "server thawed: announced at the router again" measure_await 60 both_came node1 "$at"
measure_end
check "server frozen and thawed: no query lost or wrong" stream_good 0 0
