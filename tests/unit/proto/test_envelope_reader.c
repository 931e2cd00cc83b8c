/* Batches from another process, which may hold anything. */
#include "tests/unit/proto/envelope_samples.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_refuses_a_batch_cut_short_or_longer),
		cmocka_unit_test(reader_survives_any_byte_of_a_batch_changed),
		cmocka_unit_test(reader_refuses_heads_out_of_their_range),
		cmocka_unit_test(reader_refuses_parts_out_of_their_range),
		cmocka_unit_test(reader_refuses_references_of_another_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
