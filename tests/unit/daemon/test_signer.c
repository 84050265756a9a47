/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signed questions of the health flow: only the key's holder is believed, and without a secret
 * nothing is asked. The server's side is libknot's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libknot/libknot.h>

#include <cmocka.h>

#include "control/health/question.h"
#include "control/signer.h"

#define SECRET "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="

struct fixture {
	char folder[40], path[64];
	struct config *config;
	struct signers *signers;
	const struct query_signer *signer;
};

static void secret(struct fixture *f, const char *text)
{
	FILE *file = fopen(f->path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct config_error error;
	char text[400];

	strcpy(f->folder, "/tmp/anode-signer-XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->path, sizeof f->path, "%s/key", f->folder);
	snprintf(text, sizeof text,
		"version: 1\nservice: {addresses: [192.0.2.53]}\ninterfaces: [{name: eth0}]\n"
		"keys: [{name: fleet, secret_file: %s}]\nzones: [{name: example.com}]\n",
		f->path);
	if (config_parse(text, strlen(text), &f->config, &error) < 0 ||
		signers_new(&f->signers, f->config) < 0)
		return -1;
	f->signer = signers_find(f->signers, &f->config->keys[0].name);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	signers_free(f->signers);
	config_free(f->config);
	unlink(f->path);
	rmdir(f->folder);
	free(f);
	return 0;
}

struct exchange {
	uint8_t query[1024], reply[1024];
	size_t query_len, reply_len;
	void *session;
};

static int ask(struct fixture *f, struct exchange *e)
{
	struct question_wire question;

	memset(e, 0, sizeof *e);
	assert_int_equal(question_build(&question, "example.com", 6), 0);
	memcpy(e->query, question.bytes, question.len);
	e->query_len = question.len;
	return f->signer->sign(
		f->signer->arg, e->query, &e->query_len, sizeof e->query, &e->session);
}

/* The reply of somebody who holds that secret, or of one who holds none. */
static void answer(struct exchange *e, const char *with)
{
	uint8_t copy[1024], digest[64];
	size_t digest_len = sizeof digest;
	knot_pkt_t *packet;
	knot_tsig_key_t key;

	memcpy(copy, e->query, e->query_len);
	packet = knot_pkt_new(copy, (uint16_t)e->query_len, NULL);
	assert_int_equal(knot_pkt_parse(packet, 0), KNOT_EOK);
	assert_non_null(packet->tsig_rr);
	e->reply_len = knot_pkt_question_size(packet) + KNOT_WIRE_HEADER_SIZE;
	memcpy(e->reply, e->query, e->reply_len);
	knot_wire_set_qr(e->reply);
	knot_wire_set_arcount(e->reply, 0);
	if (with) {
		assert_int_equal(knot_tsig_key_init(&key, "hmac-sha256", "fleet", with), KNOT_EOK);
		assert_int_equal(knot_tsig_sign(e->reply, &e->reply_len, sizeof e->reply,
					 knot_tsig_rdata_mac(packet->tsig_rr),
					 knot_tsig_rdata_mac_length(packet->tsig_rr), digest,
					 &digest_len, &key, 0, 0),
			KNOT_EOK);
		knot_tsig_key_deinit(&key);
	}
	knot_pkt_free(packet);
}

static bool believed(struct fixture *f, const char *with)
{
	struct exchange e;
	bool is;

	assert_int_equal(ask(f, &e), 0);
	answer(&e, with);
	is = f->signer->verify(e.session, e.reply, e.reply_len);
	f->signer->end(e.session);
	return is;
}

static void only_the_keys_holder_is_believed(void **state)
{
	struct fixture *f = *state;

	secret(f, SECRET);
	assert_true(believed(f, SECRET));
	assert_false(believed(f, NULL));
	assert_false(believed(f, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY="));
}

static void a_changed_reply_is_not_believed(void **state)
{
	struct fixture *f = *state;
	struct exchange e;

	secret(f, SECRET);
	assert_int_equal(ask(f, &e), 0);
	answer(&e, SECRET);
	e.reply[3] ^= 5; /* REFUSED */
	assert_false(f->signer->verify(e.session, e.reply, e.reply_len));
	f->signer->end(e.session);
}

static void without_a_secret_nothing_is_asked(void **state)
{
	struct fixture *f = *state;
	struct exchange e;

	assert_int_equal(ask(f, &e), -ENOENT);
	secret(f, SECRET);
	assert_int_equal(ask(f, &e), 0);
	f->signer->end(e.session);
}

static void an_empty_name_is_unsigned(void **state)
{
	struct fixture *f = *state;
	struct domain none = {0};

	assert_null(signers_find(f->signers, &none));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_the_keys_holder_is_believed),
		TEST(a_changed_reply_is_not_believed),
		TEST(without_a_secret_nothing_is_asked),
		TEST(an_empty_name_is_unsigned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
