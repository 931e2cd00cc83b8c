/* Hostile batches: what reads whole must, written again envelope by envelope, be the same
 * bytes. */

#include "base/check.h"
#include "proto/envelope_inside.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int read_and_write(struct envelope_reader *reader, struct envelope_batch *batch)
{
	struct envelope envelope;
	int r;

	while ((r = envelope_reader_next(reader, &envelope)) > 0) {
		struct envelope_layout layout;
		void *payload;

		check(((const unsigned char *)envelope.payload - reader->data) %
			      ENVELOPE_ALIGN ==
		      0);
		if (envelope.kind == ENVELOPE_LAYOUT) {
			envelope_get_layout(&envelope, &layout);
			check(envelope_batch_add_layout(batch, envelope.hash, &layout) == 0);
			continue;
		}
		check(envelope_batch_add(batch, &envelope, &payload) == 0);
		memcpy(payload, envelope.payload, envelope.size);
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char magic[8] = {'T', 'R', 'P', '1', ENVELOPE_VERSION};
	struct envelope_reader reader;
	struct envelope_batch batch;
	unsigned char *bytes = malloc(size ? size : 1);
	uint32_t total = (uint32_t)size;

	check(bytes != NULL);
	memcpy(bytes, data, size);
	/* What no chance finds is put right, so that what follows is reached; not always. */
	if (size >= ENVELOPE_BATCH_HEAD && bytes[0] & 1) {
		memcpy(bytes, magic, sizeof(magic));
		memcpy(bytes + 12, &total, sizeof(total));
		memset(bytes + 40, 0, 8);
	}
	if (envelope_reader_init(&reader, bytes, size) == 0) {
		const void *written;
		size_t written_size;

		envelope_batch_init(&batch, 1u << 20, reader.from, reader.to, reader.sequence);
		if (read_and_write(&reader, &batch) == 0) {
			written = envelope_batch_data(&batch, &written_size);
			check(written_size == size && memcmp(written, bytes, size) == 0);
		}
		envelope_batch_fini(&batch);
	}
	free(bytes);
	return 0;
}
