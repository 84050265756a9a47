/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fault.h"

#include <stdarg.h>

void fault_say(struct faults *faults, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(faults->to, format, arguments);
	va_end(arguments);
	fputc('\n', faults->to);
	faults->any = true;
}
