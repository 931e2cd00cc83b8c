/* Calls by name, and answers to them, as another process may make them up. */
#include "base/cleanup.h"
#include "base/limits.h"
#include "core/call.h"
#include "core/inside.h"
#include "core/kept.h"
#include "naming.h"
#include "proto/text_call.h"
#include <errno.h>

static void deliver_text(struct naming *naming, const void *bytes, size_t size, uint64_t alias)
{
	static _Alignas(16) unsigned char payload[8192];

	memcpy(payload, bytes, size);
	runtime_deliver(naming->worlds[2].runtime, naming->worlds[1].process,
			&(struct envelope){.kind = ENVELOPE_CALL,
					   .flags = ENVELOPE_TEXT,
					   .from = naming->worlds[1].actors[1],
					   .to = naming->worlds[2].actors[2],
					   .call = alias,
					   .deadline_ns = UINT64_MAX,
					   .payload = payload,
					   .size = size});
}

static size_t encode_text(const struct text_call *text, unsigned char *bytes)
{
	size_t size;

	assert_int_equal(codec_size(&text_call_type, text, &size, NULL), 0);
	codec_encode(&text_call_type, text, bytes, size);
	return size;
}

/* Whatever the payload is: the call is run, or refused, and nothing is left. */
static void payload_that_is_no_call_is_refused(void **state)
{
	static const struct text_call texts[] = {
		{"test.puppet.Num", {"{\"n\":5}", 7}},
		{"test.puppet.Num", {"{\"n\":5", 6}},
		{"test.puppet.Num", {"\xff\xfe", 2}},
		{"test.puppet.Num", {"{\"n\":5}\0", 8}},
		{"test.puppet.Num", {"[]", 2}},
		{"test.puppet.Num", {NULL, 0}},
		{"", {"{}", 2}},
		{".", {"{}", 2}},
		{"Num", {"{}", 2}},
		{"test.puppet.", {"{}", 2}},
		{"test.puppet.Num.Num", {"{}", 2}},
	};
	static _Alignas(16) unsigned char bytes[4096];
	struct random random;
	struct naming naming;
	char name[600];
	size_t size;

	(void)state;
	naming_begin(&naming, true, NULL);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		memset(bytes, 0, sizeof(bytes));
		size = encode_text(&texts[i], bytes);
		deliver_text(&naming, bytes, size, 1000 + i);
	}
	net_run(&naming.net);
	assert_log(&naming.worlds[2], "2:num 5; ");
	memset(name, 'A', sizeof(name));
	memcpy(name, "test.a.", 7);
	name[sizeof(name) - 1] = '\0';
	size = encode_text(&(struct text_call){name, {"{}", 2}}, bytes);
	deliver_text(&naming, bytes, size, 2000);
	/* Every length, and every byte changed. */
	memset(bytes, 0, sizeof(bytes));
	size = encode_text(&texts[0], bytes);
	for (size_t cut = 0; cut < size; cut++)
		deliver_text(&naming, bytes, cut, 3000 + cut);
	random_init(&random, 5);
	for (size_t i = 0; i < 20000; i++) {
		size_t at = random_below(&random, size);
		unsigned char was = bytes[at];

		bytes[at] ^= (unsigned char)(1u << random_below(&random, 8));
		deliver_text(&naming, bytes, size, 10000 + i);
		bytes[at] = was;
		if (i % 64 == 0) {
			net_run(&naming.net);
			world_log(&naming.worlds[2]);
		}
	}
	net_run(&naming.net);
	assert_int_equal(naming.worlds[2].runtime->kept_calls.count, 0);
	net_finish(&naming.net);
}

static void deliver_answer(struct naming *naming, struct envelope naming_answer)
{
	struct runtime *runtime = naming->worlds[1].runtime;

	naming_answer.from = naming->worlds[2].actors[2];
	naming_answer.to = naming->worlds[1].actors[1];
	naming_answer.call = call_alias(runtime, call_find(runtime, naming->request.id));
	runtime_deliver(runtime, naming->worlds[2].process, &naming_answer);
}

/* Of a type that was never described, or not of the type that was. */
static void answer_that_is_no_value_is_invalid(void **state)
{
	static const _Alignas(16) char bytes[16] = "no offset";
	const struct envelope naming_answers[] = {
		{.kind = ENVELOPE_REPLY, .hash = 0x999, .payload = bytes, .size = 8},
		{.kind = ENVELOPE_REPLY,
		 .hash = text_method.out_hash,
		 .payload = bytes,
		 .size = 8},
		{.kind = ENVELOPE_REPLY,
		 .hash = num_method.out_hash,
		 .payload = bytes,
		 .size = 7},
		{.kind = ENVELOPE_REPLY, .hash = num_method.out_hash},
		{.kind = ENVELOPE_ERROR, .hash = 0x999, .payload = bytes, .size = 8},
		{.kind = ENVELOPE_ERROR, .hash = bad_error.hash, .payload = bytes, .size = 16},
		{.kind = ENVELOPE_REPLY,
		 .flags = ENVELOPE_CONTINUES,
		 .hash = 0x999,
		 .payload = bytes,
		 .size = 8},
	};
	struct naming naming;

	(void)state;
	naming_begin(&naming, true, naming_keeps);
	naming.flags = TROUPE_MORE;
	for (size_t i = 0; i < ARRAY_LEN(naming_answers); i++) {
		assert_int_equal(naming_say(&naming, "test.puppet.Num", "{\"n\":1}", 5), 0);
		deliver_answer(&naming, naming_answers[i]);
		net_run(&naming.net);
		assert_non_null(strstr(world_log(&naming.worlds[1]), "1:said5 invalid"));
		assert_int_equal(naming.worlds[1].runtime->calls.count, 0);
	}
	net_finish(&naming.net);
}

static void text_of_too_many_values_is_refused_at_once(void **state)
{
	enum { VALUES = 1000001 };
	cleanup_free char *text = malloc(2 * VALUES + 32);
	struct naming naming;
	size_t at;

	(void)state;
	assert_non_null(text);
	at = (size_t)sprintf(text, "{\"n\":[0");
	for (int i = 1; i < VALUES; i++, at += 2)
		memcpy(text + at, ",0", 2);
	strcpy(text + at, "]}");
	naming_begin(&naming, false, NULL);
	assert_int_equal(naming_say(&naming, "test.puppet.Num", text, 5), -E2BIG);
	net_finish(&naming.net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payload_that_is_no_call_is_refused),
		cmocka_unit_test(answer_that_is_no_value_is_invalid),
		cmocka_unit_test(text_of_too_many_values_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
