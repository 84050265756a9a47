/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * Why a packet was not answered: the one list that makes the enum, the names and the metrics.
 *
 * R(symbol, name, text). The order is part of the counters' layout: add at the end.
 * A reason passes the packet to the kernel, unless it was changed already: then it is dropped, as
 * `internal` or `image`. `docs/internals/reasons.md` says what the operator does about each.
 */
#ifndef ANODE_ANSWER_REASON_H
#define ANODE_ANSWER_REASON_H

/* clang-format off */
#define REASONS(R)                                                                                           \
	R(INTERNAL, "internal", "the core met something that it can't explain")                              \
	R(NOT_LINEAR, "not_linear", "the frame isn't in one piece, or too short")                            \
	R(NOT_IP, "not_ip", "neither IPv4 nor IPv6, or more than two VLAN tags")                             \
	R(NOT_OURS, "not_ours", "destination MAC isn't the interface's")                                     \
	R(NOT_UDP, "not_udp", "another transport protocol")                                                  \
	R(NOT_SERVICE, "not_service", "destination isn't a service address")                                 \
	R(NOT_DNS, "not_dns", "destination port isn't 53")                                                   \
	R(IP_OPTIONS, "ip_options", "IPv4 options or IPv6 extension headers")                                \
	R(FRAGMENT, "fragment", "an IP fragment")                                                            \
	R(IP_BAD, "ip_bad", "bad IP header: length, checksum or TTL")                                        \
	R(SOURCE, "source", "source address or port that no resolver has")                                   \
	R(UDP_BAD, "udp_bad", "bad UDP header: length or missing checksum")                                  \
	R(LEASE, "lease", "the daemon has been silent for longer than the lease")                            \
	R(BYPASS, "bypass", "the operator bypasses the fast path")                                           \
	R(DNS_SHORT, "dns_short", "shorter than a DNS question, or longer than the fast path reads")         \
	R(RESPONSE, "response", "QR is set")                                                                 \
	R(OPCODE, "opcode", "not a QUERY")                                                                   \
	R(FLAGS, "flags", "header flags that a query doesn't have")                                          \
	R(COUNTS, "counts", "other than one question and at most one OPT")                                   \
	R(QNAME, "qname", "malformed or compressed question name")                                           \
	R(QCLASS, "qclass", "class other than IN")                                                           \
	R(QTYPE, "qtype", "a type that the local server answers: ANY, transfers, RRSIG, NSEC, meta types")   \
	R(OPT, "opt", "malformed OPT, or bytes behind the message")                                          \
	R(EDNS_VERSION, "edns_version", "EDNS version other than 0")                                         \
	R(EDNS_OPTION, "edns_option", "an EDNS option")                                                      \
	R(NO_ZONE, "no_zone", "not below a mirrored zone")                                                   \
	R(ZONE_PASS, "zone_pass", "the zone is not in the image, or bypassed")                               \
	R(ZONE_EXPIRED, "zone_expired", "the zone's deadline has passed")                                    \
	R(DNSSEC, "dnssec", "DO is set and the denial of existence is not clear")                      \
	R(ENTRY_PASS, "entry_pass", "the name is too large for the image")                                   \
	R(WILDCARD, "wildcard", "a wildcard covers the name in a way that servers differ on")                                                \
	R(DNAME, "dname", "below a DNAME that servers follow in different ways")                                                                   \
	R(CHAIN, "chain", "a chain of aliases that is too long or leads into another zone")                        \
	R(IMAGE, "image", "the image is missing a part, or has another layout")                              \
	R(ROOM, "room", "the reply's frame can't grow enough, or not all additional records fit")       \
	R(ROUTE, "route", "no route or neighbour for the reply")                                             \
	R(ITERATIONS, "iterations", "DO is set and the zone's NSEC3 hashes have extra iterations")           \
	R(SERVER, "server", "servers differ, and what the local one says isn't known or can't be said")
/* clang-format on */

enum reason {
	STEP_NEXT = 0,
#define R(symbol, name, text) REASON_##symbol,
	REASONS(R)
#undef R
		REASON_COUNT
};

#endif
