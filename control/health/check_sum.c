/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the checks amount to for one prefix, and for all. It asks nothing.
 */
#include "control/health/check_state.h"

#include <string.h>

#include "control/health/address.h"

struct summary {
	enum verdict_state state;
	struct mono last_good, since;
	bool any;
};

/* Several checks of one target: it lives if one is answered, it is silent if
 * all are, it has refused if one was refused. */
static void summary_add(struct summary *summary, const struct verdict *verdict)
{
	static const int rank[] = {
		/* the higher one stands for the target */
		[VERDICT_SILENT] = 1,
		[VERDICT_BAD] = 1,
		[VERDICT_BLIND] = 2,
		[VERDICT_UNKNOWN] = 3,
		[VERDICT_GOOD] = 4,
		[VERDICT_REFUSED] = 5,
	};

	if (mono_before(summary->last_good, verdict->last_good))
		summary->last_good = verdict->last_good;
	if (summary->any && rank[verdict->state] <= rank[summary->state])
		return;
	summary->any = true;
	summary->state = verdict->state;
	summary->since = verdict->since;
}

static struct summary target_summary(
	const struct checks *checks, const struct target *target, enum query_transport transport)
{
	struct summary summary = {.state = VERDICT_UNKNOWN};

	for (size_t i = 0; i < checks->count; i++) {
		const struct check *check = &checks->all[i];

		if (check->implicit && check->target == target && check->transport == transport)
			summary_add(&summary, &check->live);
	}
	return summary;
}

static void worst_udp(struct policy_server *server, const struct summary *summary, const char *who)
{
	if (server->udp_who && summary->state <= server->udp)
		return;
	server->udp = summary->state;
	server->udp_who = who;
	server->last_good = summary->last_good;
	server->since = summary->since;
}

static bool speaks_for(const struct target *target, const struct bird_prefix *prefix)
{
	return !target->service || bird_prefix_holds(prefix, target->address.ss_family,
					   address_bytes(&target->address));
}

static bool fails(const struct check *check)
{
	return check->live.state >= VERDICT_BLIND || check->content.state == VERDICT_BAD;
}

static void explicit_add(const struct check *check, struct policy_server *server)
{
	if (check->script && check->severity == HEALTH_FATAL) {
		if (check->content.state == VERDICT_BAD && !server->fatal_check)
			server->fatal_check = check->failing;
	} else if (check->severity == HEALTH_FATAL) {
		struct summary summary = {.state = VERDICT_UNKNOWN};

		summary_add(&summary, &check->live);
		worst_udp(server, &summary, check->name);
	}
	if (check->severity >= HEALTH_DEGRADE && fails(check) && !server->failing_check)
		server->failing_check = check->failing;
}

void checks_server(
	const struct checks *checks, const struct bird_prefix *prefix, struct policy_server *server)
{
	memset(server, 0, sizeof *server);
	server->answered = true;
	for (size_t i = 0; i < checks->target_count; i++) {
		const struct target *target = &checks->targets[i];
		struct summary udp, tcp;

		if (!speaks_for(target, prefix))
			continue;
		udp = target_summary(checks, target, QUERY_UDP);
		worst_udp(server, &udp, target->who);
		tcp = target_summary(checks, target, QUERY_TCP);
		if (server->tcp_who && tcp.state <= server->tcp)
			continue;
		server->tcp = tcp.state;
		server->tcp_who = target->who;
	}
	for (size_t i = 0; i < checks->count; i++) {
		const struct check *check = &checks->all[i];

		if (check->dependency ||
			(check->family != AF_UNSPEC && check->family != prefix->family))
			continue;
		if (!check->script && mono_before(server->heard, check->live.last_good))
			server->heard = check->live.last_good;
		if (!check->implicit) {
			explicit_add(check, server);
		} else if (check->must_answer && speaks_for(check->target, prefix) &&
			   check->content.state != VERDICT_GOOD && server->answered) {
			server->answered = false;
			server->unanswered = check->failing[0] ? check->failing : check->name;
		}
	}
}

void checks_dependencies(const struct checks *checks, struct policy_dependencies *out)
{
	*out = (struct policy_dependencies){0};
	for (size_t i = 0; i < checks->count; i++) {
		const struct check *check = &checks->all[i];

		if (check->peer) {
			/* Unknown isn't healthy. */
			out->peers++;
			out->peers_failing += !check_is_good(check);
		} else if (check->dependency && check->severity >= HEALTH_DEGRADE) {
			out->count++;
			out->failing += fails(check);
			if (fails(check) && !out->who)
				out->who = check->failing;
		}
	}
}

/* What a copy of the checks, one of them changed, says. */
bool checks_suppose(const struct checks *checks, const char *name, size_t length,
	const struct bird_prefix *prefix, struct policy_node *node, struct policy_input *input)
{
	const struct check *found = NULL;
	struct check before;
	struct check *check;

	for (size_t i = 0; i < checks->count && !found; i++)
		if (strlen(checks->all[i].name) == length &&
			memcmp(checks->all[i].name, name, length) == 0)
			found = &checks->all[i];
	if (!found)
		return false;
	/* The one thread that knows it is in here. */
	check = &checks->all[found - checks->all];
	before = *check;
	if (check->script) {
		check->content.state = VERDICT_BAD;
	} else {
		check->live.state =
			check->transport == QUERY_UDP ? VERDICT_REFUSED : VERDICT_SILENT;
		check->live.since = mono_now();
	}
	checks_server(checks, prefix, &input->server);
	checks_dependencies(checks, &node->dependencies);
	check->live = before.live;
	check->content = before.content;
	return true;
}
