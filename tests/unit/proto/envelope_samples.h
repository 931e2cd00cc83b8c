/* envelope_samples.h - an envelope of each kind, batches of them, and what is the same. */
#ifndef TESTS_UNIT_PROTO_ENVELOPE_SAMPLES_H
#define TESTS_UNIT_PROTO_ENVELOPE_SAMPLES_H

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
	  .window = ENVELOPE_WINDOW_MAX,
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
	{{.kind = ENVELOPE_CALL,
	  .flags = ENVELOPE_MORE | ENVELOPE_TEXT,
	  .from = HERE,
	  .to = THERE,
	  .call = 7,
	  .deadline_ns = 8},
	 "by name"},
};

#define FORWARDED_CALL 8
#define RETURN         16
#define LENT_SEND      17
#define TEXT_CALL      19

static inline void init_batch(struct envelope_batch *batch)
{
	envelope_batch_init(batch, 64u << 10, process_of((struct troupe_address)HERE),
			    process_of((struct troupe_address)THERE), 100);
}

static inline int add(struct envelope_batch *batch, const struct envelope *sample,
		      const char *payload)
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
static inline unsigned char *make_batch(size_t *ret_size)
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
static inline int read_all(const void *data, size_t size)
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

static inline int read_batch(struct envelope_batch *batch, size_t *ret_size)
{
	const void *data = envelope_batch_data(batch, ret_size);

	return read_all(data, *ret_size);
}

static inline void assert_same(const struct envelope *a, const struct envelope *b)
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

#endif
