/* SPDX-License-Identifier: GPL-3.0-or-later */
/* anodectl doctor: what is wrong with this node's routing and host. Needs no daemon. */
#include "control/peering/doctor.h"

#include <stdio.h>

#include "control/cli/cli.h"
#include "control/cli/table.h"

static json_t *remarks_json(const struct doctor *doctor, const char *file)
{
	json_t *list = json_array();

	for (size_t i = 0; i < doctor->count; i++) {
		const struct doctor_remark *remark = &doctor->remarks[i];

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:s, s:s}", "grade",
				doctor_grade_name(remark->grade), "name", remark->name, "where",
				remark->where, "what", remark->what, "cure", remark->cure));
	}
	return json_pack("{s:s, s:s, s:s, s:o}", "config", file, "bird", doctor->bird, "bird_conf",
		doctor->bird_conf, "remarks", list);
}

static void remarks_show(const struct cli *cli, const struct doctor *doctor)
{
	static const enum tone tones[] = {
		[DOCTOR_NOTE] = TONE_DIM, [DOCTOR_DOUBT] = TONE_WARN, [DOCTOR_FAULT] = TONE_BAD};

	/* The gravest first. */
	for (int grade = DOCTOR_FAULT; grade >= DOCTOR_NOTE; grade--) {
		for (size_t i = 0; i < doctor->count; i++) {
			const struct doctor_remark *remark = &doctor->remarks[i];

			if (remark->grade != (enum doctor_grade)grade)
				continue;
			tone_print(cli, tones[grade], doctor_grade_name(remark->grade));
			printf(" %s: %s: %s\n  do: %s\n", remark->name, remark->where, remark->what,
				remark->cure);
		}
	}
	if (doctor->bird[0])
		printf("BIRD %s, %s\n", doctor->bird, doctor->bird_conf);
	if (doctor->count == 0)
		puts("nothing found");
}

int cmd_doctor(struct cli *cli, int argc, char **argv)
{
	static const int exits[] = {[DOCTOR_NOTE] = EXIT_GOOD,
		[DOCTOR_DOUBT] = EXIT_DOUBTFUL,
		[DOCTOR_FAULT] = EXIT_DEGRADED};
	struct doctor_options options = {0};
	const struct cli_option own[] = {
		{"bird-conf", CLI_VALUE, &options.bird_conf, "BIRD's configuration file"}};
	struct config_error error;
	struct config *config;
	struct doctor doctor;
	const char *file;
	int operand, r = cli_parse(cli, argc, argv, own, 1, &operand);

	if (r != 0)
		return r - 1;
	if (operand != argc)
		return cli_usage(cli, "doctor takes no \"%s\"", argv[operand]);
	file = cli->config ? cli->config : CONFIG_DEFAULT_PATH;
	if (config_read(file, &config, &error) < 0) {
		config_error_print(&error, file, stderr);
		return EXIT_CONFIG;
	}
	options.config = config;
	options.timeout_us = cli->timeout_us;
	r = doctor_look(&doctor, &options) < 0 ? EXIT_FAILED : exits[doctor.worst];
	if (r == EXIT_FAILED) {
		cli_error(cli, "out of memory");
	} else if (cli->json && !cli->quiet) {
		json_t *json = remarks_json(&doctor, file);

		cli_json(json);
		json_decref(json);
	} else if (!cli->quiet) {
		remarks_show(cli, &doctor);
	}
	doctor_free(&doctor);
	config_free(config);
	return r;
}
