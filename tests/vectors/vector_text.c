/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vector_text.h"

#include "control/zone/name.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <libknot/libknot.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int text_fault(struct vector_text *t, const char *format, ...)
{
	va_list arguments;
	int n = snprintf(t->error, VECTOR_ERROR_SIZE, "%.200s:%u: ", t->path, t->line);

	va_start(arguments, format);
	vsnprintf(t->error + n, VECTOR_ERROR_SIZE - (size_t)n, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

int text_number(struct vector_text *t, const char *word, int64_t min, int64_t max, int64_t *value)
{
	char *end;

	errno = 0;
	*value = word ? strtoll(word, &end, 10) : 0;
	if (!word || end == word || *end || errno || *value < min || *value > max)
		return text_fault(t, "'%.40s' is not a number from %lld to %lld", word ? word : "",
			(long long)min, (long long)max);
	return 0;
}

int text_hex(struct vector_text *t, const char *word, uint8_t **octets, size_t *size)
{
	size_t length = word ? strlen(word) : 1;
	uint8_t *more;

	if (word && !strcmp(word, "-"))
		return 0;
	if (!word || length % 2 || length > 2 * VECTOR_REPLY_MAX)
		return text_fault(
			t, "'%.40s' is not a list of hexadecimal octets", word ? word : "");
	more = realloc(*octets, *size + length / 2 + 1);
	if (!more)
		return -ENOMEM;
	*octets = more;
	for (size_t i = 0; i < length; i += 2) {
		char digits[3] = {word[i], word[i + 1]};

		if (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1]))
			return text_fault(t, "'%s' is not a hexadecimal octet", digits);
		more[(*size)++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return 0;
}

int text_name(struct vector_text *t, const char *word, uint8_t name[255], uint8_t *size)
{
	int length = word ? name_from_text(name, word) : -EINVAL;

	if (length < 0)
		return text_fault(t, "'%.100s' is not a domain name", word ? word : "");
	*size = (uint8_t)length;
	return 0;
}

int text_type(struct vector_text *t, const char *word, uint16_t *type)
{
	if (!word || knot_rrtype_from_string(word, type))
		return text_fault(t, "'%.40s' is not a type", word ? word : "");
	return 0;
}

int text_end(struct vector_text *t, const char *word, struct vector_end *end)
{
	char address[64];
	size_t length = word ? strcspn(word, "#") : sizeof(address);
	int64_t port = end->port;

	if (length >= sizeof(address))
		return text_fault(t, "'%.60s' is not an address", word ? word : "");
	memcpy(address, word, length);
	address[length] = '\0';
	memset(end->address, 0, sizeof(end->address));
	end->ipv6 = strchr(address, ':') != NULL;
	if (inet_pton(end->ipv6 ? AF_INET6 : AF_INET, address, end->address) != 1)
		return text_fault(t, "'%s' is not an address", address);
	if (word[length] && text_number(t, word + length + 1, 0, 65535, &port))
		return -EINVAL;
	end->port = (uint16_t)port;
	return 0;
}

int text_choice(const char *word, const char *const *names, size_t count)
{
	for (size_t i = 0; word && i < count; i++)
		if (!strcmp(word, names[i]))
			return (int)i;
	return -1;
}
