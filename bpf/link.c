/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Interfaces: bpf_links to them, pinned as link-<interface>, and what the kernel says is really
 * there.
 *
 * In: an interface's name and the wanted mode. Out: struct engine_attachment. Two witnesses are
 * heard: the link (does it still hold an interface, with which program?) and the interface (which
 * program does it name, in which mode?); "attached" needs both. A link that works is never touched,
 * because attaching makes drivers flap. It refuses to replace a program that isn't ours.
 */
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "engine_parts.h"

#define LINK_PREFIX "link-"

struct link_state {
	int fd; /* -1: no pinned link */
	uint32_t program_id;
	uint32_t ifindex; /* 0: the interface went, or the link was detached */
};

/* bpffs reserves dots, interface names don't (eth0.100). */
static int link_path(const struct engine *e, const char *ifname, char path[PINS_PATH_MAX])
{
	char escaped[3 * IFNAMSIZ + 1];
	size_t n = 0;

	for (const char *c = ifname; *c && n + 4 < sizeof(escaped); c++) {
		if (*c == '.' || *c == '%')
			n += (size_t)snprintf(
				escaped + n, sizeof(escaped) - n, "%%%02x", (unsigned int)*c);
		else
			escaped[n++] = *c;
	}
	escaped[n] = 0;
	return pins_path(e, path, LINK_PREFIX "%s", escaped);
}

/* The interface's name in a pin's name; false if it is none of ours. */
static bool link_ifname(const char *pin, char ifname[IFNAMSIZ])
{
	size_t n = 0;

	for (const char *c = pin + strlen(LINK_PREFIX); *c; c++) {
		unsigned int octet = (unsigned char)*c;

		if (*c == '%') {
			if (!isxdigit((unsigned char)c[1]) || !isxdigit((unsigned char)c[2]) ||
				sscanf(c + 1, "%2x", &octet) != 1)
				return false;
			c += 2;
		}
		if (n == IFNAMSIZ - 1 || !octet)
			return false;
		ifname[n++] = (char)octet;
	}
	ifname[n] = 0;
	return n > 0;
}

/* Open the pinned link and ask it; fd stays -1 if nothing is pinned. */
static int link_open(const char *path, struct link_state *link)
{
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);

	*link = (struct link_state){.fd = bpf_obj_get(path)};
	if (link->fd < 0) {
		link->fd = -1;
		return errno == ENOENT ? 0 : -errno;
	}
	if (bpf_obj_get_info_by_fd(link->fd, &info, &size) != 0 || info.type != BPF_LINK_TYPE_XDP)
		return 0; /* something else lies there: as good as a dead link */
	link->program_id = info.prog_id;
	link->ifindex = info.xdp.ifindex;
	return 0;
}

static void link_close(struct link_state *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
}

/* Detach, whoever else holds a descriptor of it, and remove the pin. */
static int link_drop(const char *path, struct link_state *link)
{
	if (link->fd >= 0)
		bpf_link_detach(link->fd); /* fails if the interface went: then there is nothing to
					      detach */
	link_close(link);
	return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}

/* The program that the interface names, 0 if none, and how it runs. */
static int link_query(unsigned int ifindex, uint32_t *program_id, enum attach_mode *mode)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	int err = bpf_xdp_query((int)ifindex, 0, &query);

	if (err)
		return err;
	*mode = query.skb_prog_id ? ATTACH_GENERIC : ATTACH_NATIVE;
	*program_id = query.drv_prog_id   ? query.drv_prog_id
		      : query.skb_prog_id ? query.skb_prog_id
					  : query.hw_prog_id;
	return 0;
}

static const char *mode_name(enum attach_mode mode)
{
	return mode == ATTACH_GENERIC ? "generic" : mode == ATTACH_NATIVE ? "native" : "auto";
}

/* "program 12 (name)"; the name needs CAP_SYS_ADMIN, and is left out without it. */
static void program_describe(uint32_t id, char *text, size_t size)
{
	struct bpf_prog_info info = {0};
	uint32_t length = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &length) == 0 && info.name[0])
		snprintf(text, size, "program %u (%s)", id, info.name);
	else
		snprintf(text, size, "program %u", id);
	if (fd >= 0)
		close(fd);
}

/* What the interface and the link say, as one state. */
static int link_judge(
	struct engine *e, const struct link_state *link, struct engine_attachment *result)
{
	bool linked = link->fd >= 0 && link->ifindex == result->ifindex;
	enum attach_mode mode;
	char other[64];
	uint32_t id;
	int err;

	result->attached = false;
	result->mode = ATTACH_AUTO;
	err = link_query(result->ifindex, &id, &mode);
	if (err) {
		snprintf(result->note, sizeof(result->note),
			"can't ask the kernel what is attached: %s", strerror(-err));
		return err;
	}
	if (!id) {
		snprintf(result->note, sizeof(result->note), "no XDP program on the interface%s",
			link->fd >= 0 ? "; our link was detached" : "");
		return 0;
	}
	if (linked && link->program_id == id && generation_has_program(e, id)) {
		result->attached = true;
		result->mode = mode;
		return 0;
	}
	program_describe(id, other, sizeof(other));
	if (linked && link->program_id == id)
		snprintf(result->note, sizeof(result->note), "an older generation is attached: %s",
			other);
	else
		snprintf(result->note, sizeof(result->note),
			"%s is attached, not by our link: detach it (ip link set dev %s xdp off, "
			"or "
			"bpftool link detach)",
			other, result->ifname);
	return 0;
}

/* Name and index; -ENODEV with a note. */
static int link_find(const char *ifname, struct engine_attachment *result)
{
	memset(result, 0, sizeof(*result));
	if (!ifname[0] || strlen(ifname) >= IFNAMSIZ) {
		snprintf(result->note, sizeof(result->note), "not an interface name");
		return -EINVAL;
	}
	snprintf(result->ifname, sizeof(result->ifname), "%s", ifname);
	result->ifindex = if_nametoindex(ifname);
	if (result->ifindex)
		return 0;
	snprintf(result->note, sizeof(result->note), "no such interface");
	return -ENODEV;
}

int engine_inspect(struct engine *e, const char *ifname, struct engine_attachment *result)
{
	char path[PINS_PATH_MAX];
	struct link_state link;
	int err = link_find(ifname, result);

	if (!err)
		err = link_path(e, ifname, path);
	if (err)
		return err;
	err = link_open(path, &link);
	if (err) {
		snprintf(result->note, sizeof(result->note), "can't open %s: %s", path,
			strerror(-err));
		return err;
	}
	err = link_judge(e, &link, result);
	link_close(&link);
	return err;
}

static uint32_t mode_flags(enum attach_mode mode)
{
	return mode == ATTACH_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
}

/*
 * A link's refusal carries an errno only; the driver's own words come by netlink alone. So ask that
 * way as well: what refused the link refuses this, and if it doesn't, it is undone at once.
 */
static void link_ask_why(struct engine *e, unsigned int ifindex, enum attach_mode mode)
{
	int program = e->program[generation_program_of(mode)];
	LIBBPF_OPTS(bpf_xdp_attach_opts, ours, .old_prog_fd = program);
	uint32_t flags = mode_flags(mode);

	loadlog_start();
	if (bpf_xdp_attach((int)ifindex, program, flags | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL) == 0)
		bpf_xdp_detach((int)ifindex, flags, &ours);
}

static int link_create(
	struct engine *e, unsigned int ifindex, enum attach_mode mode, const char *path)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = mode_flags(mode));
	int err = 0, fd;

	fd = bpf_link_create(
		e->program[generation_program_of(mode)], (int)ifindex, BPF_XDP, &options);
	if (fd < 0)
		return fd;
	if (bpf_obj_pin(fd, path) != 0)
		err = -errno;
	if (err)
		bpf_link_detach(fd);
	close(fd);
	return err;
}

/*
 * Does the driver refuse the mode itself, so that asking again is of no use? It has no such
 * function (lo: EOPNOTSUPP), or its queues, MTU or features don't suit (EINVAL from most, ENOSPC
 * and ERANGE from some). Want of memory, an interrupted or a busy kernel say nothing about it.
 */
static bool mode_refused(int err)
{
	switch (-err) {
	case EOPNOTSUPP:
	case 524: /* ENOTSUPP, which the kernel should keep to itself */
	case EINVAL:
	case ENOSPC:
	case ERANGE:
	case E2BIG:
	case EFBIG:
		return true;
	}
	return false;
}

/* Why a mode was refused, in words. */
static void link_explain(struct engine *e, const struct engine_attachment *result,
	enum attach_mode mode, int err, char *text, size_t size)
{
	const char *words;

	if (err == -EBUSY || err == -EEXIST || err == -EPERM) {
		snprintf(text, size, "%s mode refused: %s%s", mode_name(mode),
			err == -EPERM ? strerror(-err) : "another XDP program is there",
			engine_advice(e, err));
		return;
	}
	if (!mode_refused(err)) {
		snprintf(text, size, "%s mode failed: %s; to be tried again%s", mode_name(mode),
			strerror(-err), mode == ATTACH_NATIVE ? ", or choose mode: generic" : "");
		return;
	}
	link_ask_why(e, result->ifindex, mode);
	words = loadlog_netlink();
	snprintf(text, size, "%s mode refused: %s%s%s%s", mode_name(mode), strerror(-err),
		*words ? " (" : "", words, *words ? ")" : "");
}

/* No working link: make one. */
static int link_make(
	struct engine *e, enum attach_mode mode, const char *path, struct engine_attachment *result)
{
	char why[sizeof(result->note) - 32] = "";
	int err;

	if (mode != ATTACH_GENERIC) {
		err = link_create(e, result->ifindex, ATTACH_NATIVE, path);
		if (!err)
			return 0;
		link_explain(e, result, ATTACH_NATIVE, err, why, sizeof(why));
		if (mode == ATTACH_NATIVE || !mode_refused(err))
			goto out;
	}
	err = link_create(e, result->ifindex, ATTACH_GENERIC, path);
	if (err)
		link_explain(e, result, ATTACH_GENERIC, err, why, sizeof(why));
out:
	snprintf(result->note, sizeof(result->note), "%s", why);
	return err;
}

/*
 * Is the pinned link of use as it is? A link of an older generation is moved to this one's program,
 * in the mode that it has.
 */
static bool link_reuse(struct engine *e, struct link_state *link, enum attach_mode wanted,
	struct engine_attachment *result)
{
	enum attach_mode mode;
	uint32_t id;

	if (link->fd < 0 || link->ifindex != result->ifindex ||
		link_query(result->ifindex, &id, &mode) != 0 || id != link->program_id)
		return false;
	if (wanted != ATTACH_AUTO && wanted != mode)
		return false;
	if (!generation_has_program(e, id)) {
		enum generation_program which = generation_program_of(mode);

		if (bpf_link_update(link->fd, e->program[which], NULL) != 0)
			return false;
		link->program_id = e->program_id[which];
	}
	return link_judge(e, link, result) == 0 && result->attached;
}

/* Does it run its program natively now? Taking that away may flap the interface. */
static bool link_is_native(const struct link_state *link)
{
	enum attach_mode mode;
	uint32_t id;

	return link->fd >= 0 && link->ifindex && link_query(link->ifindex, &id, &mode) == 0 &&
	       id == link->program_id && mode == ATTACH_NATIVE;
}

int engine_attach(struct engine *e, const char *ifname, enum attach_mode mode, bool may_flap,
	struct engine_attachment *result)
{
	char path[PINS_PATH_MAX], note[sizeof(result->note)];
	struct link_state link = {.fd = -1};
	int err = link_find(ifname, result);

	if (!err)
		err = link_path(e, ifname, path);
	if (err)
		return engine_fail(e, err, "%s: %s", ifname, result->note);
	err = link_open(path, &link);
	if (err) {
		snprintf(result->note, sizeof(result->note), "can't open %s: %s", path,
			strerror(-err));
		goto out;
	}
	if (!link_reuse(e, &link, mode, result)) {
		if (!may_flap && (mode != ATTACH_GENERIC || link_is_native(&link))) {
			link_judge(e, &link, result);
			snprintf(result->note, sizeof(result->note),
				"attaching in %s mode may flap the link, so not before nothing is "
				"announced",
				mode_name(mode));
			err = -EAGAIN;
			goto out;
		}
		err = link_drop(path, &link);
		if (!err)
			err = link_make(e, mode, path, result);
		if (!err)
			err = link_open(path, &link);
		snprintf(note, sizeof(note), "%s", result->note);
		link_judge(e, &link, result);
		/* Why native was refused, or why nothing was attached, says more than what is
		 * there. */
		if (note[0])
			snprintf(result->note, sizeof(result->note), "%s", note);
		if (!err && !result->attached)
			err = -EIO;
	}
	if (!err)
		err = generation_publish(e);
out:
	link_close(&link);
	if (err)
		return engine_fail(e, err, "%s: %s", ifname, result->note);
	return 0;
}

int engine_detach(struct engine *e, const char *ifname)
{
	char path[PINS_PATH_MAX];
	struct link_state link;
	int err;

	if (!ifname[0] || strlen(ifname) >= IFNAMSIZ)
		return engine_fail(e, -EINVAL, "%s: not an interface name", ifname);
	err = link_path(e, ifname, path);
	if (!err)
		err = link_open(path, &link);
	if (!err)
		err = link_drop(path, &link);
	if (err)
		return engine_fail(e, err, "%s: can't detach: %s", ifname, strerror(-err));
	return 0;
}

struct link_wish {
	const char *const *ifnames;
	size_t count;
	bool may_flap;
	struct link_rest rest;
};

static bool link_wanted(const struct link_wish *wish, const char *pin)
{
	char ifname[IFNAMSIZ];

	if (!link_ifname(pin, ifname))
		return false;
	for (size_t i = 0; i < wish->count; i++)
		if (strcmp(wish->ifnames[i], ifname) == 0)
			return true;
	return false;
}

static int link_visit_settle(struct engine *e, const char *name, void *data)
{
	struct link_wish *wish = data;
	char path[PINS_PATH_MAX];
	struct link_state link;
	bool kept = false;
	int err = pins_path(e, path, "%s", name);

	if (!err)
		err = link_open(path, &link);
	if (err)
		return engine_fail(e, err, "can't open %s: %s", path, strerror(-err));
	if (link.ifindex && !link_wanted(wish, name)) {
		kept = !wish->may_flap && link_is_native(&link);
		wish->rest.kept += kept;
	}
	if (!kept && (!link.ifindex || !link_wanted(wish, name)))
		err = link_drop(path, &link);
	else if (!generation_has_program(e, link.program_id))
		wish->rest.foreign++;
	link_close(&link);
	if (err)
		return engine_fail(e, err, "can't remove %s: %s", path, strerror(-err));
	return 0;
}

int link_settle(struct engine *e, const char *const *ifnames, size_t count, bool may_flap,
	struct link_rest *rest)
{
	struct link_wish wish = {.ifnames = ifnames, .count = count, .may_flap = may_flap};
	int err = pins_each(e, LINK_PREFIX, link_visit_settle, &wish);

	*rest = wish.rest;
	return err;
}

int link_remove_all(struct engine *e)
{
	struct link_rest rest;

	return link_settle(e, NULL, 0, true, &rest);
}

static int link_visit_any(struct engine *e, const char *name, void *data)
{
	return 1;
}

bool link_any(struct engine *e)
{
	return pins_each(e, LINK_PREFIX, link_visit_any, NULL) == 1;
}
