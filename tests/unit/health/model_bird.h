/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For tests: what BIRD does behind its socket. Two static protocols for each of
 * two prefixes, one peer (edge1), a configuration that includes the state files.
 */
#ifndef TEST_HEALTH_MODEL_BIRD_H
#define TEST_HEALTH_MODEL_BIRD_H

#include <stdbool.h>

enum { MAIN4, DRAIN4, MAIN6, DRAIN6, PROTOS };

extern const char *const model_bird_names[PROTOS];

struct model_bird {
	const char *state_dir;
	bool up[PROTOS], absent[PROTOS];
	bool edge_up;
	const char *foreign; /* exports the v4 prefix as well, at lower preference */
	bool sibling;        /* edge1 has the v4 prefix from another node */
	bool deny;           /* a restricted socket */
	unsigned configured; /* times */
	unsigned asked;      /* for its status; its dates wander, as BIRD's do */
	char reply[2048];
	char trace[4096]; /* commands that change something, with ';' */
};

void model_bird_init(struct model_bird *bird, const char *state_dir);
/* `configure`, and what BIRD does when it starts. */
void model_bird_configure(struct model_bird *bird);
/* For struct fake_bird: arg is the model. */
const char *model_bird_reply(void *arg, const char *command);
/* Does the state file say up? */
bool model_bird_file_up(const struct model_bird *bird, int proto);

#endif
