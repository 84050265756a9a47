#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# FRR as the router, two nodes: a dead server's prefix moves and comes back. FRR batches route
# changes for some 50 ms, which is in the figure; the goal is the same.
. "$(dirname "$(readlink -f "$0")")/scene.sh"
. "$scene_root/tests/lab/fault.sh"

scene_begin "t-frr-$$" 7
lab_up --nodes 2 --router frr

measure_begin "$scene_dir/killed" 90 500
server_dies 150
server_returns
measure_end
check "no query lost or wrong" stream_good 0 0
