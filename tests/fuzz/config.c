/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes the configuration with text.
 *
 * It is refused with a sentence and a place in the text, or taken; and what is taken can be shown
 * as JSON, which is YAML again and means the same.
 */
#include "target.h"

#include "control/config.h"
#include "control/config_show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* libfyaml 0.7 loses the buffer of some malformed scalars (in fy_token_get_text). By library: a
 * leak's stack is cut off there. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml.so";
}

static void must_mean_the_same(const struct config *config)
{
	json_t *shown = config_show(config), *differences;
	struct config_error error;
	struct config *again;
	const char *restart;
	char *text;

	FUZZ_MUST(shown);
	text = json_dumps(shown, JSON_INDENT(1));
	FUZZ_MUST(text);
	FUZZ_MUST(config_parse(text, strlen(text), &again, &error) == 0);
	differences = config_diff(config, again, &restart);
	FUZZ_MUST(differences && json_array_size(differences) == 0);
	json_decref(differences);
	json_decref(shown);
	config_free(again);
	free(text);
}

static void must_explain(const struct config_error *error, const char *text, size_t size)
{
	size_t lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n' || text[i] == '\r';
	FUZZ_MUST(*error->message && memchr(error->message, 0, sizeof(error->message)));
	FUZZ_MUST(memchr(error->source, 0, sizeof(error->source)));
	FUZZ_MUST(error->place.line <= lines + 1);
	FUZZ_MUST(error->place.column <= size + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char doubts[CONFIG_DOUBTS][CONFIG_DOUBT_TEXT], line[256];
	uint8_t *text = fuzz_exact(data, size);
	struct config_error error = {0};
	struct config *config;
	int result = config_parse((const char *)text, size, &config, &error);

	FUZZ_MUST(result == 0 || result == -EINVAL);
	if (result) {
		FUZZ_MUST(!config);
		must_explain(&error, (const char *)text, size);
		config_error_text(&error, "file", line, sizeof(line));
	} else {
		must_mean_the_same(config);
		FUZZ_MUST(config_doubts(config, doubts, CONFIG_DOUBTS) <= CONFIG_DOUBTS);
	}
	config_free(config);
	free(text);
	return 0;
}
