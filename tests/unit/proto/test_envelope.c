/* Batches of envelopes: written, read, and refused when a byte of them is not as it must be. */

#include "proto/envelope.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

#define HERE                                                                                   \
	{                                                                                      \
		0, 3, 17, 3, 4                                                                 \
	}
#define THERE                                                                                  \
	{                                                                                      \
		8, 2, 1, 70000, 9                                                              \
	}

#define ELSEWHERE                                                                              \
	{                                                                                      \
		6, 5, 4, 3, 2                                                                  \
	}

/* One valid envelope of each kind, and the text that is its payload. */
static const struct {
	struct envelope envelope;
	const char *payload;
} samples[] = {
	{{.kind = ENVELOPE_SEND, .from = HERE, .to = THERE, .hash = 5}, "block"},
	{{.kind = ENVELOPE_CALL,
	  .flags = ENVELOPE_MORE,
	  .from = HERE,
	  .to = THERE,
	  .hash = 6,
	  .call = 7,
	  .deadline_ns = 8},
	 "sixteen bytes..."},
	{{.kind = ENVELOPE_REPLY,
	  .flags = ENVELOPE_CONTINUES,
	  .from = HERE,
	  .to = THERE,
	  .hash = 9,
	  .call = 7},
	 "r"},
	{{.kind = ENVELOPE_ERROR, .from = HERE, .to = THERE, .hash = 10, .call = 7}, ""},
	{{.kind = ENVELOPE_FAILURE,
	  .from = HERE,
	  .to = THERE,
	  .status = TROUPE_TIMEOUT,
	  .call = 7},
	 "\373\377\377\377too late"}, /* -5 before it */
	{{.kind = ENVELOPE_CANCEL, .from = HERE, .to = THERE, .call = UINT64_MAX}, ""},
	{{.kind = ENVELOPE_ROOM, .from = HERE, .credit = 1000}, ""},
	{{.kind = ENVELOPE_ROOM, .from = {0, 3, 17, 0, 0}, .credit = 0}, ""},
	{{.kind = ENVELOPE_CALL,
	  .flags = ENVELOPE_MORE | ENVELOPE_FORWARDED,
	  .from = ELSEWHERE,
	  .to = THERE,
	  .hash = 6,
	  .call = 7,
	  .deadline_ns = 8,
	  .unread = 600,
	  .unread_bytes = 70000},
	 "more"},
	{{.kind = ENVELOPE_SEND,
	  .flags = ENVELOPE_FORWARDED,
	  .from = ELSEWHERE,
	  .to = THERE,
	  .hash = 5},
	 "forwarded"},
	{{.kind = ENVELOPE_MOVED, .from = HERE, .to = THERE, .call = 7},
	 "four and twenty bytes..."},
	{{.kind = ENVELOPE_TAKEN, .from = HERE, .to = THERE, .call = 7}, "count+sz"},
	{{.kind = ENVELOPE_END}, ""},
	{{.kind = ENVELOPE_ENDED}, ""},
	{{.kind = ENVELOPE_OFFER}, ""},
	{{.kind = ENVELOPE_ACCEPT}, ""},
	{{.kind = ENVELOPE_RETURN}, "8 bytes."},
	{{.kind = ENVELOPE_SEND,
	  .flags = ENVELOPE_LENT | ENVELOPE_FORWARDED,
	  .from = ELSEWHERE,
	  .to = THERE,
	  .hash = 5},
	 "piece+sz"},
	{{.kind = ENVELOPE_REPLY,
	  .flags = ENVELOPE_LENT,
	  .from = HERE,
	  .to = THERE,
	  .hash = 5,
	  .call = 7},
	 "piece+sz"},
};

#define FORWARDED_CALL 8
#define RETURN         16
#define LENT_SEND      17

static void init_batch(struct envelope_batch *batch)
{
	envelope_batch_init(batch, 64u << 10, process_of((struct troupe_address)HERE),
			    process_of((struct troupe_address)THERE), 100);
}

static int add(struct envelope_batch *batch, const struct envelope *sample, const char *payload)
{
	struct envelope envelope = *sample;
	void *place;
	int r;

	envelope.size = strlen(payload);
	r = envelope_batch_add(batch, &envelope, &place);
	if (r == 0)
		memcpy(place, payload, envelope.size);
	return r;
}

/* A batch of all samples and a layout; given. */
static unsigned char *make_batch(size_t *ret_size)
{
	struct envelope_layout layout = {'>', "io.troupe.hello.Greet", "(text:string)"};
	struct envelope_batch batch;
	unsigned char *copy;
	const void *data;

	init_batch(&batch);
	for (size_t i = 0; i < LEN(samples); i++)
		assert_int_equal(add(&batch, &samples[i].envelope, samples[i].payload), 0);
	assert_int_equal(envelope_batch_add_layout(&batch, 77, &layout), 0);
	data = envelope_batch_data(&batch, ret_size);
	copy = malloc(*ret_size);
	assert_non_null(copy);
	memcpy(copy, data, *ret_size);
	envelope_batch_fini(&batch);
	return copy;
}

/* Read all of a batch: 0, or the error. */
static int read_all(const void *data, size_t size)
{
	struct envelope_reader reader;
	struct envelope envelope;
	int r = envelope_reader_init(&reader, data, size);

	while (r >= 0) {
		r = envelope_reader_next(&reader, &envelope);
		if (r == 0)
			return 0;
	}
	return r;
}

static int read_batch(struct envelope_batch *batch, size_t *ret_size)
{
	const void *data = envelope_batch_data(batch, ret_size);

	return read_all(data, *ret_size);
}

static void assert_same(const struct envelope *a, const struct envelope *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->status, b->status);
	assert_true(troupe_address_equal(a->from, b->from));
	assert_true(troupe_address_equal(a->to, b->to));
	assert_int_equal(a->hash, b->hash);
	assert_int_equal(a->call, b->call);
	assert_int_equal(a->credit, b->credit);
	assert_int_equal(a->deadline_ns, b->deadline_ns);
	if (a->kind == ENVELOPE_CALL)
		assert_int_equal(a->unread, b->unread);
	assert_int_equal(a->unread_bytes, b->unread_bytes);
}

static void batch_reads_back_as_written(void **state)
{
	struct envelope_reader reader;
	struct envelope_layout layout;
	struct envelope envelope;
	size_t size;
	unsigned char *data = make_batch(&size);

	(void)state;
	assert_int_equal(envelope_reader_init(&reader, data, size), 0);
	assert_true(process_equal(reader.from, (struct process){0, 3, 17}));
	assert_true(process_equal(reader.to, (struct process){8, 2, 1}));
	for (size_t i = 0; i < LEN(samples); i++) {
		assert_int_equal(reader.sequence, 100 + i);
		assert_int_equal(envelope_reader_next(&reader, &envelope), 1);
		assert_same(&envelope, &samples[i].envelope);
		assert_int_equal(envelope.size, strlen(samples[i].payload));
		assert_memory_equal(envelope.payload, samples[i].payload, envelope.size);
		assert_int_equal(
			((const unsigned char *)envelope.payload - data) % ENVELOPE_ALIGN, 0);
	}
	assert_int_equal(envelope_reader_next(&reader, &envelope), 1);
	assert_int_equal(envelope.kind, ENVELOPE_LAYOUT);
	assert_int_equal(envelope.hash, 77);
	envelope_get_layout(&envelope, &layout);
	assert_int_equal(layout.mark, '>');
	assert_string_equal(layout.name, "io.troupe.hello.Greet");
	assert_string_equal(layout.text, "(text:string)");
	assert_int_equal(envelope_reader_next(&reader, &envelope), 0);
	free(data);
}

static void batch_numbers_go_on_after_it_was_sent(void **state)
{
	struct envelope_batch batch;
	struct envelope_reader reader;
	const void *data;
	size_t size;

	(void)state;
	init_batch(&batch);
	for (uint64_t round = 0; round < 3; round++) {
		assert_int_equal(add(&batch, &samples[0].envelope, "x"), 0);
		assert_int_equal(add(&batch, &samples[0].envelope, "y"), 0);
		data = envelope_batch_data(&batch, &size);
		assert_int_equal(envelope_reader_init(&reader, data, size), 0);
		assert_int_equal(reader.sequence, 100 + 2 * round);
		assert_int_equal(size,
				 ENVELOPE_BATCH_HEAD + 2 * (ENVELOPE_HEAD + ENVELOPE_ALIGN));
		envelope_batch_sent(&batch);
	}
	envelope_batch_fini(&batch);
}

static void batch_is_full_at_its_limit(void **state)
{
	struct envelope_batch batch;
	size_t size, one = ENVELOPE_HEAD + ENVELOPE_ALIGN;

	(void)state;
	envelope_batch_init(&batch, ENVELOPE_BATCH_HEAD + 2 * one,
			    process_of((struct troupe_address)HERE),
			    process_of((struct troupe_address)THERE), 0);
	assert_int_equal(add(&batch, &samples[0].envelope, "x"), 0);
	assert_int_equal(add(&batch, &samples[0].envelope, "seventeen bytes.."), -ENOBUFS);
	assert_int_equal(add(&batch, &samples[0].envelope, "sixteen bytes..."), 0);
	assert_int_equal(add(&batch, &samples[0].envelope, ""), -ENOBUFS);
	assert_int_equal(read_batch(&batch, &size), 0);
	assert_int_equal(size, ENVELOPE_BATCH_HEAD + 2 * one);
	envelope_batch_fini(&batch);
}

static void batch_takes_one_payload_of_any_size_up_to_the_limit(void **state)
{
	struct envelope envelope = samples[0].envelope;
	struct envelope_batch batch;
	size_t size;
	void *place;

	(void)state;
	init_batch(&batch);
	envelope.size = ENVELOPE_PAYLOAD_MAX + 1;
	assert_int_equal(envelope_batch_add(&batch, &envelope, &place), -EMSGSIZE);
	envelope.size = ((size_t)1 << 32) + 1;
	assert_int_equal(envelope_batch_add(&batch, &envelope, &place), -EMSGSIZE);
	envelope.size = ENVELOPE_PAYLOAD_MAX;
	assert_int_equal(envelope_batch_add(&batch, &envelope, &place), 0);
	assert_int_equal(add(&batch, &samples[0].envelope, ""), -ENOBUFS);
	assert_int_equal(read_batch(&batch, &size), 0);
	assert_int_equal(size, ENVELOPE_BATCH_MAX - ENVELOPE_HEAD_MAX + ENVELOPE_HEAD);
	envelope_batch_sent(&batch);
	envelope = samples[FORWARDED_CALL].envelope;
	envelope.size = ENVELOPE_PAYLOAD_MAX;
	assert_int_equal(envelope_batch_add(&batch, &envelope, &place), 0);
	assert_int_equal(read_batch(&batch, &size), 0);
	assert_int_equal(size, ENVELOPE_BATCH_MAX);
	envelope_batch_fini(&batch);
}

static void add_refuses_fields_that_do_not_go_with_the_kind(void **state)
{
	struct envelope_batch batch;

	(void)state;
	init_batch(&batch);
	for (size_t i = 0; i < LEN(samples); i++) {
		const struct envelope *good = &samples[i].envelope;
		struct envelope bad[6] = {*good, *good, *good, *good, *good, *good};

		bad[0].flags = 0x80;
		bad[1].hash = !good->hash;
		bad[2].call = !good->call;
		bad[3].deadline_ns = !good->deadline_ns;
		bad[4].status = good->kind == ENVELOPE_FAILURE ? TROUPE_ERROR : TROUPE_TIMEOUT;
		bad[5].kind = 0;
		for (size_t k = 0; k < LEN(bad); k++)
			assert_int_equal(add(&batch, &bad[k], ""), -EINVAL);
	}
	assert_int_equal(add(&batch, &(struct envelope){.kind = ENVELOPE_KIND_COUNT}, ""),
			 -EINVAL);
	assert_int_equal(add(&batch, &samples[5].envelope, "cancel"), -EMSGSIZE);
	/* A reference is of one size. */
	assert_int_equal(add(&batch, &samples[LENT_SEND].envelope, ""), -EINVAL);
	assert_int_equal(add(&batch, &samples[LENT_SEND].envelope, "piece+siz"), -EINVAL);
	assert_int_equal(batch.count, 0);
	envelope_batch_fini(&batch);
}

static void add_refuses_addresses_of_other_processes(void **state)
{
	struct envelope_batch batch;

	(void)state;
	init_batch(&batch);
	for (size_t i = 0; i < LEN(samples); i++) {
		const struct envelope *good = &samples[i].envelope;
		struct envelope bad[6] = {*good, *good, *good, *good, *good, *good};
		/* Who has been forwarded comes from anywhere. */
		size_t first = good->flags & ENVELOPE_FORWARDED ? 3 : 0;

		bad[0].from.incarnation++;
		bad[1].from.worker++;
		bad[2].from.node++;
		bad[3].to.incarnation++;
		bad[4].to.worker++;
		bad[5].to.node++;
		for (size_t k = first; k < LEN(bad); k++)
			assert_int_equal(add(&batch, &bad[k], ""), -EINVAL);
	}
	assert_int_equal(batch.count, 0);
	envelope_batch_fini(&batch);
}

static void add_refuses_long_layouts_and_details(void **state)
{
	struct envelope envelope = samples[4].envelope;
	struct envelope_batch batch;
	char *name = calloc(1, ENVELOPE_NAME_MAX + 2), *text = calloc(1, LAYOUT_TEXT_MAX + 2);
	struct envelope_layout layout = {'(', name, text};
	size_t size;
	void *place;

	(void)state;
	assert_non_null(name);
	assert_non_null(text);
	init_batch(&batch);
	memset(name, 'n', ENVELOPE_NAME_MAX);
	memset(text, 't', LAYOUT_TEXT_MAX);
	assert_int_equal(envelope_batch_add_layout(&batch, 1, &layout), 0);
	assert_int_equal(read_batch(&batch, &size), 0);
	envelope_batch_sent(&batch);
	name[ENVELOPE_NAME_MAX] = 'n';
	assert_int_equal(envelope_batch_add_layout(&batch, 1, &layout), -EMSGSIZE);
	name[1] = '\0';
	text[LAYOUT_TEXT_MAX] = 't';
	assert_int_equal(envelope_batch_add_layout(&batch, 1, &layout), -EMSGSIZE);
	envelope.size = ENVELOPE_FAILURE_MIN + ENVELOPE_DETAIL_MAX + 1;
	assert_int_equal(envelope_batch_add(&batch, &envelope, &place), -EMSGSIZE);
	free(name);
	free(text);
	envelope_batch_fini(&batch);
}

static void reader_refuses_a_batch_cut_short_or_longer(void **state)
{
	size_t size;
	unsigned char *data = make_batch(&size);
	unsigned char *longer = calloc(1, size + 64);

	(void)state;
	assert_non_null(longer);
	assert_int_equal(read_all(data, size), 0);
	for (size_t i = 0; i < size; i++) {
		unsigned char *cut = malloc(i ? i : 1);
		uint32_t claimed = (uint32_t)i;

		assert_non_null(cut);
		memcpy(cut, data, i);
		assert_int_equal(read_all(cut, i), -EBADMSG);
		/* with a head that claims the shorter size */
		if (i >= 16)
			memcpy(cut + 12, &claimed, 4);
		assert_int_equal(read_all(cut, i), -EBADMSG);
		free(cut);
	}
	for (size_t more = 1; more <= 64; more++) {
		uint32_t claimed = (uint32_t)(size + more);

		memcpy(longer, data, size);
		memcpy(longer + 12, &claimed, 4);
		assert_int_equal(read_all(longer, size + more), -EBADMSG);
	}
	free(longer);
	free(data);
}

/* A byte that a reader does not look into: addresses, and what consumers check. */
static void reader_survives_any_byte_of_a_batch_changed(void **state)
{
	size_t size;
	unsigned char *data = make_batch(&size);

	(void)state;
	for (size_t i = 0; i < size; i++) {
		unsigned char was = data[i];

		for (unsigned value = 0; value < 256; value++) {
			data[i] = (unsigned char)value;
			(void)read_all(data, size);
		}
		data[i] = was;
	}
	free(data);
}

/* Bytes of an envelope. */
static size_t size_of(const struct envelope *envelope, const char *payload)
{
	bool has_call = envelope->call != 0 || envelope->kind == ENVELOPE_ROOM;

	return ENVELOPE_HEAD + (has_call ? 16 : 0) +
	       (envelope->flags & ENVELOPE_FORWARDED ? 16 : 0) +
	       (strlen(payload) + 15) / 16 * 16;
}

static void assert_spoilt(size_t at, unsigned char value)
{
	size_t size;
	unsigned char *data = make_batch(&size);

	assert_int_not_equal(data[at], value);
	data[at] = value;
	assert_int_equal(read_all(data, size), -EBADMSG);
	free(data);
}

static void reader_refuses_heads_out_of_their_range(void **state)
{
	size_t first = ENVELOPE_BATCH_HEAD;
	size_t layout = first;

	(void)state;
	assert_spoilt(0, 'X');
	assert_spoilt(4, 1);
	assert_spoilt(5, 1);
	assert_spoilt(8, 0);
	assert_spoilt(8, LEN(samples));
	assert_spoilt(8, LEN(samples) + 2);
	assert_spoilt(11, 0xff);
	for (size_t i = 40; i < ENVELOPE_BATCH_HEAD; i++)
		assert_spoilt(i, 1);
	assert_spoilt(first, 0);
	assert_spoilt(first, ENVELOPE_KIND_COUNT);
	assert_spoilt(first + 1, ENVELOPE_MORE);
	assert_spoilt(first + 2, TROUPE_TIMEOUT);
	assert_spoilt(first + 3, 1);
	assert_spoilt(first + 4, 100);
	assert_spoilt(first + 7, 0xff);
	assert_spoilt(first + 8, 0);
	assert_spoilt(first + ENVELOPE_HEAD + 5, 1); /* padding */
	for (size_t i = 0; i < LEN(samples); i++)
		layout += size_of(&samples[i].envelope, samples[i].payload);
	for (size_t i = 16; i < ENVELOPE_HEAD; i += 4)
		assert_spoilt(layout + i, 1);            /* a layout has no addresses */
	assert_spoilt(layout + ENVELOPE_HEAD, 'x');      /* mark */
	assert_spoilt(layout + ENVELOPE_HEAD + 1, 0);    /* no name */
	assert_spoilt(layout + ENVELOPE_HEAD + 3, ' ');  /* in the name */
	assert_spoilt(layout + ENVELOPE_HEAD + 3, 0);    /* a text with a NUL in it */
	assert_spoilt(layout + ENVELOPE_HEAD + 22, 'x'); /* the name's NUL */
	assert_spoilt(layout + ENVELOPE_HEAD + 25, 0x80);
	assert_spoilt(layout + 4, 35); /* the text without its NUL */
}

static size_t place_of_sample(size_t n)
{
	size_t at = ENVELOPE_BATCH_HEAD;

	for (size_t i = 0; i < n; i++)
		at += size_of(&samples[i].envelope, samples[i].payload);
	return at;
}

static void reader_refuses_references_of_another_size(void **state)
{
	(void)state;
	assert_int_equal(samples[RETURN].envelope.kind, ENVELOPE_RETURN);
	assert_spoilt(place_of_sample(RETURN) + 4, 0);
	assert_spoilt(place_of_sample(RETURN) + 4, 7);
	assert_spoilt(place_of_sample(RETURN) + 5, 0xff);
	assert_spoilt(place_of_sample(LENT_SEND) + 4, 7);
	assert_spoilt(place_of_sample(LENT_SEND) + 4, 9);
}

static void reader_refuses_parts_out_of_their_range(void **state)
{
	size_t at = ENVELOPE_BATCH_HEAD, call;

	(void)state;
	for (size_t i = 0; i < FORWARDED_CALL; i++)
		at += size_of(&samples[i].envelope, samples[i].payload);
	call = ENVELOPE_BATCH_HEAD + size_of(&samples[0].envelope, samples[0].payload);
	assert_spoilt(call + 32, 0);          /* the number of a call */
	assert_spoilt(call + 40, 0);          /* its deadline */
	assert_spoilt(at + 32, 0);            /* the same of a forwarded one */
	assert_spoilt(at + 1, ENVELOPE_MORE); /* other parts than flags tell of */
	call += size_of(&samples[1].envelope, samples[1].payload);
	assert_spoilt(call + 40, 1); /* a reply has no deadline */
}

static void *count_resize(void *context, void *memory, size_t size)
{
	++*(int *)context;
	return realloc(memory, size);
}

static void batch_is_taken_in_memory_of_another_kind(void **state)
{
	int resized = 0;
	const struct envelope_memory memory = {count_resize, free, &resized};
	struct envelope_reader reader;
	struct envelope_batch batch;
	size_t size;
	void *taken;

	(void)state;
	init_batch(&batch);
	envelope_batch_set_memory(&batch, &memory);
	for (uint64_t round = 0; round < 3; round++) {
		int before = resized;

		while (add(&batch, &samples[0].envelope, "x") == 0)
			;
		assert_in_range(resized - before, 1, round == 0 ? 3 : 1);
		taken = envelope_batch_take(&batch, &size);
		assert_int_equal(envelope_reader_init(&reader, taken, size), 0);
		assert_int_equal(reader.sequence,
				 100 + round * ((64u << 10) - ENVELOPE_BATCH_HEAD) / 48);
		assert_int_equal(read_all(taken, size), 0);
		free(taken);
		assert_int_equal(batch.count, 0);
	}
	assert_int_equal(add(&batch, &samples[0].envelope, "x"), 0);
	envelope_batch_fini(&batch);
}

static void quick_send_is_as_any_other(void **state)
{
	const struct envelope *send = &samples[0].envelope;
	struct envelope_batch one, other;
	const void *data, *other_data;
	size_t size, other_size;
	char *place;

	(void)state;
	init_batch(&one);
	init_batch(&other);
	/* Not the first; that one begins the batch. */
	assert_null(envelope_batch_add_send(&one, send, 5));
	assert_int_equal(add(&one, send, "first"), 0);
	assert_int_equal(add(&other, send, "first"), 0);
	for (size_t length = 0; length < 40; length++) {
		char text[41] = "";

		memset(text, 'a', length);
		place = envelope_batch_add_send(&one, send, length);
		if (!place) { /* no room as yet */
			assert_int_equal(add(&one, send, text), 0);
		} else {
			memcpy(place, text, length);
		}
		assert_int_equal(add(&other, send, text), 0);
	}
	data = envelope_batch_data(&one, &size);
	other_data = envelope_batch_data(&other, &other_size);
	assert_int_equal(size, other_size);
	assert_memory_equal(data, other_data, size);
	envelope_batch_fini(&one);
	envelope_batch_fini(&other);
}

static void quick_send_refuses_all_else(void **state)
{
	struct envelope_batch batch;

	(void)state;
	init_batch(&batch);
	while (batch.size < 1024)
		assert_int_equal(add(&batch, &samples[0].envelope, "x"), 0);
	for (size_t i = 0; i < LEN(samples); i++) {
		struct envelope bad[9];

		for (size_t k = 0; k < LEN(bad); k++)
			bad[k] = samples[i].envelope;
		bad[0].flags ^= ENVELOPE_FORWARDED;
		bad[1].hash = 0;
		bad[2].call = 1;
		bad[3].deadline_ns = 1;
		bad[4].status = TROUPE_TIMEOUT;
		bad[5].from.incarnation++;
		bad[6].to.worker++;
		bad[7].credit = 1;
		bad[8].kind = ENVELOPE_CALL;
		for (size_t k = i == 0 ? 0 : 8; k < LEN(bad); k++)
			assert_null(envelope_batch_add_send(&batch, &bad[k], 1));
		if (i > 0)
			assert_null(envelope_batch_add_send(&batch, &samples[i].envelope, 1));
	}
	assert_null(envelope_batch_add_send(&batch, &samples[0].envelope,
					    ENVELOPE_PAYLOAD_MAX + 1));
	assert_null(envelope_batch_add_send(&batch, &samples[0].envelope, 64u << 10));
	assert_non_null(envelope_batch_add_send(&batch, &samples[0].envelope, 1));
	envelope_batch_fini(&batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batch_reads_back_as_written),
		cmocka_unit_test(batch_numbers_go_on_after_it_was_sent),
		cmocka_unit_test(batch_is_full_at_its_limit),
		cmocka_unit_test(batch_takes_one_payload_of_any_size_up_to_the_limit),
		cmocka_unit_test(add_refuses_fields_that_do_not_go_with_the_kind),
		cmocka_unit_test(add_refuses_addresses_of_other_processes),
		cmocka_unit_test(add_refuses_long_layouts_and_details),
		cmocka_unit_test(reader_refuses_a_batch_cut_short_or_longer),
		cmocka_unit_test(reader_survives_any_byte_of_a_batch_changed),
		cmocka_unit_test(reader_refuses_heads_out_of_their_range),
		cmocka_unit_test(reader_refuses_parts_out_of_their_range),
		cmocka_unit_test(reader_refuses_references_of_another_size),
		cmocka_unit_test(batch_is_taken_in_memory_of_another_kind),
		cmocka_unit_test(quick_send_is_as_any_other),
		cmocka_unit_test(quick_send_refuses_all_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
