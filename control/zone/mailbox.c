/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
	pthread_mutex_t lock;
	struct mail *first, **last;
	size_t count, limit;
	int fd;
};

int mailbox_open(struct mailbox **out, size_t limit)
{
	struct mailbox *mailbox = calloc(1, sizeof(*mailbox));

	if (!mailbox)
		return -ENOMEM;
	mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->fd < 0) {
		int error = -errno;

		free(mailbox);
		return error;
	}
	pthread_mutex_init(&mailbox->lock, NULL);
	mailbox->last = &mailbox->first;
	mailbox->limit = limit;
	*out = mailbox;
	return 0;
}

int mailbox_fd(const struct mailbox *mailbox)
{
	return mailbox->fd;
}

static void mail_append(struct mailbox *mailbox, struct mail *mail)
{
	mail->next = NULL;
	*mailbox->last = mail;
	mailbox->last = &mail->next;
	/* Under the lock, so that the descriptor is readable exactly while mail waits. */
	if (mailbox->count++ == 0)
		eventfd_write(mailbox->fd, 1);
}

int mailbox_post(struct mailbox *mailbox, struct mail *mail)
{
	int error = 0;

	pthread_mutex_lock(&mailbox->lock);
	if (mailbox->count >= mailbox->limit)
		error = -ENOBUFS;
	else
		mail_append(mailbox, mail);
	pthread_mutex_unlock(&mailbox->lock);
	return error;
}

void mailbox_press(struct mailbox *mailbox, struct mail *mail)
{
	pthread_mutex_lock(&mailbox->lock);
	mail_append(mailbox, mail);
	pthread_mutex_unlock(&mailbox->lock);
}

struct mail *mailbox_take(struct mailbox *mailbox)
{
	eventfd_t count;

	pthread_mutex_lock(&mailbox->lock);
	struct mail *mail = mailbox->first;
	if (mail) {
		mailbox->first = mail->next;
		if (--mailbox->count == 0) {
			mailbox->last = &mailbox->first;
			eventfd_read(mailbox->fd, &count);
		}
	}
	pthread_mutex_unlock(&mailbox->lock);
	return mail;
}

void mailbox_close(struct mailbox *mailbox, void (*drop)(struct mail *mail))
{
	struct mail *mail;

	if (!mailbox)
		return;
	while ((mail = mailbox_take(mailbox)))
		drop(mail);
	pthread_mutex_destroy(&mailbox->lock);
	close(mailbox->fd);
	free(mailbox);
}
