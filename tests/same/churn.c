/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The gate of publishing, on the real program: while a writer publishes version after version, and
 * is killed at random, every answer of the XDP program is right for a version that was current
 * while it was asked.
 *
 *     churn [--seconds N] [--no-grace] [--sign nsec|opt-out]
 *
 * The writer is a process with the engine's maps and its grace period; it poisons what it frees.
 * Readers are threads, one a CPU, that ask by test runs: mostly of the engine's program, sometimes
 * of one that pauses in the middle (churn.bpf.c), and so meets the writer's every step. What a zone
 * says is a function of its version (its serial), so a reader, which notes the version published
 * before its question and the one being published after it, knows the right answers. A packet that
 * passes is wrong as well: the zone is there all the time.
 * --sign: the zone is signed in form, asked with DO, and denials must be of the same version.
 * --no-grace takes the grace period away: then the test must fail, or it shows nothing. TAP. Needs
 * root.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include "answer/packet.h"
#include "control/zone/image.h"
#include "churn.skel.h"
#include "churn_zone.h"
#include "tests/host/ask.h"
#include "tests/host/sandbox.h"
#include "tests/host/second.h"

#define IMAGE_BYTES   (8u << 20)
#define READERS_MAX   64
#define KILL_VERSIONS 12    /* that a writer lives for, at most */
#define KILL_AFTER    30    /* ms, beyond that, at most */
#define KILL_MAX      5000  /* ms */
#define PATIENCE      40000 /* ms */

/* What writer and readers share. */
struct progress {
	uint32_t published;  /* serial that is visible, at least */
	uint32_t publishing; /* serial that may be visible */
	uint32_t grace;      /* 0: none */
	int failed;
	char text[256];
};

struct reader {
	pthread_t thread;
	int cpu, program, pausing; /* descriptors */
	struct progress *progress;
	const bool *stop;
	uint64_t random;
	bool dnssec;
	uint64_t asked, of_new, kinds[KINDS]; /* answers; of a version that was being published */
	bool failed;
	char text[512];
};

/* ---- the writer ---- */

static struct progress *writer_progress;
static int (*writer_grace)(void *);

static int grace_perhaps(void *engine)
{
	return writer_progress->grace ? writer_grace(engine) : 0;
}

static _Noreturn void writer_fail(struct progress *p, int err, const char *what, const char *why)
{
	snprintf(p->text, sizeof(p->text), "%s: %s", what, why ? why : strerror(-err));
	__atomic_store_n(&p->failed, 1, __ATOMIC_RELEASE);
	_exit(1);
}

/* Which version does the image hold? Nothing else may be there than what was published or about to
 * be. */
static void writer_resume(
	struct progress *p, struct image *image, const uint8_t *apex, bool adopted)
{
	struct image_zone_state state;
	uint32_t published = __atomic_load_n(&p->published, __ATOMIC_ACQUIRE);

	if (published && !adopted)
		writer_fail(p, 0, "a killed writer's image", "not adopted");
	if (image_zone_state(image, apex, &state) != 0 || !state.number) {
		if (published)
			writer_fail(p, 0, "a killed writer's image", "lost its zone");
		return;
	}
	if (state.serial < published || state.serial > p->publishing)
		writer_fail(p, 0, "a killed writer's image", "holds another version");
	__atomic_store_n(&p->published, state.serial, __ATOMIC_RELEASE);
}

static void writer_publish(struct progress *p, struct image *image, uint32_t version)
{
	char reason[ZONE_REASON_SIZE] = "";
	struct compiled *compiled = NULL;
	struct zone *zone = NULL;
	int err = churn_zone(&zone, version, reason);

	if (err)
		writer_fail(p, err, "zone", reason);
	err = compile_zone(&compiled, zone);
	zone_free(zone);
	if (err)
		writer_fail(p, err, "compile", NULL);
	__atomic_store_n(&p->publishing, version, __ATOMIC_SEQ_CST);
	err = image_zone_publish(image, compiled, UINT64_MAX, NULL);
	if (err)
		writer_fail(p, err, "publish", NULL);
	__atomic_store_n(&p->published, version, __ATOMIC_SEQ_CST);
	compiled_free(compiled);
	if (version % 3 == 0) /* otherwise the next publish finishes this one */
		err = image_settle(image);
	if (err)
		writer_fail(p, err, "settle", NULL);
}

/* Publishes until it is killed. */
static _Noreturn void writer_run(struct progress *p, const struct engine_memory *from)
{
	struct engine_memory memory = *from, *list[] = {&memory};
	uint8_t apex[NAME_MAX_SIZE];
	struct image *image;
	bool adopted;
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	writer_progress = p;
	writer_grace = memory.grace;
	memory.grace = grace_perhaps;
	err = image_open(&image, list, 1, &(struct image_options){.poison = true}, &adopted);
	if (err)
		writer_fail(p, err, "open the image", NULL);
	if (name_from_text(apex, CHURN_ORIGIN) < 0)
		writer_fail(p, -EINVAL, "origin", NULL);
	writer_resume(p, image, apex, adopted);
	err = image_zone_add(image, apex);
	if (err && err != -EEXIST)
		writer_fail(p, err, "add the zone", NULL);
	for (uint32_t version = p->published + 1;; version++)
		writer_publish(p, image, version);
}

/* ---- readers ---- */

static uint32_t reader_random(struct reader *r)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return (uint32_t)(r->random >> 16);
}

static void reader_complain(struct reader *r, const struct churn_question *q, uint32_t low,
	uint32_t high, uint32_t action, const uint8_t *reply, size_t size)
{
	int at = snprintf(r->text, sizeof(r->text),
		"name %u type %u, versions %u to %u: action %u, reply ", q->name, q->type, low,
		high, action);

	for (size_t i = ask_message_at(false); i < size && at > 0 && at < (int)sizeof(r->text) - 3;
		i++)
		at += snprintf(r->text + at, sizeof(r->text) - (size_t)at, "%02x", reply[i]);
	r->failed = true;
}

/* One question. False: a wrong answer. */
static bool reader_ask(struct reader *r)
{
	uint8_t frame[256], reply[2048];
	uint32_t turn = reader_random(r), low, high;
	struct churn_question q = {.name = turn % 16 ? reader_random(r) % CHURN_NAMES : CHURN_APEX};
	struct ask ask = {.id = (uint16_t)turn, .port = 4000, .edns = r->dnssec};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_out = reply,
		.data_size_out = sizeof(reply), .repeat = 1);
	const uint8_t *dns = reply + ask_message_at(false);

	q.type = q.name == CHURN_APEX ? TYPE_SOA : turn & 0x300 ? 1 : 28;
	churn_question_name(&q);
	ask.name = q.qname;
	ask.name_size = q.qname_size;
	ask.type = q.type;
	run.data_size_in = (uint32_t)ask_frame(&ask, frame, sizeof(frame));

	low = __atomic_load_n(&r->progress->published, __ATOMIC_SEQ_CST);
	if (bpf_prog_test_run_opts(turn >> 10 & 31 ? r->program : r->pausing, &run) != 0) {
		snprintf(r->text, sizeof(r->text), "test run: %s", strerror(errno));
		r->failed = true;
		return false;
	}
	high = __atomic_load_n(&r->progress->publishing, __ATOMIC_SEQ_CST);
	r->asked++;
	if (run.retval == XDP_TX && run.data_size_out > ask_message_at(false) + sizeof(struct dns))
		for (uint32_t v = low; v <= high; v++) {
			size_t size = run.data_size_out - ask_message_at(false);

			if (!churn_reply_is(&q, v, dns, size))
				continue;
			r->of_new += v != low;
			r->kinds[q.name == CHURN_APEX ? KIND_APEX : churn_kind(q.name, v)]++;
			return true;
		}
	reader_complain(r, &q, low, high, run.retval, reply, run.data_size_out);
	return false;
}

static void *reader_run(void *data)
{
	struct reader *r = data;
	cpu_set_t set;

	/* the program's scratch is the CPU's: two readers on one would be two packets at once */
	CPU_ZERO(&set);
	CPU_SET(r->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	while (!__atomic_load_n(r->stop, __ATOMIC_RELAXED) && reader_ask(r))
		;
	return NULL;
}

/* ---- the whole ---- */

struct churn {
	struct engine *engine;
	struct churn_bpf *pausing;
	struct progress *progress;
	struct reader readers[READERS_MAX];
	unsigned reader_count;
	bool stop, dnssec;
	unsigned kills;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static pid_t writer_start(struct churn *c)
{
	pid_t pid = fork();

	if (pid == 0)
		writer_run(c->progress, engine_memory(c->engine));
	return pid;
}

static bool anybody_failed(const struct churn *c)
{
	for (unsigned i = 0; i < c->reader_count; i++)
		if (__atomic_load_n(&c->readers[i].failed, __ATOMIC_RELAXED))
			return true;
	return __atomic_load_n(&c->progress->failed, __ATOMIC_ACQUIRE);
}

/* Wait, but no longer than somebody's failure or the deadline. */
static void wait_until(struct churn *c, uint64_t end, uint32_t published)
{
	while (now_ms() < end && !anybody_failed(c) &&
		__atomic_load_n(&c->progress->published, __ATOMIC_RELAXED) < published)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static int readers_start(struct churn *c)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return -errno;
	for (int cpu = 0; cpu < CPU_SETSIZE && c->reader_count < READERS_MAX; cpu++) {
		struct reader *r = &c->readers[c->reader_count];

		if (!CPU_ISSET(cpu, &set))
			continue;
		*r = (struct reader){.cpu = cpu,
			.program = c->engine->program[PROGRAM_NATIVE],
			.pausing = bpf_program__fd(c->pausing->progs.churn),
			.progress = c->progress,
			.stop = &c->stop,
			.dnssec = c->dnssec,
			.random = 0x2545f4914f6cdd1dull + (unsigned)cpu};
		if (pthread_create(&r->thread, NULL, reader_run, r) != 0)
			return -EAGAIN;
		c->reader_count++;
	}
	return 0;
}

/* What all readers saw so far; they may be at it. */
struct seen {
	uint64_t asked, of_new, kinds[KINDS];
};

static struct seen churn_seen(const struct churn *c)
{
	struct seen seen = {0};

	for (unsigned i = 0; i < c->reader_count; i++) {
		const struct reader *r = &c->readers[i];

		seen.asked += __atomic_load_n(&r->asked, __ATOMIC_RELAXED);
		seen.of_new += __atomic_load_n(&r->of_new, __ATOMIC_RELAXED);
		for (int k = 0; k < KINDS; k++)
			seen.kinds[k] += __atomic_load_n(&r->kinds[k], __ATOMIC_RELAXED);
	}
	return seen;
}

/* All names changed at once at least once, and every kind of answer was seen often. */
static bool churn_enough(const struct churn *c)
{
	struct seen seen = churn_seen(c);
	bool enough = __atomic_load_n(&c->progress->published, __ATOMIC_RELAXED) > UPHEAVAL &&
		      c->kills >= 3 && seen.of_new > 0;

	for (int k = 0; k < KINDS; k++)
		enough &= seen.kinds[k] > 1000;
	return enough;
}

/*
 * Writers come and are killed; the last one is killed, too. It goes on beyond its time on a machine
 * that is too busy for enough to happen.
 */
static int churn_run(struct churn *c, unsigned seconds)
{
	uint64_t end = now_ms() + seconds * 1000, first = now_ms() + 10000;
	pid_t writer = writer_start(c);
	int err = writer < 0 ? -errno : 0;

	wait_until(c, first, 1);
	if (!err && !c->progress->published && !anybody_failed(c))
		err = -ETIMEDOUT;
	if (!err)
		err = readers_start(c);
	srandom((unsigned)getpid());
	while (!err && !anybody_failed(c) &&
		(now_ms() < end || (!churn_enough(c) && now_ms() < end + PATIENCE))) {
		/* let it get on, however slow the machine is, then strike at no particular moment
		 */
		wait_until(c, now_ms() + KILL_MAX,
			c->progress->published + (uint32_t)random() % KILL_VERSIONS);
		wait_until(c, now_ms() + (uint64_t)random() % KILL_AFTER, UINT32_MAX);
		kill(writer, SIGKILL);
		waitpid(writer, NULL, 0);
		c->kills++;
		writer = writer_start(c);
		err = writer < 0 ? -errno : 0;
	}
	__atomic_store_n(&c->stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < c->reader_count; i++)
		pthread_join(c->readers[i].thread, NULL);
	if (writer > 0) {
		kill(writer, SIGKILL);
		waitpid(writer, NULL, 0);
	}
	return err;
}

/* TAP: what was wrong, and whether enough happened for that to mean something. */
static int churn_judge(const struct churn *c, int err)
{
	struct seen seen = churn_seen(c);
	bool right = !err && !c->progress->failed, enough = churn_enough(c);

	for (unsigned i = 0; i < c->reader_count; i++) {
		right &= !c->readers[i].failed;
		if (c->readers[i].failed)
			printf("# CPU %d: %s\n", c->readers[i].cpu, c->readers[i].text);
	}
	if (err)
		printf("# %s\n", strerror(-err));
	if (c->progress->failed)
		printf("# writer: %s\n", c->progress->text);
	printf("# %u versions, %u killed writers, %llu answers, %llu of them of a version that was "
	       "just being published\n",
		c->progress->published, c->kills, (unsigned long long)seen.asked,
		(unsigned long long)seen.of_new);
	printf("%sok 1 - every answer is of a version that was current\n", right ? "" : "not ");
	printf("%sok 2 - versions, kills and kinds of answers enough to show it\n",
		enough ? "" : "not ");
	printf("1..2\n");
	return right && enough ? 0 : 1;
}

static int churn_open(struct churn *c, bool grace)
{
	char error[1024];
	bool adopted;
	int err;

	c->progress = mmap(NULL, sizeof(*c->progress), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->progress == MAP_FAILED)
		return -errno;
	c->progress->grace = grace;
	err = engine_open(&c->engine,
		&(struct engine_options){.instance = "churn", .image_bytes = IMAGE_BYTES}, &adopted,
		error, sizeof(error));
	if (err) {
		printf("# %s\n", error);
		return err;
	}
	ask_settings(engine_memory(c->engine)->settings);
	err = second_begin();
	if (err)
		return err;
	c->pausing = churn_bpf__open();
	if (!c->pausing)
		return -errno;
	err = second_load(c->pausing->obj, c->engine);
	if (err)
		printf("# %s\n", loadlog_tail());
	return err;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"seconds", required_argument, NULL, 's'},
		{"no-grace", no_argument, NULL, 'n'}, {"sign", required_argument, NULL, 'd'}, {0}};
	static struct churn churn;
	struct zone_signing signing = {0};
	unsigned seconds = 6;
	bool grace = true;
	int option, err, result = 1;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's') {
			seconds = (unsigned)atoi(optarg);
		} else if (option == 'n') {
			grace = false;
		} else if (option == 'd' && strcmp(optarg, "nsec") == 0) {
			signing.denial = ZONE_NSEC;
		} else if (option == 'd' && strcmp(optarg, "opt-out") == 0) {
			signing = (struct zone_signing){.denial = ZONE_NSEC3, .opt_out = true};
		} else {
			fputs("Usage: churn [--seconds N] [--no-grace] [--sign nsec|opt-out]\n",
				stderr);
			return 2;
		}
	}
	err = sandbox_enter();
	if (err)
		return err == -EPERM ? SANDBOX_SKIP : 1;
	churn.dnssec = signing.denial != ZONE_UNSIGNED;
	err = churn_zone_open(&signing);
	if (!err)
		err = churn_open(&churn, grace);
	if (err) {
		fprintf(stderr, "churn: %s\n", strerror(-err));
	} else {
		err = churn_run(&churn, seconds);
		result = churn_judge(&churn, err);
	}
	churn_zone_close();
	churn_bpf__destroy(churn.pausing);
	if (churn.engine)
		engine_remove(churn.engine);
	return result;
}
