/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine on a network interface, and somebody who asks it from outside.
 *
 *     node INTERFACE FILE...
 *
 * In: vector files, each a world. For each it fills image and settings, says "# ready FILE" and
 * waits for a line "answered N" on standard input: what a client (client.c) has got meanwhile. The
 * counters must say the same. The program is attached natively or not at all. TAP on standard
 * output. Needs root, and the interface for itself.
 */
#include "engine.h"
#include "pass.skel.h"
#include "tests/vectors/vector.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/if_link.h>
#include <bpf/libbpf.h>

#define IMAGE_BYTES (1u << 20)
#define PATIENCE    60000 /* ms, for the client */

struct node {
	const char *ifname;
	struct engine *engine;
	unsigned checks, failed;
};

static bool check(struct node *n, bool ok, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool check(struct node *n, bool ok, const char *format, ...)
{
	va_list arguments;

	printf("%sok %u - ", ok ? "" : "not ", ++n->checks);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	n->failed += !ok;
	return ok;
}

static uint64_t clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t replies(struct node *n)
{
	struct counters sum;
	uint64_t count = 0;

	vector_counters_sum(engine_memory(n->engine), &sum);
	for (unsigned i = 0; i < COUNTERS_RCODES; i++)
		count += sum.rcodes[i];
	return count;
}

/* The number that the client says, or -1. */
static long long client_await(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	long long answered;
	char line[64];

	if (poll(&input, 1, PATIENCE) != 1 || !fgets(line, sizeof(line), stdin) ||
		sscanf(line, "answered %lld", &answered) != 1)
		return -1;
	return answered;
}

static bool attached(struct node *n)
{
	struct engine_attachment seen;

	return engine_inspect(n->engine, n->ifname, &seen) == 0 && seen.attached &&
	       seen.mode == ATTACH_NATIVE;
}

/* One world. Nobody asks while it is filled. */
static void file_run(struct node *n, const char *path)
{
	struct engine_memory *memory = engine_memory(n->engine);
	const char *name = vector_file_name(path);
	char error[VECTOR_ERROR_SIZE];
	struct vector *vector = NULL;
	long long answered;
	uint64_t before;

	if (vector_load(&vector, path, error) ||
		vector_world_fill(vector, memory, clock_now(), error)) {
		check(n, false, "%s can be used: %s", name, error);
		vector_free(vector);
		return;
	}
	vector_free(vector);
	memory->settings->block[0].ifaces[0].ifindex = if_nametoindex(n->ifname);
	before = replies(n);
	printf("# ready %s\n", name);
	fflush(stdout);
	answered = client_await();
	check(n, answered > 0 && replies(n) - before == (uint64_t)answered,
		"%s: %lld replies on the wire, the counters say %llu", name, answered,
		(unsigned long long)(replies(n) - before));
	check(n, attached(n), "%s: the program is attached natively afterwards", name);
}

static void pass_run(struct node *n)
{
	int ifindex = (int)if_nametoindex(n->ifname), err;
	struct pass_bpf *pass = pass_bpf__open_and_load();
	LIBBPF_OPTS(bpf_xdp_query_opts, seen);
	int program;

	if (!check(n, pass, "pass.bpf.o loads"))
		return;
	program = bpf_program__fd(pass->progs.pass);
	err = bpf_xdp_attach(ifindex, program, XDP_FLAGS_DRV_MODE, NULL);
	if (!err)
		err = bpf_xdp_query(ifindex, 0, &seen);
	check(n, !err && seen.drv_prog_id, "pass.bpf.o attaches natively%s%s", err ? ": " : "",
		err ? strerror(-err) : "");
	bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, NULL);
	pass_bpf__destroy(pass);
}

static bool nothing_attached(const char *ifname)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, seen);

	return bpf_xdp_query((int)if_nametoindex(ifname), 0, &seen) == 0 &&
	       seen.attach_mode == XDP_ATTACHED_NONE;
}

int main(int argc, char **argv)
{
	struct node node = {0};
	struct engine_attachment attachment;
	char error[1024] = "";
	bool adopted;
	int err;

	if (argc < 3) {
		fputs("Usage: node INTERFACE FILE...\n", stderr);
		return 2;
	}
	node.ifname = argv[1];
	err = engine_open(&node.engine,
		&(struct engine_options){.instance = "floor", .image_bytes = IMAGE_BYTES}, &adopted,
		error, sizeof(error));
	if (!check(&node, !err, "the programs load%s%s", err ? ": " : "", error))
		return 1;
	err = engine_attach(node.engine, node.ifname, ATTACH_NATIVE, true, &attachment);
	check(&node, !err && attachment.attached && attachment.mode == ATTACH_NATIVE,
		"the program attaches natively%s%s", *attachment.note ? ": " : "", attachment.note);
	for (int i = 2; i < argc; i++)
		file_run(&node, argv[i]);
	err = engine_remove(node.engine);
	check(&node, !err && nothing_attached(node.ifname), "it leaves, and nothing is attached");
	pass_run(&node);
	check(&node, nothing_attached(node.ifname), "pass.bpf.o is taken away again");
	printf("1..%u\n", node.checks);
	return node.failed != 0;
}
