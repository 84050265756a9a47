/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/config_schema.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000)
#define S  (1000 * MS)
#define M  (60 * S)
#define H  (60 * M)

#define AT(member) offsetof(struct config, member)
#define SECTION(array, bytes)                                                                      \
	{                                                                                          \
		.size = (bytes), .count = sizeof(array) / sizeof((array)[0]), .fields = (array)    \
	}

static const char *letters_check(const char *text, const char *more)
{
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && !strchr(more, *text))
			return "has letters that can't stand there";
	}
	return NULL;
}

static const char *instance_check(const char *text)
{
	if (!isalnum((unsigned char)text[0]))
		return "must begin with a letter or a digit";
	return letters_check(text, "-_");
}

/* As the kernel's dev_valid_name(). */
static const char *interface_check(const char *text)
{
	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0 || strpbrk(text, "/: \t"))
		return "not an interface name";
	return NULL;
}

static const char *unit_check(const char *text)
{
	if (!strchr(text, '.'))
		return "a unit's name has its kind, as in nsd.service";
	return letters_check(text, "-_.@\\:");
}

/* What BIRD takes as a symbol, bare or between single quotes. */
static const char *symbol_check(const char *text)
{
	return letters_check(text, "-_.:");
}

/* Three numbers of 32 bits, in decimal. */
static const char *large_community_check(const char *text)
{
	static const char wrong[] = "a large community is three numbers, as in 65053:1:1";

	for (int i = 0; i < 3; i++) {
		size_t digits = strspn(text, "0123456789");

		if (digits == 0 || digits > 10 || strtoull(text, NULL, 10) > UINT32_MAX ||
			text[digits] != (i < 2 ? ':' : '\0'))
			return wrong;
		text += digits + 1;
	}
	return NULL;
}

static const char *text_check(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return "holds a control character";
	}
	return NULL;
}

static const char *match_check(const char *text)
{
	struct domain suffix;
	const char *wrong;

	if (strncmp(text, "*.", 2) != 0)
		return "a match is *.SUFFIX, as in *.customers.example";
	wrong = domain_parse(text + 2, &suffix);
	domain_free(&suffix);
	return wrong;
}

static const char *const engines[] = {"xdp", "dpdk", NULL};
static const char *const xdp_modes[] = {"auto", "native", "generic", NULL};
static const char *const replies[] = {"source-mac", "fib", NULL};
static const char *const lease_ends[] = {"pass", "hold", NULL};
static const char *const deaths[] = {"hold", "withdraw", NULL};
static const char *const degrades[] = {"drain", "withdraw", NULL};
static const char *const guards[] = {"hold", "withdraw", NULL};
static const char *const families[] = {"both", "4", "6", NULL};
static const char *const check_types[] = {"udp", "tcp", "script", NULL};
static const char *const severities[] = {"info", "degrade", "fatal", NULL};
static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const algorithms[] = {
	"hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512", NULL};
static const char *const rcodes[] = {
	"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", NULL};

static const struct config_field node_fields[] = {
	{"name", CONFIG_TYPE_STRING, 0, AT(node.name), 1, 64, .check = text_check,
		.help = "what this node is called in status and alerts; default: the host's name"},
};
static const struct config_section node_section = SECTION(node_fields, 0);

static const struct config_field service_fields[] = {
	{"addresses", CONFIG_TYPE_ADDRESS, CONFIG_REQUIRED | CONFIG_MANY, AT(service.addresses),
		.most = CONFIG_MAX_ADDRESSES,
		.help = "the anycast addresses; only they are answered by the fast path"},
};
static const struct config_section service_section = SECTION(service_fields, 0);

static const struct config_field interface_fields[] = {
	{"name", CONFIG_TYPE_STRING, CONFIG_REQUIRED, offsetof(struct config_interface, name), 1,
		15, .check = interface_check, .help = "the interface that queries come in by"},
	{"engine", CONFIG_TYPE_CHOICE, CONFIG_RESTART, offsetof(struct config_interface, engine),
		.fallback = "xdp", .choices = engines, .help = "who answers on it"},
	{"mode", CONFIG_TYPE_CHOICE, 0, offsetof(struct config_interface, mode), .fallback = "auto",
		.choices = xdp_modes,
		.help = "xdp: native (in the driver), generic (in the stack), auto: native if the "
			"driver can"},
};
static const struct config_section interface_section =
	SECTION(interface_fields, sizeof(struct config_interface));

static const struct config_field server_fields[] = {
	{"address", CONFIG_TYPE_ADDRESS, 0, AT(local_server.address), .fallback = "127.0.0.1",
		.help = "the local server's own address, never an anycast one"},
	{"port", CONFIG_TYPE_NUMBER, 0, AT(local_server.port), 1, 65535, .fallback = "53",
		.help = "its port"},
	{"unit", CONFIG_TYPE_STRING, 0, AT(local_server.unit), 1, 255, .check = unit_check,
		.help = "its systemd unit: tells a restart from a death"},
	{"source", CONFIG_TYPE_ADDRESS, CONFIG_MANY, AT(local_server.source), .most = 2,
		.help = "source address of probes and transfers, one per family; default: the "
			"kernel's choice"},
};
static const struct config_section server_section = SECTION(server_fields, 0);

static const struct config_field key_fields[] = {
	{"name", CONFIG_TYPE_DOMAIN, CONFIG_REQUIRED, offsetof(struct config_key, name),
		.help = "the key's name, as the server knows it"},
	{"algorithm", CONFIG_TYPE_STRING, 0, offsetof(struct config_key, algorithm),
		.fallback = "hmac-sha256", .choices = algorithms,
		.help = "TSIG algorithm (RFC 8945)"},
	{"secret_file", CONFIG_TYPE_PATH, CONFIG_REQUIRED, offsetof(struct config_key, secret_file),
		1, 4095, .help = "file that holds the secret in base64; read when it is used"},
};
static const struct config_section key_section = SECTION(key_fields, sizeof(struct config_key));

static const struct config_field zone_fields[] = {
	{"name", CONFIG_TYPE_DOMAIN, 0, offsetof(struct config_zone, name),
		.help = "the zone to mirror"},
	{"match", CONFIG_TYPE_STRING, 0, offsetof(struct config_zone, match), 3, 255,
		.check = match_check,
		.help = "the zones to mirror, as *.SUFFIX, instead of a name"},
	{"key", CONFIG_TYPE_DOMAIN, 0, offsetof(struct config_zone, key),
		.help = "name of the key that signs and verifies its transfers; default: unsigned"},
	{"max_lag", CONFIG_TYPE_DURATION, 0, offsetof(struct config_zone, max_lag), 100 * MS,
		24 * H, .fallback = "1s",
		.help = "how long a change at the server may stay unseen"},
};
static const struct config_section zone_section = SECTION(zone_fields, sizeof(struct config_zone));

static const struct config_field fastpath_fields[] = {
	{"required", CONFIG_TYPE_BOOL, 0, AT(fastpath.required), .fallback = "true",
		.help = "announce only when the fast path answers; false: the local server alone "
			"is "
			"good enough"},
	{"memory", CONFIG_TYPE_SIZE, CONFIG_RESTART, AT(fastpath.memory), UINT64_C(16) << 20,
		UINT64_C(32) << 30, .fallback = "2GiB", .help = "bound of the answer image"},
	{"max_udp_size", CONFIG_TYPE_NUMBER, 0, AT(fastpath.max_udp_size), 512, 4096,
		.fallback = "1232", .help = "largest answer over UDP, in bytes of DNS message"},
	{"lease", CONFIG_TYPE_DURATION, 0, AT(fastpath.lease), 2 * S, 24 * H, .fallback = "60s",
		.help = "how long the program goes on without a sign of life from anoded"},
	{"lease_end", CONFIG_TYPE_CHOICE, 0, AT(fastpath.lease_end), .fallback = "pass",
		.choices = lease_ends,
		.help = "what it does then: pass everything, or answer on until each zone's "
			"deadline"},
	{"reply", CONFIG_TYPE_CHOICE, 0, AT(fastpath.reply), .fallback = "source-mac",
		.choices = replies,
		.help = "where replies go: back to the frame's sender, or as the routing table "
			"says"},
	{"nsid", CONFIG_TYPE_STRING, 0, AT(fastpath.nsid), 1, 64, .check = text_check,
		.help = "NSID (RFC 5001) of this node; default: the local server's"},
	{"cookie_secret_file", CONFIG_TYPE_PATH, 0, AT(fastpath.cookie_secret_file), 1, 4095,
		.help = "file with the local server's secrets of DNS cookies (RFC 9018), one or "
			"two lines of 32 hexadecimal digits; the first makes cookies; read at the "
			"start and at a reload"},
};
static const struct config_section fastpath_section = SECTION(fastpath_fields, 0);

static const struct config_field expect_fields[] = {
	{"rcode", CONFIG_TYPE_STRING, 0, offsetof(struct config_check, expect.rcode),
		.choices = rcodes, .help = "the response code"},
	{"authoritative", CONFIG_TYPE_BOOL, 0, offsetof(struct config_check, expect.authoritative),
		.fallback = "false", .help = "the answer must have authority (AA)"},
	{"rdata_contains", CONFIG_TYPE_STRING, 0,
		offsetof(struct config_check, expect.rdata_contains), 1, 255, .check = text_check,
		.help = "text that some record of the answer holds"},
};
static const struct config_section expect_section = SECTION(expect_fields, 0);

static const struct config_field check_fields[] = {
	{"type", CONFIG_TYPE_CHOICE, CONFIG_REQUIRED, offsetof(struct config_check, type),
		.choices = check_types,
		.help = "a question over UDP or TCP, or a program that is run"},
	{"name", CONFIG_TYPE_DOMAIN, 0, offsetof(struct config_check, name),
		.help = "name asked for"},
	{"command", CONFIG_TYPE_STRING, CONFIG_MANY, offsetof(struct config_check, command), 1,
		4095, .most = 32, .check = text_check,
		.help = "script: the program, by its whole path, and its arguments; no shell. Exit "
			"code 0 is good, another one isn't; what it writes first is shown"},
	{"qtype", CONFIG_TYPE_RRTYPE, 0, offsetof(struct config_check, qtype), .fallback = "SOA",
		.help = "type asked for"},
	{"expect", CONFIG_TYPE_SECTION, 0, .section = &expect_section,
		.help = "what the answer must hold"},
	{"severity", CONFIG_TYPE_CHOICE, 0, offsetof(struct config_check, severity),
		.fallback = "degrade", .choices = severities, .help = "what its failure may cause"},
	{"address", CONFIG_TYPE_ADDRESS, 0, offsetof(struct config_check, address),
		.help = "another host, as the primary: its failure degrades at most; default: the "
			"local server"},
	{"port", CONFIG_TYPE_NUMBER, 0, offsetof(struct config_check, port), 1, 65535,
		.fallback = "53", .help = "port of that host"},
	{"key", CONFIG_TYPE_DOMAIN, 0, offsetof(struct config_check, key),
		.help = "name of the TSIG key that signs its questions; default: unsigned"},
	{"family", CONFIG_TYPE_CHOICE, 0, offsetof(struct config_check, family), .fallback = "both",
		.choices = families, .help = "the family of the prefixes that it speaks for"},
	{"interval", CONFIG_TYPE_DURATION, 0, offsetof(struct config_check, interval), 0, 24 * H,
		.fallback = "0s",
		.help = "between two of its probes; 0: the node's, TCP and other hosts 1s at "
			"least"},
	{"timeout", CONFIG_TYPE_DURATION, 0, offsetof(struct config_check, timeout), 0, 1 * H,
		.fallback = "0s",
		.help = "of one; 0: the node's, TCP 200ms and other hosts 900ms at least"},
	{"fail", CONFIG_TYPE_NUMBER, 0, offsetof(struct config_check, fail), 0, 100,
		.fallback = "0", .help = "failures in a row until it is down; 0: the node's"},
	{"rise", CONFIG_TYPE_NUMBER, 0, offsetof(struct config_check, rise), 0, 1000,
		.fallback = "0", .help = "successes in a row until it is up; 0: the node's"},
};
static const struct config_section check_section =
	SECTION(check_fields, sizeof(struct config_check));

static const struct config_field health_fields[] = {
	{"interval", CONFIG_TYPE_DURATION, 0, AT(health.interval), 10 * MS, 1 * H,
		.fallback = "100ms", .help = "between two probes of a check"},
	{"timeout", CONFIG_TYPE_DURATION, 0, AT(health.timeout), 10 * MS, 1 * H, .fallback = "75ms",
		.help = "a probe without an answer by then has failed"},
	{"fail", CONFIG_TYPE_NUMBER, 0, AT(health.fail), 1, 100, .fallback = "3",
		.help = "failures in a row until a check is down (a refused connection is one at "
			"once)"},
	{"rise", CONFIG_TYPE_NUMBER, 0, AT(health.rise), 1, 1000, .fallback = "5",
		.help = "answers in a row until it is up"},
	{"restart_grace", CONFIG_TYPE_DURATION, 0, AT(health.restart_grace), 0, 10 * M,
		.fallback = "5s", .help = "time that a restart of the local server may take"},
	{"silence_withdraw", CONFIG_TYPE_DURATION, 0, AT(health.silence_withdraw), 100 * MS, 1 * H,
		.fallback = "3s",
		.help = "how long a silent server stays announced, degraded, while the fast path "
			"answers"},
	{"hold_down", CONFIG_TYPE_DURATION, 0, AT(health.hold_down), 0, 1 * H, .fallback = "5s",
		.help = "after a fault: the least time until a better state"},
	{"hold_down_max", CONFIG_TYPE_DURATION, 0, AT(health.hold_down_max), 1 * S, 24 * H,
		.fallback = "10m",
		.help = "each further flap doubles hold_down up to this; so long without a fall "
			"halves it"},
	{"slow_start", CONFIG_TYPE_DURATION, 0, AT(health.slow_start), 0, 1 * H, .fallback = "5s",
		.help = "out of withdrawn: time in degraded before announced"},
	{"overload_patience", CONFIG_TYPE_DURATION, 0, AT(health.overload_patience), 1 * S, 1 * H,
		.fallback = "60s",
		.help = "silence of a host that drops packets is overload, until no probe was "
			"answered for so long"},
	{"budget", CONFIG_TYPE_NUMBER, 0, AT(health.budget), 1, 100, .fallback = "20",
		.help = "transitions of a prefix in an hour; then nothing rises"},
	{"zones_failed", CONFIG_TYPE_PERCENT, 0, AT(health.zones_failed), 1, 100, .fallback = "50%",
		.help = "share of failing zones that degrades the node"},
	{"service_probes", CONFIG_TYPE_BOOL, 0, AT(health.service_probes), .fallback = "true",
		.help = "ask the local server at the service addresses as well"},
	{"carrier_stable", CONFIG_TYPE_DURATION, 0, AT(health.carrier_stable), 0, 10 * M,
		.fallback = "10s",
		.help = "time a carrier must last before the first announcement"},
	{"required", CONFIG_TYPE_DOMAIN, CONFIG_MANY, AT(health.required), .most = 16,
		.help = "zones whose silence, all together, is fatal; default: the first zone"},
	{"checks", CONFIG_TYPE_SECTION, CONFIG_MANY, AT(health.checks), .most = 200,
		.section = &check_section, .help = "more questions to the local server"},
};
static const struct config_section health_section = SECTION(health_fields, 0);

static const struct config_field bird_fields[] = {
	{"socket", CONFIG_TYPE_PATH, 0, AT(routing.bird.socket), 1, 107,
		.fallback = "/run/bird/bird.ctl", .help = "BIRD's control socket"},
	{"state_dir", CONFIG_TYPE_PATH, 0, AT(routing.bird.state_dir), 1, 4000,
		.fallback = "/run/anode/bird",
		.help = "where the file is written that bird.conf includes"},
};
static const struct config_section bird_section = SECTION(bird_fields, 0);

static const struct config_field prefix_fields[] = {
	{"prefix", CONFIG_TYPE_PREFIX, CONFIG_REQUIRED, offsetof(struct config_prefix, prefix),
		.help = "the prefix to announce"},
	{"protocol", CONFIG_TYPE_STRING, CONFIG_REQUIRED, offsetof(struct config_prefix, protocol),
		1, 64, .check = symbol_check, .help = "BIRD's static protocol that holds it"},
	{"drain_protocol", CONFIG_TYPE_STRING, 0, offsetof(struct config_prefix, drain_protocol), 1,
		64, .check = symbol_check, .help = "the same with the attributes of a drain"},
	{"peers", CONFIG_TYPE_STRING, CONFIG_REQUIRED | CONFIG_MANY,
		offsetof(struct config_prefix, peers), 1, 64, .most = 64, .check = symbol_check,
		.help = "BGP protocols that export it: asked what was really sent"},
};
static const struct config_section prefix_section =
	SECTION(prefix_fields, sizeof(struct config_prefix));

static const struct config_field drain_fields[] = {
	{"graceful_shutdown", CONFIG_TYPE_BOOL, 0, AT(routing.drain.graceful_shutdown),
		.fallback = "true", .help = "the community 65535:0 (RFC 8326)"},
	{"prepends", CONFIG_TYPE_NUMBER, 0, AT(routing.drain.prepends), 0, 16, .fallback = "2",
		.help = "how often our AS is put in front once more"},
	{"med", CONFIG_TYPE_NUMBER, 0, AT(routing.drain.med), 0, UINT32_MAX, .fallback = "0",
		.help = "MULTI_EXIT_DISC; 0: none"},
};
static const struct config_section drain_section = SECTION(drain_fields, 0);

static const struct config_field peer_fields[] = {
	{"name", CONFIG_TYPE_STRING, CONFIG_REQUIRED, offsetof(struct config_peer, name), 1, 64,
		.check = text_check, .help = "what the node is called in status"},
	{"address", CONFIG_TYPE_ADDRESS, CONFIG_REQUIRED, offsetof(struct config_peer, address),
		.help = "its own address, never an anycast one"},
	{"port", CONFIG_TYPE_NUMBER, 0, offsetof(struct config_peer, port), 1, 65535,
		.fallback = "53", .help = "port of its server"},
	{"key", CONFIG_TYPE_DOMAIN, 0, offsetof(struct config_peer, key),
		.help = "name of the TSIG key that both have; default: unsigned"},
};
static const struct config_section peer_section = SECTION(peer_fields, sizeof(struct config_peer));

static const struct config_field guard_fields[] = {
	{"last", CONFIG_TYPE_CHOICE, 0, AT(routing.guard.last), .fallback = "hold",
		.choices = guards,
		.help = "the last node whose server dies: hold (degraded, while its fast path "
			"answers) or withdraw"},
	{"blind", CONFIG_TYPE_CHOICE, 0, AT(routing.guard.blind), .fallback = "withdraw",
		.choices = guards,
		.help = "the same where it can't be known whether others announce"},
	{"jitter", CONFIG_TYPE_DURATION, 0, AT(routing.guard.jitter), 0, 10 * M, .fallback = "5s",
		.help = "steps that two nodes must not take together wait up to this, by the "
			"node's name"},
	{"peers", CONFIG_TYPE_SECTION, CONFIG_MANY, AT(routing.guard.peers), .most = 64,
		.section = &peer_section,
		.help = "other nodes: their routes count only while one of them answers well"},
};
static const struct config_section guard_section = SECTION(guard_fields, 0);

static const struct config_field routing_fields[] = {
	{"bird", CONFIG_TYPE_SECTION, 0, .section = &bird_section, .help = "how BIRD is reached"},
	{"on_daemon_death", CONFIG_TYPE_CHOICE, 0, AT(routing.on_daemon_death), .fallback = "hold",
		.choices = deaths, .help = "what the routes do when anoded dies"},
	{"degrade", CONFIG_TYPE_CHOICE, 0, AT(routing.degrade), .fallback = "drain",
		.choices = degrades,
		.help = "what a lesser fault comes to: drain, or withdraw after the drain where "
			"others announce"},
	{"coupled", CONFIG_TYPE_BOOL, 0, AT(routing.coupled), .fallback = "false",
		.help = "no family is announced better than the other"},
	{"drain_below", CONFIG_TYPE_NUMBER, 0, AT(routing.drain_below), 0, 1000000000,
		.fallback = "10", .help = "queries a second, below which for 3 s a drain is over"},
	{"drain_limit", CONFIG_TYPE_DURATION, 0, AT(routing.drain_limit), 1 * S, 24 * H,
		.fallback = "60s", .help = "the longest that a drain waits for that"},
	{"guard", CONFIG_TYPE_SECTION, 0, .section = &guard_section,
		.help = "what the other nodes mean for this one"},
	{"prefixes", CONFIG_TYPE_SECTION, CONFIG_MANY, AT(routing.prefixes), .most = 256,
		.section = &prefix_section,
		.help = "what to announce; none: the routes are not anode's business"},
	{"as", CONFIG_TYPE_NUMBER, 0, AT(routing.as), 0, UINT32_MAX, .fallback = "0",
		.help = "our AS, for `anodectl bird-config`; 0: bird.conf defines NODE_AS"},
	{"drain", CONFIG_TYPE_SECTION, 0, .section = &drain_section,
		.help = "attributes of a drain, for `anodectl bird-config`"},
	{"large_communities", CONFIG_TYPE_STRING, CONFIG_MANY, AT(routing.large_communities), 5, 32,
		.most = 16, .check = large_community_check,
		.help = "of every announcement, for `anodectl bird-config`: 65053:1:1 (RFC 8092)"},
	{"upstream_paths", CONFIG_TYPE_NUMBER, 0, AT(routing.upstream_paths), 1, 64,
		.fallback = "1",
		.help = "different AS paths that shall carry each prefix; `anodectl bgp` warns "
			"below"},
};
static const struct config_section routing_section = SECTION(routing_fields, 0);

static const struct config_field leave_fields[] = {
	{"quiet", CONFIG_TYPE_DURATION, 0, AT(leave.quiet), 0, 10 * M, .fallback = "1s",
		.help = "leaving: time without a query until the program is detached"},
	{"limit", CONFIG_TYPE_DURATION, 0, AT(leave.limit), 0, 1 * H, .fallback = "10s",
		.help = "leaving: the longest time to wait for that"},
};
static const struct config_section leave_section = SECTION(leave_fields, 0);

static const struct config_field control_fields[] = {
	{"socket", CONFIG_TYPE_PATH, CONFIG_RESTART, AT(control.socket), 1, 107,
		.fallback = "/run/anode/control.sock", .help = "where anodectl finds anoded"},
};
static const struct config_section control_section = SECTION(control_fields, 0);

static const struct config_field metrics_fields[] = {
	{"listen", CONFIG_TYPE_ENDPOINT, CONFIG_RESTART, AT(metrics.listen),
		.help = "address and port of the metrics page; default: none"},
};
static const struct config_section metrics_section = SECTION(metrics_fields, 0);

static const struct config_field log_fields[] = {
	{"level", CONFIG_TYPE_CHOICE, 0, AT(log.level), .fallback = "info", .choices = log_levels,
		.help = "what is written at least"},
};
static const struct config_section log_section = SECTION(log_fields, 0);

static const struct config_field root_fields[] = {
	{"version", CONFIG_TYPE_NUMBER, CONFIG_REQUIRED, AT(version), 1, 1,
		.help = "version of the file's form: 1"},
	{"instance", CONFIG_TYPE_STRING, CONFIG_RESTART, AT(instance), 1, 31, .fallback = "default",
		.check = instance_check,
		.help = "tells several daemons of one host apart; names the pinned objects"},
	{"state_dir", CONFIG_TYPE_PATH, CONFIG_RESTART, AT(state_dir), 1, 3900,
		.fallback = "/var/lib/anode",
		.help = "where overrides and history are kept, in a folder of the instance's name"},
	{"node", CONFIG_TYPE_SECTION, 0, .section = &node_section, .help = "this node"},
	{"service", CONFIG_TYPE_SECTION, 0, .section = &service_section, .help = "what is served"},
	{"interfaces", CONFIG_TYPE_SECTION, CONFIG_REQUIRED | CONFIG_MANY, AT(interfaces),
		.most = CONFIG_MAX_INTERFACES, .section = &interface_section,
		.help = "where the fast path stands"},
	{"local_server", CONFIG_TYPE_SECTION, 0, .section = &server_section,
		.help = "the authoritative server behind it"},
	{"keys", CONFIG_TYPE_SECTION, CONFIG_MANY, AT(keys), .most = 256, .section = &key_section,
		.help = "TSIG keys"},
	{"zones", CONFIG_TYPE_SECTION, CONFIG_REQUIRED | CONFIG_MANY, AT(zones), .most = 20000,
		.section = &zone_section, .help = "what is mirrored, and nothing else"},
	{"fastpath", CONFIG_TYPE_SECTION, 0, .section = &fastpath_section,
		.help = "how it answers"},
	{"health", CONFIG_TYPE_SECTION, 0, .section = &health_section,
		.help = "how the local server is watched"},
	{"routing", CONFIG_TYPE_SECTION, 0, .section = &routing_section,
		.help = "what is announced, and how"},
	{"leave", CONFIG_TYPE_SECTION, 0, .section = &leave_section, .help = "leaving service"},
	{"control", CONFIG_TYPE_SECTION, 0, .section = &control_section,
		.help = "anodectl's way in"},
	{"metrics", CONFIG_TYPE_SECTION, 0, .section = &metrics_section, .help = "OpenMetrics"},
	{"log", CONFIG_TYPE_SECTION, 0, .section = &log_section, .help = "what is logged"},
};
const struct config_section config_root = SECTION(root_fields, sizeof(struct config));

size_t config_field_size(const struct config_field *field)
{
	switch (field->type) {
	case CONFIG_TYPE_BOOL:
		return sizeof(bool);
	case CONFIG_TYPE_NUMBER:
	case CONFIG_TYPE_PERCENT:
		return sizeof(uint32_t);
	case CONFIG_TYPE_DURATION:
		return sizeof(struct duration);
	case CONFIG_TYPE_SIZE:
		return sizeof(uint64_t);
	case CONFIG_TYPE_CHOICE:
		return sizeof(int);
	case CONFIG_TYPE_STRING:
	case CONFIG_TYPE_PATH:
		return sizeof(char *);
	case CONFIG_TYPE_ADDRESS:
		return sizeof(struct address);
	case CONFIG_TYPE_PREFIX:
		return sizeof(struct prefix);
	case CONFIG_TYPE_ENDPOINT:
		return sizeof(struct endpoint);
	case CONFIG_TYPE_DOMAIN:
		return sizeof(struct domain);
	case CONFIG_TYPE_RRTYPE:
		return sizeof(uint16_t);
	case CONFIG_TYPE_SECTION:
		return field->section->size;
	}
	return 0;
}
