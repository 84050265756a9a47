/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages to one thread from any number of others: a bounded queue with a descriptor to poll.
 *
 * A message is memory that changes its owner when it is posted: it begins with a struct mail, and
 * belongs to the mailbox's reader from then on. The lock is held for a few instructions only.
 */
#ifndef ANODE_ZONE_MAILBOX_H
#define ANODE_ZONE_MAILBOX_H

#include <stddef.h>

struct mail {
	struct mail *next; /* the mailbox's */
};

struct mailbox;

/* 'limit': most messages that wait. 0 with *mailbox owned by the caller, or a negative errno. */
int mailbox_open(struct mailbox **mailbox, size_t limit);

/* Readable while messages wait. */
int mailbox_fd(const struct mailbox *mailbox);

/* Any thread. 0, or -ENOBUFS when it is full: then the message stays the caller's, to keep, to join
 * with the next or to drop. */
int mailbox_post(struct mailbox *mailbox, struct mail *mail);

/* The same, however full it is: for what can't be refused. Who posts it bounds how much that is. */
void mailbox_press(struct mailbox *mailbox, struct mail *mail);

/* The reader's thread. The oldest message, now the caller's, or NULL. */
struct mail *mailbox_take(struct mailbox *mailbox);

/* Gives each message that still waits to 'drop', then frees. Nobody may post any more. */
void mailbox_close(struct mailbox *mailbox, void (*drop)(struct mail *mail));

#endif
