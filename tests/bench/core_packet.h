/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/* One query of the table that core.bpf.c restores packets from. */
#ifndef ANODE_TESTS_BENCH_CORE_PACKET_H
#define ANODE_TESTS_BENCH_CORE_PACKET_H

#include "answer/types.h"

#define CORE_PACKET_MAX 127u

struct core_packet {
	u8 length; /* 1 to CORE_PACKET_MAX */
	u8 frame[CORE_PACKET_MAX];
};

#endif
