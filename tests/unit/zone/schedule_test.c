/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The schedule and the mailbox: what is due first, and who gets which message.
 */
#include "control/zone/mailbox.h"
#include "control/zone/schedule.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void the_first_due_is_always_the_earliest(void **state)
{
	enum { THINGS = 97 };
	uint64_t due[THINGS], seed = 42;
	struct schedule schedule;

	for (int i = 0; i < THINGS; i++)
		due[i] = UINT64_MAX;
	assert_int_equal(schedule_init(&schedule, THINGS), 0);
	for (int step = 0; step < 50000; step++) {
		uint64_t earliest = UINT64_MAX;
		struct monotime first;
		uint32_t thing;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		uint32_t changed = (uint32_t)(seed >> 33) % THINGS;
		due[changed] = seed & 1 << 20 ? seed >> 50 : UINT64_MAX;
		schedule_set(&schedule, changed, (struct monotime){due[changed]});
		for (int i = 0; i < THINGS; i++)
			earliest = due[i] < earliest ? due[i] : earliest;
		assert_int_equal(schedule_first(&schedule, &thing, &first), earliest != UINT64_MAX);
		assert_int_equal(first.ns, earliest);
		if (earliest != UINT64_MAX)
			assert_int_equal(due[thing], earliest);
	}
	schedule_free(&schedule);
}

struct numbered {
	struct mail mail;
	int sender, number;
};

static int dropped;

static void drop(struct mail *mail)
{
	dropped++;
	free(mail);
}

static struct mail *numbered_new(int sender, int number)
{
	struct numbered *letter = malloc(sizeof(*letter));

	*letter = (struct numbered){.sender = sender, .number = number};
	return &letter->mail;
}

static bool is_readable(const struct mailbox *mailbox)
{
	struct pollfd fd = {.fd = mailbox_fd(mailbox), .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

static void the_descriptor_is_readable_exactly_while_mail_waits(void **state)
{
	struct mailbox *mailbox;

	assert_int_equal(mailbox_open(&mailbox, 2), 0);
	assert_false(is_readable(mailbox));
	assert_null(mailbox_take(mailbox));
	assert_int_equal(mailbox_post(mailbox, numbered_new(0, 0)), 0);
	assert_int_equal(mailbox_post(mailbox, numbered_new(0, 1)), 0);
	assert_true(is_readable(mailbox));
	free(mailbox_take(mailbox));
	assert_true(is_readable(mailbox));
	free(mailbox_take(mailbox));
	assert_false(is_readable(mailbox));
	mailbox_close(mailbox, drop);
}

static void a_full_mailbox_leaves_the_message_with_its_sender(void **state)
{
	struct mail *third = numbered_new(0, 2);
	struct mailbox *mailbox;

	assert_int_equal(mailbox_open(&mailbox, 2), 0);
	assert_int_equal(mailbox_post(mailbox, numbered_new(0, 0)), 0);
	assert_int_equal(mailbox_post(mailbox, numbered_new(0, 1)), 0);
	assert_int_equal(mailbox_post(mailbox, third), -ENOBUFS);
	free(mailbox_take(mailbox));
	assert_int_equal(mailbox_post(mailbox, third), 0);
	dropped = 0;
	mailbox_close(mailbox, drop);
	assert_int_equal(dropped, 2);
}

enum { SENDERS = 4, LETTERS = 20000 };

struct sender {
	pthread_t thread;
	struct mailbox *mailbox;
	int number;
};

static void *send_all(void *context)
{
	struct sender *sender = context;

	for (int i = 0; i < LETTERS; i++) {
		struct mail *mail = numbered_new(sender->number, i);

		while (mailbox_post(sender->mailbox, mail))
			sched_yield();
	}
	return NULL;
}

static void messages_of_many_threads_arrive_once_and_in_order(void **state)
{
	struct sender senders[SENDERS];
	int next[SENDERS] = {0}, total = 0;
	struct mailbox *mailbox;

	assert_int_equal(mailbox_open(&mailbox, 64), 0);
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){.mailbox = mailbox, .number = i};
		pthread_create(&senders[i].thread, NULL, send_all, &senders[i]);
	}
	while (total < SENDERS * LETTERS) {
		struct pollfd fd = {.fd = mailbox_fd(mailbox), .events = POLLIN};
		struct mail *mail;

		if (poll(&fd, 1, 5000) != 1)
			fail_msg("a message is missing after %d", total);
		while ((mail = mailbox_take(mailbox))) {
			struct numbered *letter = (struct numbered *)mail;

			assert_int_equal(letter->number, next[letter->sender]++);
			total++;
			free(letter);
		}
	}
	for (int i = 0; i < SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
	dropped = 0;
	mailbox_close(mailbox, drop);
	assert_int_equal(dropped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_due_is_always_the_earliest),
		cmocka_unit_test(the_descriptor_is_readable_exactly_while_mail_waits),
		cmocka_unit_test(a_full_mailbox_leaves_the_message_with_its_sender),
		cmocka_unit_test(messages_of_many_threads_arrive_once_and_in_order),
	};
	return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
