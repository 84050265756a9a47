/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes the control protocol with a request's line.
 *
 * It becomes a request whose parts are what request.h says, or a response that says why not: one
 * line of JSON, whatever the line was.
 */
#include "target.h"

#include "control/ctl/render.h"
#include "control/ctl/request.h"

#include <stdlib.h>
#include <string.h>

static void must_be_a_request(const struct ctl_request *request)
{
	FUZZ_MUST(request->command < CTL_COMMAND_COUNT);
	FUZZ_MUST(ctl_command_name(request->command));
	FUZZ_MUST(memchr(request->zone, 0, sizeof(request->zone)));
	FUZZ_MUST(memchr(request->after, 0, sizeof(request->after)));
	FUZZ_MUST(memchr(request->reason, 0, sizeof(request->reason)));
	FUZZ_MUST(request->family == AF_UNSPEC || request->family == AF_INET ||
		  request->family == AF_INET6);
	if (request->has_prefix)
		FUZZ_MUST(request->prefix.length <=
			  (request->prefix.address.family == AF_INET ? 32 : 128));
}

static void must_be_explained(enum ctl_error error, const char *message)
{
	char *response = ctl_response_error(error, message);
	json_t *object;

	FUZZ_MUST(*message && ctl_error_name(error));
	FUZZ_MUST(response && !strchr(response, '\n'));
	object = json_loads(response, 0, NULL);
	FUZZ_MUST(object && json_object_get(object, "error"));
	json_decref(object);
	free(response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *line = fuzz_exact(data, size);
	struct ctl_request request;
	char message[200];
	enum ctl_error error =
		ctl_request_parse((const char *)line, size, &request, message, sizeof(message));

	if (error == CTL_OK)
		must_be_a_request(&request);
	else
		must_be_explained(error, message);
	free(line);
	return 0;
}
