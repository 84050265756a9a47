/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The XDP engine against the running kernel: generations, links, the lock, grace.
 *
 * Needs root. Each test has a network namespace of its own, unnamed, so that it ends with the
 * process; pins are made in a BPF file system that ends with it, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "answer/image.h"
#include "engine_parts.h"
#include "pass.skel.h"
#include "refused.skel.h"
#include "slow.skel.h"
#include "tests/host/sandbox.h"

#define MIB         (1ull << 20)
#define DEADLINE_MS 5000

static char pin_root[64];
static char error[1024];

/* ---- surroundings ---- */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void pause_briefly(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void run(const char *command)
{
	int status = system(command);

	if (status != 0)
		fail_msg("%s: status %d", command, status);
}

static void make_veth(const char *near, const char *far)
{
	char command[256];

	snprintf(command, sizeof(command),
		"ip link add %s type veth peer name %s && ip link set %s up && ip link set %s up",
		near, far, near, far);
	run(command);
}

static struct engine *open_sized(const char *instance, uint64_t bytes, bool *adopted)
{
	struct engine_options options = {
		.instance = instance, .image_bytes = bytes, .pin_root = pin_root};
	struct engine *engine;
	int err = engine_open(&engine, &options, adopted, error, sizeof(error));

	if (err)
		fail_msg("open: %d %s", err, error);
	return engine;
}

static struct engine *open_fresh(const char *instance)
{
	bool adopted;
	struct engine *engine = open_sized(instance, MIB, &adopted);

	assert_false(adopted);
	return engine;
}

static bool exists(const char *format, const char *instance)
{
	char path[256], rest[128];
	struct stat status;

	snprintf(rest, sizeof(rest), format, instance);
	snprintf(path, sizeof(path), "%s/%s", pin_root, rest);
	return stat(path, &status) == 0;
}

static void pinned_path(char path[256], const char *instance, const char *pin)
{
	snprintf(path, 256, "%s/%s/%s", pin_root, instance, pin);
}

static void pinned_info(const char *instance, const char *pin, void *info, uint32_t size)
{
	char path[256];
	int fd;

	pinned_path(path, instance, pin);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	memset(info, 0, size);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, info, &size), 0);
	close(fd);
}

static uint32_t pinned_program(const char *instance, const char *pin)
{
	struct bpf_prog_info info;

	pinned_info(instance, pin, &info, sizeof(info));
	return info.id;
}

static uint32_t pinned_link(const char *instance, const char *pin)
{
	struct bpf_link_info info;

	pinned_info(instance, pin, &info, sizeof(info));
	return info.id;
}

static uint32_t interface_program(const char *ifname)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	assert_int_equal(bpf_xdp_query((int)if_nametoindex(ifname), 0, &query), 0);
	return query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
}

static int enter(void **state)
{
	static int number;

	if (unshare(CLONE_NEWNET) != 0)
		return -1;
	/* No frames of the kernel's own among those that are counted. */
	run("ip link set lo up && sysctl -qw net.ipv6.conf.default.disable_ipv6=1");
	snprintf(pin_root, sizeof(pin_root), "/sys/fs/bpf/test-%d", ++number);
	return 0;
}

/* Whatever a failed test left. */
static int leave(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", pin_root);
	return system(command);
}

/* A child that holds until told to go on, by closing the pipe; what it did is judged by its exit
 * code. */
struct child {
	pid_t pid;
	int ready; /* reads one byte when the child is ready */
	int go;
};

static struct child fork_child(void (*body)(int ready, int go))
{
	int ready[2], go[2];
	struct child child;
	char byte;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (child.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		close(go[1]);
		body(ready[1], go[0]);
		_exit(0);
	}
	close(ready[1]);
	close(go[0]);
	child.ready = ready[0];
	child.go = go[1];
	assert_int_equal(read(child.ready, &byte, 1), 1);
	return child;
}

static int reap_child(struct child *child)
{
	int status;

	close(child->go);
	close(child->ready);
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	return status;
}

static void say_ready_and_wait(int ready, int go)
{
	char byte = 1;

	if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) < 0)
		_exit(9);
}

static void expect_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" doesn't say \"%s\"", text, part);
}

/* ---- generations ---- */

static void memory_is_what_was_asked_for_and_writable(void **state)
{
	struct engine *engine = open_fresh("one");
	struct engine_memory *memory = engine_memory(engine);

	assert_int_equal(memory->shards, 1);
	assert_int_equal(memory->shard_shift, 20);
	assert_true(memory->rows >= (uint32_t)libbpf_num_possible_cpus());
	memory->image[0] = 1;
	memory->image[IMAGE_STRIDE(20) - 1] = 2;
	memory->settings->active = 0;
	memory->counters[memory->rows - 1].reserved[0] = 3;
	memory->samples[memory->rows - 1].slot[SAMPLES_PER_ROW - 1].seq = 4;
	assert_int_equal(engine_remove(engine), 0);
}

static void large_memory_is_split_into_shards_that_lie_a_stride_apart(void **state)
{
	bool adopted;
	struct engine *engine = open_sized("one", 300 * MIB, &adopted);
	struct engine_memory *memory = engine_memory(engine);
	uint32_t key = 3;
	uint8_t *value = malloc(IMAGE_STRIDE(26));

	assert_int_equal(memory->shard_shift, 26);
	assert_int_equal(memory->shards, 5);
	memory->image[3 * IMAGE_STRIDE(26) + 77] = 0x5a;
	assert_int_equal(bpf_map_lookup_elem(engine->maps[MAP_IMAGE], &key, value), 0);
	assert_int_equal(value[77], 0x5a);
	free(value);
	assert_int_equal(engine_remove(engine), 0);
}

static void drop_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		data[i].effective = data[i].permitted = (uint32_t)(keep >> 32 * i);
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, data) != 0)
		_exit(8);
}

/* In a child with few capabilities: exit code 0 if `check` found what it wants. */
static void in_child(int (*check)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(check());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("the child ended with status %x", (unsigned int)status);
}

static int try_with_three_capabilities(void)
{
	struct engine_options options = {
		.instance = "few", .image_bytes = MIB, .pin_root = pin_root};
	struct engine_attachment attachment;
	struct engine *engine;
	bool adopted;

	drop_capabilities(1ull << CAP_NET_ADMIN | 1ull << CAP_BPF | 1ull << CAP_PERFMON);
	if (engine_open(&engine, &options, &adopted, error, sizeof(error)) != 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	if (engine_attach(engine, "near", ATTACH_AUTO, true, &attachment) != 0 ||
		!attachment.attached) {
		fprintf(stderr, "%s\n", attachment.note);
		return 3;
	}
	return engine_remove(engine) == 0 ? 0 : 4;
}

static void three_capabilities_suffice(void **state)
{
	make_veth("near", "far");
	in_child(try_with_three_capabilities);
}

static int try_without_capabilities(void)
{
	struct engine_options options = {
		.instance = "none", .image_bytes = MIB, .pin_root = pin_root};
	struct engine *engine;
	bool adopted;
	int err;

	drop_capabilities(1ull << CAP_NET_ADMIN | 1ull << CAP_BPF);
	err = engine_open(&engine, &options, &adopted, error, sizeof(error));
	if (err != -EACCES || !strstr(error, "missing CAP_PERFMON (")) {
		fprintf(stderr, "%d %s\n", err, error);
		return 1;
	}
	/* The directory is ours to write still, the kernel is not. */
	drop_capabilities(0);
	err = engine_open(&engine, &options, &adopted, error, sizeof(error));
	if (err != -EPERM || !strstr(error, "missing CAP_NET_ADMIN CAP_BPF CAP_PERFMON (")) {
		fprintf(stderr, "%d %s\n", err, error);
		return 1;
	}
	return 0;
}

static void missing_capabilities_are_named_and_nothing_is_left(void **state)
{
	in_child(try_without_capabilities);
	assert_false(exists("%s", "none"));
	assert_false(exists("%s", ""));
}

static void options_that_cannot_work_are_refused_with_a_reason(void **state)
{
	static const struct {
		struct engine_options options;
		const char *text;
	} cases[] = {
		{{.instance = "a.b", .image_bytes = MIB}, "instance name"},
		{{.instance = "../x", .image_bytes = MIB}, "instance name"},
		{{.instance = "", .image_bytes = MIB}, "instance name"},
		{{.instance = "a", .image_bytes = MIB, .pin_root = "/tmp/anode-engine"},
			"BPF file system"},
		{{.instance = "a", .image_bytes = 0}, "fastpath.memory"},
		{{.instance = "a", .image_bytes = 65ull << 30}, "fastpath.memory"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct engine_options options = cases[i].options;
		struct engine *engine;
		bool adopted;

		if (!options.pin_root)
			options.pin_root = pin_root;
		error[0] = 0;
		assert_int_equal(
			engine_open(&engine, &options, &adopted, error, sizeof(error)), -EINVAL);
		assert_null(engine);
		expect_text(error, cases[i].text);
	}
	assert_false(exists("%s", ""));
}

static int try_without_bpffs(void)
{
	struct engine_options options = {.instance = "one", .image_bytes = MIB};
	struct engine *engine;
	bool adopted;
	int err;

	/* Ours, and what it hides. */
	while (umount("/sys/fs/bpf") == 0)
		;
	err = engine_open(&engine, &options, &adopted, error, sizeof(error));
	if (err != -ENODEV || !strstr(error, "mount -t bpf bpf /sys/fs/bpf")) {
		fprintf(stderr, "%d %s\n", err, error);
		return 1;
	}
	return 0;
}

static int try_read_only(void)
{
	struct engine_options options = {.instance = "one", .image_bytes = MIB};
	struct engine *engine;
	bool adopted;
	int err;

	if (mount(NULL, "/sys/fs/bpf", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) != 0)
		return 2;
	err = engine_open(&engine, &options, &adopted, error, sizeof(error));
	if (err != -EROFS || !strstr(error, "ReadWritePaths=")) {
		fprintf(stderr, "%d %s\n", err, error);
		return 1;
	}
	return 0;
}

/* In a mount namespace of the child's own, as a systemd unit may have. */
static int in_namespace(int (*check)(void))
{
	return unshare(CLONE_NEWNS) == 0 ? check() : 3;
}

static int try_mounts(void)
{
	return in_namespace(try_read_only) || in_namespace(try_without_bpffs);
}

static void a_missing_or_read_only_bpf_file_system_is_explained(void **state)
{
	in_child(try_mounts);
}

static void adopting_child(int ready, int go)
{
	struct engine_attachment attachment;
	struct engine *engine = open_fresh("one");

	engine_memory(engine)->image[4711] = 0x42;
	if (engine_attach(engine, "near", ATTACH_NATIVE, true, &attachment) != 0)
		_exit(1);
	say_ready_and_wait(ready, go);
	engine_close(engine);
}

static void a_killed_daemon_leaves_all_to_the_next(void **state)
{
	struct engine_attachment attachment;
	struct child child;
	struct engine *engine;
	uint32_t program;
	bool adopted;

	make_veth("near", "far");
	child = fork_child(adopting_child);
	program = interface_program("near");
	assert_int_not_equal(program, 0);
	kill(child.pid, SIGKILL);
	assert_true(WIFSIGNALED(reap_child(&child)));

	engine = open_sized("one", MIB, &adopted);
	assert_true(adopted);
	assert_int_equal(engine_memory(engine)->image[4711], 0x42);
	assert_int_equal(engine_inspect(engine, "near", &attachment), 0);
	assert_true(attachment.attached);
	assert_int_equal(attachment.mode, ATTACH_NATIVE);
	assert_int_equal(interface_program("near"), program);
	assert_int_equal(pinned_program("one", "xdp"), program);
	assert_int_equal(engine_remove(engine), 0);
}

static void a_second_daemon_of_an_instance_is_refused_until_the_first_ends(void **state)
{
	struct engine_options options = {
		.instance = "one", .image_bytes = MIB, .pin_root = pin_root};
	struct engine *engine;
	struct child child;
	bool adopted;

	make_veth("near", "far");
	child = fork_child(adopting_child);
	assert_int_equal(engine_open(&engine, &options, &adopted, error, sizeof(error)), -EBUSY);
	assert_null(engine);
	expect_text(error, "another daemon");
	assert_int_equal(reap_child(&child), 0);
	engine = open_sized("one", MIB, &adopted);
	assert_true(adopted);
	assert_int_equal(engine_remove(engine), 0);
}

static void another_size_makes_a_generation_that_takes_the_links_over(void **state)
{
	struct engine_attachment attachment;
	struct engine *engine = open_fresh("one");
	const char *const names[] = {"near", "near2"};
	uint32_t first, second, link;
	bool adopted;

	make_veth("near", "far");
	make_veth("near2", "far2");
	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, true, &attachment), 0);
	assert_int_equal(engine_attach(engine, "near2", ATTACH_GENERIC, true, &attachment), 0);
	first = interface_program("near");
	link = pinned_link("one", "link-near2");
	engine_close(engine);

	engine = open_sized("one", 2 * MIB, &adopted);
	assert_false(adopted);
	assert_true(exists("%s/gen-1", "one"));
	assert_true(exists("%s/gen-2", "one"));
	/* The old program answers, and is the current one, until its link was moved. */
	assert_int_equal(interface_program("near"), first);
	assert_int_equal(pinned_program("one", "xdp"), first);
	assert_int_equal(engine_inspect(engine, "near", &attachment), 0);
	assert_false(attachment.attached);
	expect_text(attachment.note, "older generation");
	expect_text(engine_note(engine), "generation 1 is of another");

	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, false, &attachment), 0);
	assert_true(attachment.attached);
	second = interface_program("near");
	assert_int_not_equal(second, first);
	assert_int_equal(pinned_program("one", "xdp"), second);
	assert_int_equal(engine_settle(engine, names, 2, true), -EAGAIN);
	expect_text(engine_error(engine), "older program");
	assert_true(exists("%s/gen-1", "one"));

	/* Moved, not made again. */
	assert_int_equal(engine_attach(engine, "near2", ATTACH_AUTO, false, &attachment), 0);
	assert_int_equal(attachment.mode, ATTACH_GENERIC);
	assert_int_equal(pinned_link("one", "link-near2"), link);
	assert_int_equal(interface_program("near2"), pinned_program("one", "gen-2/xdp-generic"));
	assert_int_equal(engine_settle(engine, names, 2, true), 0);
	assert_false(exists("%s/gen-1", "one"));
	assert_true(exists("%s/gen-2", "one"));
	assert_int_equal(engine_remove(engine), 0);
}

static void what_a_crashed_load_left_is_cleared(void **state)
{
	struct engine *engine = open_fresh("one");
	char from[256], to[256];
	bool adopted;

	engine_close(engine);
	/* As if it had died before the generation got its name, and once more in the middle. */
	pinned_path(from, "one", "gen-1");
	pinned_path(to, "one", "new-1");
	assert_int_equal(rename(from, to), 0);
	pinned_path(to, "one", "new-7");
	assert_int_equal(mkdir(to, 0700), 0);
	engine = open_sized("one", MIB, &adopted);
	assert_false(adopted);
	assert_false(exists("%s/new-1", "one"));
	assert_false(exists("%s/new-7", "one"));
	assert_true(exists("%s/gen-1", "one"));
	assert_int_equal(engine_remove(engine), 0);
	assert_false(exists("%s", "one"));
}

static void a_generation_with_a_foreign_map_is_not_adopted(void **state)
{
	struct engine *engine = open_fresh("one");
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	char path[256];
	bool adopted;
	int map;

	/* Same shape, but not the one that the program uses. */
	map = bpf_map_create(
		BPF_MAP_TYPE_ARRAY, "settings", 4, sizeof(struct settings_area), 1, &options);
	assert_true(map >= 0);
	engine_close(engine);
	pinned_path(path, "one", "gen-1/settings");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bpf_obj_pin(map, path), 0);
	close(map);
	engine = open_sized("one", MIB, &adopted);
	assert_false(adopted);
	assert_true(exists("%s/gen-2", "one"));
	assert_int_equal(engine_remove(engine), 0);
}

static void the_verifiers_last_words_are_kept(void **state)
{
	struct refused_bpf *skeleton = refused_bpf__open();

	assert_non_null(skeleton);
	loadlog_start();
	assert_true(refused_bpf__load(skeleton) < 0);
	expect_text(loadlog_tail(), "invalid access to packet");
	refused_bpf__destroy(skeleton);
}

/* ---- links ---- */

static void send_frames(const char *ifname, int count)
{
	static const uint8_t frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5};
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(ifname),
		.sll_halen = ETH_ALEN};
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));

	assert_true(s >= 0);
	for (int i = 0; i < count; i++)
		assert_int_equal(
			sendto(s, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)),
			sizeof(frame));
	close(s);
}

static uint64_t counted(const struct engine_memory *memory)
{
	uint64_t sum = 0;

	for (uint32_t row = 0; row < memory->rows; row++)
		for (int reason = 0; reason < REASON_COUNT; reason++)
			sum += __atomic_load_n(
				&memory->counters[row].reasons[reason], __ATOMIC_RELAXED);
	return sum;
}

static void expect_frames_seen(struct engine *engine, const char *far, bool seen)
{
	uint64_t before = counted(engine_memory(engine)), end = now_ms() + DEADLINE_MS;

	send_frames(far, 10);
	if (!seen) {
		/* Frames on a veth are received before the sender goes on, or within its softirq.
		 */
		assert_int_equal(counted(engine_memory(engine)), before);
		return;
	}
	while (counted(engine_memory(engine)) < before + 10 && now_ms() < end)
		pause_briefly();
	assert_true(counted(engine_memory(engine)) >= before + 10);
}

static void attached_programs_see_frames_in_either_mode(void **state)
{
	static const enum attach_mode modes[] = {ATTACH_NATIVE, ATTACH_GENERIC};
	static const char *const programs[] = {"xdp", "xdp-generic"};
	struct engine_attachment attachment;
	struct engine *engine = open_fresh("one");

	make_veth("near", "far");
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(engine_attach(engine, "near", modes[i], true, &attachment), 0);
		assert_int_equal(interface_program("near"), pinned_program("one", programs[i]));
		assert_true(attachment.attached);
		assert_int_equal(attachment.mode, modes[i]);
		assert_string_equal(attachment.note, "");
		assert_int_equal(engine_inspect(engine, "near", &attachment), 0);
		assert_true(attachment.attached);
		assert_int_equal(attachment.mode, modes[i]);
		expect_frames_seen(engine, "far", true);
	}
	assert_int_equal(engine_detach(engine, "near"), 0);
	assert_int_equal(engine_inspect(engine, "near", &attachment), 0);
	assert_false(attachment.attached);
	assert_int_equal(interface_program("near"), 0);
	expect_frames_seen(engine, "far", false);
	assert_int_equal(engine_detach(engine, "near"), 0);
	assert_int_equal(engine_remove(engine), 0);
}

static void attaching_again_touches_nothing(void **state)
{
	struct engine_attachment attachment;
	struct engine *engine = open_fresh("one");
	uint32_t link;

	make_veth("near", "far");
	assert_int_equal(engine_attach(engine, "near", ATTACH_GENERIC, true, &attachment), 0);
	link = pinned_link("one", "link-near");
	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, true, &attachment), 0);
	assert_int_equal(attachment.mode, ATTACH_GENERIC);
	assert_int_equal(pinned_link("one", "link-near"), link);
	assert_int_equal(engine_attach(engine, "near", ATTACH_NATIVE, true, &attachment), 0);
	assert_int_equal(attachment.mode, ATTACH_NATIVE);
	assert_int_not_equal(pinned_link("one", "link-near"), link);
	assert_int_equal(engine_remove(engine), 0);
}

/* Nothing of what is announced goes through a link that a driver resets. */
static void without_leave_to_flap_no_native_program_comes_or_goes(void **state)
{
	struct engine_attachment attachment;
	struct engine *engine = open_fresh("one");
	const char *const names[] = {"near2"};
	uint32_t link, generic;

	make_veth("near", "far");
	make_veth("near2", "far2");
	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, false, &attachment), -EAGAIN);
	assert_false(attachment.attached);
	expect_text(attachment.note, "may flap");
	assert_int_equal(engine_attach(engine, "near", ATTACH_NATIVE, false, &attachment), -EAGAIN);
	assert_int_equal(interface_program("near"), 0);
	assert_false(exists("%s/link-near", "one"));
	/* Generic mode leaves the driver alone. */
	assert_int_equal(engine_attach(engine, "near2", ATTACH_GENERIC, false, &attachment), 0);
	generic = interface_program("near2");
	assert_int_equal(
		engine_attach(engine, "near2", ATTACH_NATIVE, false, &attachment), -EAGAIN);
	assert_true(attachment.attached);
	assert_int_equal(attachment.mode, ATTACH_GENERIC);
	assert_int_equal(interface_program("near2"), generic);
	/* What is there already is kept, and isn't taken away. */
	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, true, &attachment), 0);
	link = pinned_link("one", "link-near");
	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, false, &attachment), 0);
	assert_int_equal(
		engine_attach(engine, "near", ATTACH_GENERIC, false, &attachment), -EAGAIN);
	assert_true(attachment.attached);
	assert_int_equal(engine_settle(engine, names, 1, false), -EAGAIN);
	expect_text(engine_error(engine), "no longer configured");
	assert_int_equal(pinned_link("one", "link-near"), link);
	assert_int_not_equal(interface_program("near"), 0);
	assert_int_equal(engine_settle(engine, names, 1, true), 0);
	assert_int_equal(interface_program("near"), 0);
	assert_int_equal(engine_remove(engine), 0);
}

static void a_driver_without_xdp_gets_generic_only_by_auto_and_says_why(void **state)
{
	struct engine_attachment attachment;
	struct engine *engine = open_fresh("one");

	assert_int_equal(
		engine_attach(engine, "lo", ATTACH_NATIVE, true, &attachment), -EOPNOTSUPP);
	assert_false(attachment.attached);
	expect_text(attachment.note, "native mode refused");
	expect_text(attachment.note, "driver does not support");
	expect_text(engine_error(engine), "lo");
	assert_int_equal(interface_program("lo"), 0);
	assert_int_equal(engine_attach(engine, "lo", ATTACH_AUTO, true, &attachment), 0);
	assert_true(attachment.attached);
	assert_int_equal(attachment.mode, ATTACH_GENERIC);
	expect_text(attachment.note, "driver does not support");
	assert_int_equal(engine_remove(engine), 0);
}

static int link_create_fails; /* errno of the next native links */

int __real_bpf_link_create(int program, int target, enum bpf_attach_type type,
	const struct bpf_link_create_opts *options);
int __wrap_bpf_link_create(int program, int target, enum bpf_attach_type type,
	const struct bpf_link_create_opts *options);

int __wrap_bpf_link_create(int program, int target, enum bpf_attach_type type,
	const struct bpf_link_create_opts *options)
{
	if (!link_create_fails || !(options->flags & XDP_FLAGS_DRV_MODE))
		return __real_bpf_link_create(program, target, type, options);
	errno = link_create_fails;
	return -link_create_fails;
}

static void what_passes_by_is_no_refusal_of_native_mode(void **state)
{
	static const int passing[] = {ENOMEM, EINTR, EBUSY, EAGAIN, ENOBUFS, EPERM};
	struct engine_attachment attachment;
	struct engine *engine = open_fresh("one");

	make_veth("near", "far");
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		link_create_fails = passing[i];
		assert_int_equal(
			engine_attach(engine, "near", ATTACH_AUTO, true, &attachment), -passing[i]);
		assert_false(attachment.attached);
		assert_int_equal(interface_program("near"), 0);
		assert_true(attachment.note[0] != 0);
	}
	link_create_fails = EINVAL;
	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, true, &attachment), 0);
	assert_int_equal(attachment.mode, ATTACH_GENERIC);
	link_create_fails = 0;
	assert_int_equal(engine_detach(engine, "near"), 0);
	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, true, &attachment), 0);
	assert_int_equal(attachment.mode, ATTACH_NATIVE);
	assert_int_equal(engine_remove(engine), 0);
}

static void an_interface_that_is_not_there_is_waited_for(void **state)
{
	struct engine_attachment attachment;
	struct engine *engine = open_fresh("one");

	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, true, &attachment), -ENODEV);
	assert_int_equal(engine_inspect(engine, "near", &attachment), -ENODEV);
	assert_false(attachment.attached);
	assert_string_equal(attachment.ifname, "near");
	make_veth("near", "far");
	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, true, &attachment), 0);
	assert_int_equal(
		engine_attach(engine, "much-too-long-a-name", ATTACH_AUTO, true, &attachment),
		-EINVAL);
	assert_int_equal(engine_remove(engine), 0);
}

static void an_interface_made_again_is_attached_again(void **state)
{
	struct engine_attachment attachment;
	struct engine *engine = open_fresh("one");
	unsigned int first;

	make_veth("near", "far");
	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, true, &attachment), 0);
	first = attachment.ifindex;
	run("ip link del near");
	assert_int_equal(engine_inspect(engine, "near", &attachment), -ENODEV);
	make_veth("near", "far");
	assert_int_equal(engine_inspect(engine, "near", &attachment), 0);
	assert_int_not_equal(attachment.ifindex, first);
	assert_false(attachment.attached);
	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, true, &attachment), 0);
	assert_true(attachment.attached);
	expect_frames_seen(engine, "far", true);
	assert_int_equal(engine_remove(engine), 0);
}

static void names_with_dots_are_pinned(void **state)
{
	struct engine_attachment attachment;
	struct engine *engine = open_fresh("one");
	const char *const names[] = {"near.100"};

	make_veth("near.100", "far");
	assert_int_equal(engine_attach(engine, "near.100", ATTACH_AUTO, true, &attachment), 0);
	assert_true(attachment.attached);
	assert_int_equal(engine_settle(engine, names, 1, true), 0);
	assert_int_equal(engine_inspect(engine, "near.100", &attachment), 0);
	assert_true(attachment.attached);
	assert_int_equal(engine_remove(engine), 0);
}

/* Somebody with root: kills our link and puts a program of their own in its place. */
static void replace_program(const char *instance, const char *ifname, struct pass_bpf *other)
{
	char path[256], pin[32];
	int fd;

	snprintf(pin, sizeof(pin), "link-%s", ifname);
	pinned_path(path, instance, pin);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	assert_int_equal(bpf_link_detach(fd), 0);
	close(fd);
	assert_int_equal(bpf_xdp_attach((int)if_nametoindex(ifname),
				 bpf_program__fd(other->progs.pass), XDP_FLAGS_DRV_MODE, NULL),
		0);
}

static void a_program_in_our_place_is_noticed_and_not_replaced(void **state)
{
	struct engine_attachment attachment;
	struct engine *engine = open_fresh("one");
	struct pass_bpf *other = pass_bpf__open_and_load();
	uint32_t theirs;

	assert_non_null(other);
	make_veth("near", "far");
	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, true, &attachment), 0);
	replace_program("one", "near", other);
	theirs = interface_program("near");
	assert_int_equal(engine_inspect(engine, "near", &attachment), 0);
	assert_false(attachment.attached);
	expect_text(attachment.note, "(pass)");
	assert_int_not_equal(engine_attach(engine, "near", ATTACH_AUTO, true, &attachment), 0);
	expect_text(attachment.note, "another XDP program");
	assert_int_equal(interface_program("near"), theirs);
	assert_int_equal(bpf_xdp_detach((int)if_nametoindex("near"), XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_int_equal(engine_inspect(engine, "near", &attachment), 0);
	expect_text(attachment.note, "no XDP program");
	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, true, &attachment), 0);
	assert_true(attachment.attached);
	pass_bpf__destroy(other);
	assert_int_equal(engine_remove(engine), 0);
}

static void settle_detaches_what_is_not_configured(void **state)
{
	struct engine_attachment attachment;
	struct engine *engine = open_fresh("one");
	const char *const names[] = {"near2"};

	make_veth("near", "far");
	make_veth("near2", "far2");
	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, true, &attachment), 0);
	assert_int_equal(engine_attach(engine, "near2", ATTACH_AUTO, true, &attachment), 0);
	assert_int_equal(engine_settle(engine, names, 1, true), 0);
	assert_int_equal(interface_program("near"), 0);
	assert_int_not_equal(interface_program("near2"), 0);
	assert_false(exists("%s/link-near", "one"));
	assert_int_equal(engine_remove(engine), 0);
}

static void two_instances_do_not_know_each_other(void **state)
{
	struct engine_attachment attachment;
	struct engine *one = open_fresh("one"), *two = open_fresh("two");

	make_veth("near", "far");
	make_veth("near2", "far2");
	assert_int_equal(engine_attach(one, "near", ATTACH_AUTO, true, &attachment), 0);
	assert_int_equal(engine_attach(two, "near2", ATTACH_AUTO, true, &attachment), 0);
	assert_int_not_equal(interface_program("near"), interface_program("near2"));
	expect_frames_seen(one, "far", true);
	expect_frames_seen(one, "far2", false);
	assert_int_equal(engine_attach(two, "near", ATTACH_AUTO, true, &attachment), -EBUSY);
	assert_int_equal(engine_remove(one), 0);
	assert_int_equal(interface_program("near"), 0);
	assert_int_equal(engine_inspect(two, "near2", &attachment), 0);
	assert_true(attachment.attached);
	expect_frames_seen(two, "far2", true);
	assert_int_equal(engine_remove(two), 0);
}

static void remove_leaves_nothing(void **state)
{
	struct engine_attachment attachment;
	struct engine *engine = open_fresh("one");
	uint64_t end = now_ms() + DEADLINE_MS;
	uint32_t program;
	int fd;

	make_veth("near", "far");
	assert_int_equal(engine_attach(engine, "near", ATTACH_AUTO, true, &attachment), 0);
	program = pinned_program("one", "xdp");
	assert_int_equal(engine_remove(engine), 0);
	assert_false(exists("%s", ""));
	assert_int_equal(interface_program("near"), 0);
	while ((fd = bpf_prog_get_fd_by_id(program)) >= 0 && now_ms() < end) {
		close(fd);
		pause_briefly();
	}
	assert_true(fd < 0);
}

/* ---- running programs ---- */

static void a_frame_that_is_no_query_comes_back_as_it_was(void **state)
{
	struct engine *engine = open_fresh("one");
	uint8_t frame[64], reply[256];
	size_t size = sizeof(reply);
	uint32_t action = 99;

	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)i;
	assert_int_equal(
		engine_test(engine, ATTACH_NATIVE, frame, sizeof(frame), reply, &size, &action), 0);
	assert_int_equal(action, 2 /* XDP_PASS */);
	assert_int_equal(size, sizeof(frame));
	assert_memory_equal(frame, reply, size);
	/* Too short for a frame: the kernel refuses, and the text says which program. */
	size = sizeof(reply);
	assert_true(engine_test(engine, ATTACH_NATIVE, frame, 4, reply, &size, &action) < 0);
	expect_text(engine_error(engine), "test run");
	assert_int_equal(engine_remove(engine), 0);
}

static void *run_slowly(void *data)
{
	struct slow_bpf *slow = data;
	uint8_t frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = frame, .data_size_in = sizeof(frame),
		.repeat = 1);

	return (void *)(intptr_t)bpf_prog_test_run_opts(bpf_program__fd(slow->progs.slow), &test);
}

struct progress {
	uint32_t began, ended;
};

/* One slow run and a grace period during it. False if the run was over before that: it shows
 * nothing then. */
static bool grace_waits(
	struct engine_memory *memory, struct slow_bpf *slow, struct progress *progress)
{
	uint64_t end = now_ms() + DEADLINE_MS;
	pthread_t thread;
	bool was_running;
	void *result;

	progress->began = progress->ended = 0;
	assert_int_equal(pthread_create(&thread, NULL, run_slowly, slow), 0);
	while (!__atomic_load_n(&progress->began, __ATOMIC_ACQUIRE) && now_ms() < end)
		sched_yield();
	assert_int_equal(__atomic_load_n(&progress->began, __ATOMIC_ACQUIRE), 1);
	was_running = !__atomic_load_n(&progress->ended, __ATOMIC_ACQUIRE);
	assert_int_equal(memory->grace(memory->engine), 0);
	assert_int_equal(__atomic_load_n(&progress->ended, __ATOMIC_ACQUIRE), 1);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_null(result);
	return was_running;
}

static void grace_ends_only_after_a_running_program_did(void **state)
{
	struct slow_bpf *slow = slow_bpf__open_and_load();
	struct engine *engine = open_fresh("one");
	struct progress *progress;
	bool shown = false;

	assert_non_null(slow);
	progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
		bpf_map__fd(slow->maps.progress), 0);
	assert_true(progress != MAP_FAILED);
	for (int i = 0; i < 50 && !shown; i++)
		shown = grace_waits(engine_memory(engine), slow, progress);
	munmap(progress, 4096);
	slow_bpf__destroy(slow);
	assert_int_equal(engine_remove(engine), 0);
	/* On one CPU nobody runs beside a program. */
	if (!shown && sysconf(_SC_NPROCESSORS_ONLN) == 1)
		skip();
	assert_true(shown);
}

#define T(name) cmocka_unit_test_setup_teardown(name, enter, leave)

static int run_named(const struct CMUnitTest *tests, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		const struct CMUnitTest one[] = {tests[i]};

		if (strcmp(tests[i].name, name) == 0)
			return cmocka_run_group_tests(one, NULL, NULL);
	}
	fprintf(stderr, "there is no test %s\n", name);
	return 1;
}

/* `test-engine [TEST...]`: all, or some by their names. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(memory_is_what_was_asked_for_and_writable),
		T(large_memory_is_split_into_shards_that_lie_a_stride_apart),
		T(three_capabilities_suffice),
		T(missing_capabilities_are_named_and_nothing_is_left),
		T(options_that_cannot_work_are_refused_with_a_reason),
		T(a_missing_or_read_only_bpf_file_system_is_explained),
		T(a_killed_daemon_leaves_all_to_the_next),
		T(a_second_daemon_of_an_instance_is_refused_until_the_first_ends),
		T(another_size_makes_a_generation_that_takes_the_links_over),
		T(what_a_crashed_load_left_is_cleared),
		T(a_generation_with_a_foreign_map_is_not_adopted),
		T(the_verifiers_last_words_are_kept),
		T(attached_programs_see_frames_in_either_mode),
		T(attaching_again_touches_nothing),
		T(without_leave_to_flap_no_native_program_comes_or_goes),
		T(a_driver_without_xdp_gets_generic_only_by_auto_and_says_why),
		T(what_passes_by_is_no_refusal_of_native_mode),
		T(an_interface_that_is_not_there_is_waited_for),
		T(an_interface_made_again_is_attached_again),
		T(names_with_dots_are_pinned),
		T(a_program_in_our_place_is_noticed_and_not_replaced),
		T(settle_detaches_what_is_not_configured),
		T(two_instances_do_not_know_each_other),
		T(remove_leaves_nothing),
		T(a_frame_that_is_no_query_comes_back_as_it_was),
		T(grace_ends_only_after_a_running_program_did),
	};
	int err;

	err = sandbox_enter();
	if (err)
		return err == -EPERM ? SANDBOX_SKIP : 1;
	if (argc < 2)
		return cmocka_run_group_tests(tests, NULL, NULL);
	for (int i = 1; i < argc; i++)
		err += run_named(tests, sizeof(tests) / sizeof(tests[0]), argv[i]);
	return err;
}
