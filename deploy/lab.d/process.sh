# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# process: the long-running processes of a lab, and nothing but those.
#
# Each runs in a session of its own, so that a server with children is one process group: killed,
# frozen and stopped whole. A recorded pid counts only together with its start time.

# process_define HOST PROC COMMAND...: write down how it is started.
process_define() {
	local script=$dir/run/$1.$2 netns
	netns=$(netns_of "$1")
	{
		printf '#!/bin/sh\n# %s on %s\nexec' "$2" "$1"
		printf ' %q' "$lab_source/lab.d/enter" "$netns" "${@:3}"
		echo
	} >"$script"
	chmod 755 "$script"
}

process_start() {
	local host=$1 proc=$2 script=$dir/run/$1.$2 pid
	[ -x "$script" ] || fail "there is no process \"$proc\" on $host"
	! process_alive "$host" "$proc" || fail "$proc on $host is running"
	# A job of a non-interactive shell is no group leader: setsid keeps its pid.
	setsid "$script" >>"$dir/log/$host.$proc" 2>&1 </dev/null &
	pid=$!
	echo "$pid $(process_birth $pid)" >"$dir/pids/$host.$proc"
}

# Field 22 of stat, counted behind the name, which may hold blanks and brackets.
process_birth() {
	local stat
	read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
	read -ra stat <<<"${stat##*) }"
	[ "${stat[0]}" = Z ] || echo "${stat[19]}"
}

# Prints the pid.
process_alive() {
	local pid birth
	[ -r "$dir/pids/$1.$2" ] && read -r pid birth <"$dir/pids/$1.$2" || return 1
	[ -n "$birth" ] && [ "$(process_birth "$pid")" = "$birth" ] && echo "$pid"
}

process_first_dead() {
	local record name
	for record in "$dir"/pids/*; do
		name=${record##*/}
		[ -e "$record" ] || continue
		process_alive "${name%%.*}" "${name#*.}" >/dev/null || {
			echo "$name"
			return
		}
	done
}

process_signal() {
	local pid
	pid=$(process_alive "$1" "$2") || fail "$2 on $1 isn't running"
	echo "$EPOCHREALTIME"
	kill -s "$3" -- "-$pid"
}

# The end of each process: asked first, 5 s later not asked any more.
process_stop_all() {
	local record host proc pid end left
	[ -d "$dir/pids" ] || return 0
	# A node's daemons may act on each other's end: the first to go is the one that acts.
	for proc in anoded bird server '*'; do
		left=()
		# shellcheck disable=SC2231  # "*" is a pattern
		for record in "$dir"/pids/*.$proc; do
			[ -e "$record" ] || continue
			host=${record##*/}
			pid=$(process_alive "${host%%.*}" "${host#*.}") || {
				rm -f "$record"
				continue
			}
			kill -s TERM -- "-$pid" 2>/dev/null || true
			kill -s CONT -- "-$pid" 2>/dev/null || true
			left+=("$record")
		done
		end=$((${EPOCHREALTIME/./} + 5000000))
		for record in "${left[@]}"; do
			host=${record##*/}
			while pid=$(process_alive "${host%%.*}" "${host#*.}"); do
				if [ "${EPOCHREALTIME/./}" -ge $end ]; then
					kill -s KILL -- "-$pid" 2>/dev/null || true
				fi
				sleep 0.02
			done
			rm -f "$record"
		done
	done
}
