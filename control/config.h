/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration: in flows the text of anode.yaml, out flows a checked,
 * immutable struct config, or one error with its place.
 *
 * No I/O happens here: the caller reads the file, secrets are files named but
 * not opened. Nothing is started by a configuration that parses.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "control/config_value.h"

/* Longest file taken, in bytes. */
#define CONFIG_MAX_BYTES (4u << 20)
/* What the engine's settings have room for (dataplane/shared/settings.h): half
 * of the address slots, and all interfaces but the one of test runs. */
#define CONFIG_MAX_ADDRESSES  512
#define CONFIG_MAX_INTERFACES 7
#define CONFIG_DEFAULT_PATH   "/etc/anode/anode.yaml"

enum config_engine { CONFIG_ENGINE_XDP, CONFIG_ENGINE_DPDK };
enum config_xdp_mode { CONFIG_XDP_AUTO, CONFIG_XDP_NATIVE, CONFIG_XDP_GENERIC };
enum config_reply { CONFIG_REPLY_SOURCE_MAC, CONFIG_REPLY_FIB };
enum config_lease_end { CONFIG_LEASE_END_PASS, CONFIG_LEASE_END_HOLD };
enum config_death { CONFIG_DEATH_HOLD, CONFIG_DEATH_WITHDRAW };
enum config_degrade { CONFIG_DEGRADE_DRAINS, CONFIG_DEGRADE_WITHDRAWS };
enum config_guard { CONFIG_GUARD_HOLD, CONFIG_GUARD_WITHDRAW };
enum config_family { CONFIG_FAMILY_BOTH, CONFIG_FAMILY_4, CONFIG_FAMILY_6 };
enum config_check_type { CONFIG_CHECK_UDP, CONFIG_CHECK_TCP, CONFIG_CHECK_SCRIPT };
/* Ordered by what it may cause. */
enum config_severity { CONFIG_INFO, CONFIG_DEGRADE, CONFIG_FATAL };
enum config_log_level { CONFIG_LOG_ERROR, CONFIG_LOG_WARNING, CONFIG_LOG_INFO, CONFIG_LOG_DEBUG };

struct config_interface {
	char *name;
	int engine; /* enum config_engine */
	int mode;   /* enum config_xdp_mode */
};

/* A TSIG key (RFC 8945). The secret is read from `secret_file` when it is
 * used, so that a missing file is something to wait for. */
struct config_key {
	struct domain name;
	char *algorithm; /* "hmac-sha256", as in RFC 8945 6 */
	char *secret_file;
};

/* Either `name` or `match` is set (the other's text is NULL). */
struct config_zone {
	struct domain name;
	char *match;             /* "*.suffix"; NULL */
	struct domain key;       /* name of a key of `keys`; empty: unsigned transfers */
	struct duration max_lag; /* how long a change at the server may stay unseen */
};

struct config_expect {
	char *rcode;          /* "NOERROR"; NULL: any that proves life */
	bool authoritative;   /* AA must be set */
	char *rdata_contains; /* substring of an answer's presentation form; NULL */
};

/* Another node, as the guard asks it. */
struct config_peer {
	char *name;
	struct address address; /* unicast */
	uint32_t port;
	struct domain key; /* name of a key of `keys`; empty: unsigned */
};

struct config_check {
	int type;       /* enum config_check_type */
	char **command; /* script: absolute path, arguments */
	size_t command_count;
	struct address address; /* another host's: a dependency; no family: the local server */
	uint32_t port;          /* of that host */
	struct domain key;      /* that signs its questions; empty: none */
	int family;             /* enum config_family */
	struct duration interval, timeout; /* 0: the node's */
	uint32_t fail, rise;               /* 0: the node's */
	struct domain name;
	uint16_t qtype; /* host order */
	struct config_expect expect;
	int severity; /* enum config_severity */
};

struct config_prefix {
	struct prefix prefix;
	char *protocol;       /* BIRD's static protocol that holds the prefix */
	char *drain_protocol; /* the same with drain attributes; NULL */
	char **peers;         /* protocols the prefix is exported to: read-back */
	size_t peers_count;
};

struct config {
	uint32_t version;
	char *state_dir; /* what outlives a boot: <state_dir>/<instance>/ */
	char *instance;  /* pins live in /sys/fs/bpf/anode/<instance>/ */
	struct {
		char *name; /* NULL: the host's name */
	} node;
	struct {
		struct address *addresses;
		size_t addresses_count;
	} service;
	struct config_interface *interfaces;
	size_t interfaces_count;
	struct {
		struct address address;
		uint32_t port;
		char *unit; /* systemd unit; NULL: not known */
		struct address *source;
		size_t source_count;
	} local_server;
	struct config_key *keys;
	size_t keys_count;
	struct config_zone *zones;
	size_t zones_count;
	struct {
		bool required;   /* no announcement without a healthy fast path */
		uint64_t memory; /* bytes */
		uint32_t max_udp_size;
		struct duration lease;
		int lease_end;            /* enum config_lease_end */
		int reply;                /* enum config_reply */
		char *nsid;               /* NULL: the local server's */
		char *cookie_secret_file; /* NULL: cookies are the local server's to answer */
	} fastpath;
	struct {
		struct duration interval;
		struct duration timeout;
		uint32_t fail;
		uint32_t rise;
		struct duration restart_grace;
		struct duration silence_withdraw;
		struct duration hold_down;
		struct duration hold_down_max;
		struct duration slow_start;
		struct duration overload_patience;
		uint32_t budget; /* transitions per hour */
		struct duration carrier_stable;
		uint32_t zones_failed; /* percent */
		bool service_probes;
		struct domain *required;
		size_t required_count;
		struct config_check *checks;
		size_t checks_count;
	} health;
	struct {
		struct {
			char *socket;
			char *state_dir;
		} bird;
		int on_daemon_death;  /* enum config_death */
		int degrade;          /* enum config_degrade */
		bool coupled;         /* families fall and rise together */
		uint32_t drain_below; /* queries a second */
		struct duration drain_limit;
		struct {
			int last, blind; /* enum config_guard */
			struct duration jitter;
			struct config_peer *peers;
			size_t peers_count;
		} guard;
		struct config_prefix *prefixes;
		size_t prefixes_count;
		uint32_t as; /* that the prefixes are announced from; 0: not said */
		struct {
			bool graceful_shutdown; /* community 65535:0 (RFC 8326) */
			uint32_t prepends;
			uint32_t med;     /* 0: none */
		} drain;                  /* what `bird-config` gives the drain protocols */
		char **large_communities; /* of every announcement: "65053:1:1" (RFC 8092) */
		size_t large_communities_count;
		uint32_t
			upstream_paths; /* AS paths that shall carry a prefix; fewer: `bgp` warns */
	} routing;
	struct {
		struct duration quiet;
		struct duration limit;
	} leave;
	struct {
		char *socket;
	} control;
	struct {
		struct endpoint listen; /* port 0: no metrics over HTTP */
	} metrics;
	struct {
		int level; /* enum config_log_level */
	} log;
};

/* Where something stands in the file: line and column from 1, column in
 * characters; 0: nowhere (the file as a whole). */
struct config_place {
	uint32_t line;
	uint32_t column;
};

/* What is wrong, where, and the text of that line (cut at 160 bytes). */
struct config_error {
	struct config_place place;
	char message[320];
	char source[164];
};

/*
 * Parses and checks `length` bytes of YAML. 0 and a new *config (free with
 * config_free), or -EINVAL with *error filled in, or -ENOMEM (error says so).
 * Any thread; no state is kept.
 */
int config_parse(
	const char *text, size_t length, struct config **config, struct config_error *error);
void config_free(struct config *config);

/*
 * Reads the file and parses it; an unreadable file is an error like any other.
 * As config_parse, but does I/O.
 */
int config_read(const char *path, struct config **config, struct config_error *error);

/* Writes "file:line:col: message", the line and a caret. */
void config_error_print(const struct config_error *error, const char *path, FILE *out);
/* The first line of the above into `buffer`, for a log or a response. */
void config_error_text(
	const struct config_error *error, const char *path, char *buffer, size_t size);

/* The key of that zone, or NULL. Borrowed. */
const struct config_key *config_zone_key(
	const struct config *config, const struct config_zone *zone);
/* The key of that name, or NULL. Borrowed. */
const struct config_key *config_key_named(const struct config *config, const struct domain *name);
/* The zones that `health.required` means: those listed, or else the first
 * zone that has a name. Borrowed; *count may be 0. */
const struct domain *config_required_zones(const struct config *config, size_t *count);

/* What can work, but probably not as it is meant: one line each, at most `most`
 * of them. */
#define CONFIG_DOUBT_TEXT 320
#define CONFIG_DOUBTS     16
size_t config_doubts(const struct config *config, char doubts[][CONFIG_DOUBT_TEXT], size_t most);
