/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cpus.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* One id, where the list goes on; -EINVAL. */
static long cpu_read(const char **at)
{
	char *end;
	long id;

	if (!isdigit((unsigned char)**at))
		return -EINVAL;
	errno = 0;
	id = strtol(*at, &end, 10);
	*at = end;
	return errno || id >= CPUS_MAX ? -EINVAL : id;
}

int cpus_list_end(const char *list)
{
	long last = -1;

	while (1) {
		long first = cpu_read(&list), id = first;

		if (first >= 0 && *list == '-') {
			list++;
			id = cpu_read(&list);
		}
		if (first < 0 || id < first)
			return -EINVAL;
		if (id > last)
			last = id;
		if (*list != ',')
			break;
		list++;
	}
	return *list == '\0' || *list == '\n' ? (int)last + 1 : -EINVAL;
}

int cpus_possible_end(void)
{
	FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
	char list[1024];
	int end;

	if (!file)
		return -errno;
	end = fgets(list, sizeof(list), file) ? cpus_list_end(list) : -EIO;
	fclose(file);
	return end;
}
