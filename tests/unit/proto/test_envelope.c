/* Batches of envelopes as they are written, and read back; the quick way for a send. */
#include "tests/unit/proto/envelope_samples.h"

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

/* A sample with this hash and more flags. */
static int add_with(struct envelope_batch *batch, size_t sample, uint64_t hash, uint8_t flags)
{
	struct envelope envelope = samples[sample].envelope;

	envelope.hash = hash;
	envelope.flags |= flags;
	return add(batch, &envelope, "");
}

static void add_refuses_fields_that_do_not_go_with_the_kind(void **state)
{
	struct envelope_batch batch;
	struct envelope wide;

	(void)state;
	init_batch(&batch);
	for (size_t i = 0; i < LEN(samples); i++) {
		const struct envelope *good = &samples[i].envelope;
		struct envelope bad[6] = {*good, *good, *good, *good, *good, *good};

		bad[0].flags = 0x80;
		bad[1].hash = !good->hash;
		bad[2].call = !good->call;
		bad[3].deadline_ns = !good->deadline_ns;
		if (good->kind == ENVELOPE_FAILURE)
			bad[4].status = TROUPE_ERROR;
		else if (good->flags & ENVELOPE_MORE)
			bad[4].window = ENVELOPE_WINDOW_MAX + 1;
		else /* a status, or the window of one who wants no stream */
			bad[4].status = TROUPE_TIMEOUT;
		bad[5].kind = 0;
		for (size_t k = 0; k < LEN(bad); k++)
			assert_int_equal(add(&batch, &bad[k], ""), -EINVAL);
	}
	assert_int_equal(add(&batch, &(struct envelope){.kind = ENVELOPE_KIND_COUNT}, ""),
			 -EINVAL);
	assert_int_equal(add(&batch, &samples[5].envelope, "cancel"), -EMSGSIZE);
	wide = samples[FORWARDED_CALL].envelope;
	wide.window = (1u << 16) + 1; /* cut off it would be one */
	assert_int_equal(add(&batch, &wide, ""), -EINVAL);
	/* Only calls go by name, and who forwards one knows more of it. */
	assert_int_equal(add_with(&batch, TEXT_CALL, 0, ENVELOPE_FORWARDED), -EINVAL);
	assert_int_equal(add_with(&batch, 0, 0, ENVELOPE_TEXT), -EINVAL);
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
		cmocka_unit_test(batch_is_taken_in_memory_of_another_kind),
		cmocka_unit_test(quick_send_is_as_any_other),
		cmocka_unit_test(quick_send_refuses_all_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
