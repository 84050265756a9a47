/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the parts of the doctor share: one visit. doctor_bird.c looks at what
 * BIRD says, doctor_conf.c at what its configuration says, doctor_host.c at
 * files, sockets and interfaces. Internal to them.
 */
#pragma once

#include "control/peering/birdconf.h"
#include "control/peering/doctor.h"
#include "control/peering/view.h"

struct visit {
	struct doctor *doctor;
	const struct config *config;
	struct view view;
	bool has_view;
	struct birdconf conf;
	bool has_conf;
	pid_t bird_pid; /* 0: not known */
	uid_t bird_uid;
	gid_t bird_gid;
	bool failed; /* out of memory */
};

/* Where, what and cure of one remark, each a format with the arguments behind. */
void visit_remark(struct visit *visit, enum doctor_grade grade, const char *name, const char *where,
	const char *cure, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Is it a protocol of ours: main or drain of some prefix? */
bool visit_ours(const struct visit *visit, const char *protocol);
void visit_prefix(const struct config_prefix *prefix, struct bird_prefix *out);

void visit_bird(struct visit *visit);
void visit_conf(struct visit *visit);
void visit_host(struct visit *visit);
