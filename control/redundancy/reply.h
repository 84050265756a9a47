/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a reply says that tells servers of a zone apart: octets of a message in,
 * a struct out. Pure; the octets are hostile.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "control/zone/name.h"

#define REPLY_NAMES     32
#define REPLY_ADDRESSES 32
#define REPLY_NSID      64

struct reply {
	unsigned rcode; /* with EDNS's upper bits */
	bool authoritative, truncated, edns, alias;
	bool has_serial; /* of a SOA record of the name asked for */
	uint32_t serial;
	uint8_t nsid[REPLY_NSID]; /* cut there */
	size_t nsid_size;         /* 0: none */
	/* NS records of the name asked for, folded; in the answer, or, of a
	 * referral, in the authority section. */
	uint8_t names[REPLY_NAMES][NAME_MAX_SIZE];
	size_t names_count;
	bool names_cut; /* there were more */
	/* A and AAAA records of the answer, whosoever they are (a CNAME's target's);
	 * ports are 0. */
	struct sockaddr_storage addresses[REPLY_ADDRESSES];
	size_t addresses_count;
};

/* 0, -EBADMSG: not a whole message; -ENOMEM. Of a truncated one that isn't whole,
 * what could be read. */
int reply_read(struct reply *reply, const uint8_t *wire, size_t size);
