/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What BIRD's `show` lines mean.
 */
#include "control/health/bird_show.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static size_t family_bytes(int family)
{
	return family == AF_INET ? 4 : 16;
}

int bird_prefix_parse(struct bird_prefix *prefix, const char *text)
{
	const char *slash = strchr(text, '/');
	char addr[INET6_ADDRSTRLEN];
	unsigned len = 0;

	if (!slash || (size_t)(slash - text) >= sizeof addr || !slash[1])
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	for (const char *p = slash + 1; *p; p++) {
		if (*p < '0' || *p > '9' || len > 128)
			return -EINVAL;
		len = len * 10 + (unsigned)(*p - '0');
	}
	memset(prefix, 0, sizeof *prefix);
	prefix->family = strchr(addr, ':') ? AF_INET6 : AF_INET;
	prefix->len = len;
	if (inet_pton(prefix->family, addr, prefix->addr) != 1)
		return -EINVAL;
	if (len > family_bytes(prefix->family) * 8)
		return -EINVAL;
	for (size_t bit = len; bit < family_bytes(prefix->family) * 8; bit++)
		if (prefix->addr[bit / 8] & (0x80 >> (bit % 8)))
			return -EINVAL;
	return 0;
}

void bird_prefix_format(const struct bird_prefix *prefix, char text[BIRD_PREFIX_TEXT])
{
	char addr[INET6_ADDRSTRLEN] = "?";

	inet_ntop(prefix->family, prefix->addr, addr, sizeof addr);
	snprintf(text, BIRD_PREFIX_TEXT, "%s/%u", addr, prefix->len % 1000);
}

bool bird_prefix_equal(const struct bird_prefix *a, const struct bird_prefix *b)
{
	return a->family == b->family && a->len == b->len &&
	       memcmp(a->addr, b->addr, family_bytes(a->family)) == 0;
}

bool bird_prefix_holds(const struct bird_prefix *prefix, int family, const void *addr)
{
	const uint8_t *bytes = addr;
	size_t whole = prefix->len / 8;
	unsigned rest = prefix->len % 8;

	if (family != prefix->family || memcmp(prefix->addr, bytes, whole) != 0)
		return false;
	return rest == 0 || ((prefix->addr[whole] ^ bytes[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool bird_name_valid(const char *name)
{
	if (!is_letter(name[0]))
		return false;
	for (size_t i = 1; name[i]; i++)
		if (i >= BIRD_NAME_MAX - 1 ||
			!(is_letter(name[i]) || (name[i] >= '0' && name[i] <= '9') ||
				strchr("-.:", name[i])))
			return false;
	return true;
}

/* Copies the next word; false: none left, or too long for `word`. */
static bool next_word(const char **text, char *word, size_t size)
{
	size_t n;

	*text += strspn(*text, " \t");
	n = strcspn(*text, " \t");
	if (n == 0 || n >= size)
		return false;
	memcpy(word, *text, n);
	word[n] = '\0';
	*text += n;
	return true;
}

int bird_protocol_parse(struct bird_protocol_line *out, const char *text)
{
	char table[BIRD_NAME_MAX], state[16];

	/* `show protocols all` indents its details. */
	if (text[0] == ' ' || text[0] == '\t')
		return -EBADMSG;
	if (!next_word(&text, out->name, sizeof out->name) ||
		!next_word(&text, out->type, sizeof out->type) ||
		!next_word(&text, table, sizeof table) || !next_word(&text, state, sizeof state))
		return -EBADMSG;
	if (strcmp(state, "up") == 0 || strcmp(state, "start") == 0)
		out->up = true;
	else if (strcmp(state, "down") == 0 || strcmp(state, "stop") == 0 ||
		 strcmp(state, "flush") == 0)
		out->up = false;
	else
		return -EBADMSG;
	out->established = strstr(text, "Established") != NULL;
	return 0;
}

int bird_origin_parse(char protocol[BIRD_NAME_MAX], const char *text)
{
	const char *open = strchr(text, '[');
	size_t n;

	/* Details stand behind a tab; "Table master4:" has no bracket. */
	if (text[0] == '\t' || !open)
		return -ENOENT;
	n = strcspn(open + 1, " ]");
	if (n == 0 || n >= BIRD_NAME_MAX)
		return -EBADMSG;
	memcpy(protocol, open + 1, n);
	protocol[n] = '\0';
	return 0;
}

int bird_route_parse(
	char protocol[BIRD_NAME_MAX], const char *text, const struct bird_prefix *prefix)
{
	char word[BIRD_PREFIX_TEXT];
	struct bird_prefix seen;
	int r;

	if (text[0] == ' ' || text[0] == '\t' || !next_word(&text, word, sizeof word))
		return -ENOENT;
	if (bird_prefix_parse(&seen, word) < 0 || !bird_prefix_equal(&seen, prefix))
		return -ENOENT;
	r = bird_origin_parse(protocol, text);
	return r == -ENOENT ? -EBADMSG : r;
}

int bird_version_parse(char version[32], const char *text)
{
	size_t n;

	if (strncmp(text, "BIRD ", 5) != 0)
		return -EBADMSG;
	n = strcspn(text + 5, " ");
	if (n == 0 || n >= 32)
		return -EBADMSG;
	memcpy(version, text + 5, n);
	version[n] = '\0';
	return 0;
}

int bird_date_parse(const char *text, bool *reboot, int64_t *ms)
{
	static const char boot[] = "Last reboot on ";
	static const char configured[] = "Last reconfiguration on ";
	int year, month, day, hour, minute, second, milli = 0;
	struct tm tm = {0};

	*reboot = strncmp(text, boot, sizeof boot - 1) == 0;
	if (*reboot)
		text += sizeof boot - 1;
	else if (strncmp(text, configured, sizeof configured - 1) == 0)
		text += sizeof configured - 1;
	else
		return 0;
	if (sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d.%3d", &year, &month, &day, &hour, &minute,
		    &second, &milli) < 6)
		return 0;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	tm.tm_hour = hour;
	tm.tm_min = minute;
	tm.tm_sec = second;
	*ms = (int64_t)timegm(&tm) * 1000 + milli;
	return 1;
}
