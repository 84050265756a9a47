# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# anoded: the daemon on each node, its configuration and its pins.

anoded_up() {
	fail "anoded isn't part of the lab yet"
}

anoded_unpin() {
	local node
	for node in node1 node2; do
		rm -rf "$(node_pins $node)"
	done
}

node_pins() { echo "/sys/fs/bpf/anode/$lab-$1"; }
