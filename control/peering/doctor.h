/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a doctor would say of a node's routing: the configuration, the running
 * BIRD, its configuration file and the host in; remarks out, each with its place
 * and its cure. Only looks; changes nothing. Blocks; needs no daemon.
 */
#pragma once

#include <stddef.h>

#include "control/config.h"

enum doctor_grade {
	DOCTOR_NOTE,  /* what couldn't be looked at, or is good to know */
	DOCTOR_DOUBT, /* works, but not as well as it should */
	DOCTOR_FAULT, /* leaks, blocks, or will break at the next fault or restart */
};

struct doctor_remark {
	enum doctor_grade grade;
	char name[24];   /* "graceful-restart" */
	char where[128]; /* "protocol edge1 in /etc/bird/bird.conf" */
	char what[256];
	char cure[256];
};

struct doctor {
	struct doctor_remark *remarks;
	size_t count;
	enum doctor_grade worst; /* DOCTOR_NOTE when there are none */
	char bird[32];           /* its version; "" = not reached */
	char bird_conf[256];     /* its configuration file; "" = not known */
};

struct doctor_options {
	const struct config *config;
	const char *bird_conf; /* NULL: as BIRD was started, else /etc/bird/bird.conf */
	uint64_t timeout_us;   /* of each question to BIRD */
};

const char *doctor_grade_name(enum doctor_grade grade); /* "fault" */

/* 0 or -ENOMEM. doctor_free() in any case. */
int doctor_look(struct doctor *doctor, const struct doctor_options *options);
void doctor_free(struct doctor *doctor);
