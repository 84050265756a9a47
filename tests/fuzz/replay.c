/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A fuzz target without a fuzzer: any compiler, a bounded time, the same inputs every time.
 *
 *     TARGET [--seconds N] FILE|DIRECTORY...
 *
 * Runs the target on each file, then for N seconds (2) on mutations of them. TAP. When the target
 * dies, the input that did it is printed in hexadecimal: `xxd -r -p` makes a file of it for the
 * corpus.
 */
#include "target.h"

#include <dirent.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX 5000u

/* Called by the sanitizers' runtime, if there is one, before it ends the process. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

struct input {
	uint8_t *octets;
	size_t size;
};

struct corpus {
	struct input *inputs;
	size_t count;
};

static struct {
	uint8_t octets[INPUT_MAX];
	size_t size;
} current;

static void current_print(void)
{
	static const char digits[] = "0123456789abcdef";
	static char line[2 * INPUT_MAX + 1];

	for (size_t i = 0; i < current.size; i++) {
		line[2 * i] = digits[current.octets[i] >> 4];
		line[2 * i + 1] = digits[current.octets[i] & 15];
	}
	line[2 * current.size] = '\n';
	if (write(STDERR_FILENO, line, 2 * current.size + 1) < 0)
		_exit(1);
}

static void death_signal(int signal_number)
{
	current_print();
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void current_run(void)
{
	LLVMFuzzerTestOneInput(current.octets, current.size);
}

static bool file_add(struct corpus *corpus, const char *path)
{
	struct input *inputs = realloc(corpus->inputs, (corpus->count + 1) * sizeof(*inputs));
	FILE *file = fopen(path, "r");
	uint8_t *octets = malloc(INPUT_MAX);
	bool ok = inputs && file && octets;

	if (inputs)
		corpus->inputs = inputs;
	if (ok)
		inputs[corpus->count++] = (struct input){octets, fread(octets, 1, INPUT_MAX, file)};
	else
		free(octets);
	if (file)
		fclose(file);
	return ok;
}

static bool path_add(struct corpus *corpus, const char *path)
{
	struct dirent **names = NULL;
	struct stat status;
	char inner[PATH_MAX];
	bool ok = true;
	int count;

	if (stat(path, &status))
		return false;
	if (!S_ISDIR(status.st_mode))
		return file_add(corpus, path);
	count = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.' && ok) {
			snprintf(inner, sizeof(inner), "%s/%s", path, names[i]->d_name);
			ok = file_add(corpus, inner);
		}
		free(names[i]);
	}
	free(names);
	return ok && count >= 0;
}

static uint32_t random_below(uint32_t limit)
{
	static uint64_t state = 0x9e3779b97f4a7c15ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) * limit >> 32);
}

/* One change of the current input: octets that fuzzers like, in place, in between, or away. */
static void current_mutate(const struct corpus *corpus)
{
	static const uint8_t liked[] = {0, 1, 2, 0x3f, 0x40, 0x41, 0x7f, 0x80, 0xc0, 0xff};
	uint32_t at = random_below((uint32_t)current.size + 1), n;
	const struct input *other = &corpus->inputs[random_below((uint32_t)corpus->count)];

	switch (current.size ? random_below(7) : 4) {
	case 0:
		current.octets[at % current.size] ^= (uint8_t)(1 << random_below(8));
		break;
	case 1:
		current.octets[at % current.size] = (uint8_t)random_below(256);
		break;
	case 2:
		current.octets[at % current.size] = liked[random_below(sizeof(liked))];
		break;
	case 3:
		current.octets[at % current.size] += (uint8_t)(random_below(9) - 4);
		break;
	case 4:
		n = 1 + random_below(8);
		if (current.size + n > INPUT_MAX)
			break;
		memmove(current.octets + at + n, current.octets + at, current.size - at);
		for (uint32_t i = 0; i < n; i++)
			current.octets[at + i] = (uint8_t)random_below(256);
		current.size += n;
		break;
	case 5:
		n = 1 + random_below(8);
		if (at + n > current.size)
			break;
		memmove(current.octets + at, current.octets + at + n, current.size - at - n);
		current.size -= n;
		break;
	case 6: /* the rest is another's */
		if (at >= other->size)
			break;
		memcpy(current.octets + at, other->octets + at, other->size - at);
		current.size = other->size;
		break;
	}
}

static double clock_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t mutations_run(const struct corpus *corpus, int seconds)
{
	double end = clock_seconds() + seconds;
	uint64_t count = 0;

	do {
		const struct input *seed = &corpus->inputs[random_below((uint32_t)corpus->count)];

		memcpy(current.octets, seed->octets, seed->size);
		current.size = seed->size;
		for (uint32_t n = 1 + random_below(6); n; n--)
			current_mutate(corpus);
		current_run();
		count++;
	} while (clock_seconds() < end);
	return count;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"seconds", required_argument, NULL, 's'}, {0}};
	struct corpus corpus = {0};
	int seconds = 2, option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 's')
			return 2;
		seconds = atoi(optarg);
	}
	for (int i = optind; i < argc; i++) {
		if (path_add(&corpus, argv[i]))
			continue;
		fprintf(stderr, "%s: can't be read\n", argv[i]);
		return 1;
	}
	if (!corpus.count) {
		fputs("Usage: TARGET [--seconds N] FILE|DIRECTORY...\n", stderr);
		return 2;
	}
	signal(SIGABRT, death_signal);
	signal(SIGSEGV, death_signal);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(current_print);
	for (size_t i = 0; i < corpus.count; i++) {
		memcpy(current.octets, corpus.inputs[i].octets, corpus.inputs[i].size);
		current.size = corpus.inputs[i].size;
		current_run();
	}
	printf("ok 1 - %zu inputs\n", corpus.count);
	printf("ok 2 - %llu mutations of them in %d s\n",
		(unsigned long long)mutations_run(&corpus, seconds), seconds);
	puts("1..2");
	for (size_t i = 0; i < corpus.count; i++)
		free(corpus.inputs[i].octets);
	free(corpus.inputs);
	return 0;
}
