/* fuzz_stream.c - bytes that come in pieces, read by marks and by counts, on a stream in the
 * simulated world.
 *
 * The input says what is read, then what comes: the pieces, and where between them time passes.
 * What each read returns is compared with a model that has all the bytes before it: a read may
 * only find what has been sent, in its order, and each error leaves all to the next read.
 */
#include "base/check.h"
#include "base/cleanup.h"
#include "tests/unit/io/harbour.h"

#define DEEDS    8
#define PIECES   16
#define BUFFER   256 /* of the stream */
#define HEAD     (2 + 2 * DEEDS + PIECES)
#define PLENTY   8192 /* less than a socket holds */
#define LIMIT_NS TROUPE_MS_NS

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
	struct harbour harbour;
	char mark[4];
	const uint8_t *deeds; /* two bytes each, in turns */
	const uint8_t *bytes; /* all that comes */
	size_t size, sent, taken;
	bool is_cut; /* no more is sent */
	bool has_ended;
};

static struct reading *reading_of(struct troupe_self *self)
{
	return container_of(harbour_of(self), struct reading, harbour);
}

/* What a read has given is what comes next. */
static void take(struct reading *reading, const char *text, size_t size)
{
	check(size <= reading->sent - reading->taken);
	check(memcmp(text, reading->bytes + reading->taken, size) == 0);
	reading->taken += size;
}

/* Up to and with the first mark in what is left; 0: it has none. */
static size_t to_mark(const struct reading *reading, size_t end)
{
	const size_t mark_size = strlen(reading->mark);

	for (size_t at = reading->taken; at + mark_size <= end; at++)
		if (memcmp(reading->bytes + at, reading->mark, mark_size) == 0)
			return at + mark_size - reading->taken;
	return 0;
}

static ssize_t read_line(struct troupe_self *self, struct reading *reading, size_t most)
{
	const char *text;
	ssize_t n =
		troupe_read_until(self, reading->harbour.stream, reading->mark, most, &text);
	const size_t left = reading->sent - reading->taken;
	const size_t expected = to_mark(reading, reading->sent);
	const bool fits = expected > 0 && expected <= most;

	if (n > 0) {
		check(fits && (size_t)n == expected);
		take(reading, text, (size_t)n);
	} else if (n == -EMSGSIZE) {
		check(!fits && left >= most);
	} else if (n == -ENODATA) {
		check(!fits && reading->is_cut && left > 0 && left < most);
	} else if (n == 0) {
		check(reading->is_cut && left == 0);
	} else {
		/* What is there wins: it was not. */
		check(n == -ETIMEDOUT || n == -ETIME);
	}
	return n;
}

static ssize_t read_some(struct troupe_self *self, struct reading *reading, size_t size)
{
	char bytes[256];
	ssize_t n = troupe_read(self, reading->harbour.stream, bytes, size);

	if (n > 0) {
		check((size_t)n <= size);
		take(reading, bytes, (size_t)n);
	} else if (n == 0) {
		check(reading->is_cut && reading->taken == reading->sent);
	} else {
		check(n == -ETIMEDOUT || n == -ETIME);
	}
	return n;
}

static ssize_t read_in_time(struct troupe_self *self, struct reading *reading, size_t most)
{
	TROUPE_SCOPE(scope, self, LIMIT_NS);
	return read_line(self, reading, most);
}

static ssize_t do_deed(struct troupe_self *self, struct reading *reading, const uint8_t *deed)
{
	const size_t most = 1 + deed[1];
	ssize_t n;

	if (deed[0] % 5 == 0)
		return read_some(self, reading, 1 + deed[1]);
	if (deed[0] % 5 == 1)
		check(troupe_limit(self, reading->harbour.stream, deed[1] & 1 ? LIMIT_NS : 0,
				   BUFFER) == 0);
	n = deed[0] % 5 == 2 ? read_in_time(self, reading, most)
			     : read_line(self, reading, most);
	/* Or nothing would ever be another. */
	return n == -EMSGSIZE || n == -ENODATA ? read_some(self, reading, 1 + deed[0] / 8) : n;
}

static int reads(struct troupe_self *self, struct harbour *harbour)
{
	struct reading *reading = reading_of(self);
	ssize_t n;

	(void)harbour;
	for (unsigned i = 0;; i++) {
		n = do_deed(self, reading, reading->deeds + 2 * (i % DEEDS));
		if (n == 0)
			break;
	}
	check(reading->taken == reading->size);
	reading->has_ended = true;
	return 0;
}

/* A piece at a time; its length, and whether time passes behind it, as the head says. */
static void send_all(struct reading *reading, const uint8_t *pieces)
{
	for (unsigned i = 0; reading->sent < reading->size; i++) {
		const uint8_t piece = pieces[i % PIECES];
		const size_t left = reading->size - reading->sent;
		size_t n = 1 + (size_t)(piece >> 2) * (i < 4 * PIECES ? 1 : 64);

		n = n < left ? n : left;
		check(send(reading->harbour.there, reading->bytes + reading->sent, n,
			   MSG_NOSIGNAL) == (ssize_t)n);
		reading->sent += n;
		if (piece & 1)
			world_sleep(&reading->harbour.world, piece & 2 ? 2 * LIMIT_NS : 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const marks[] = {"\n", "\r\n", "aab", "aa"};
	static struct reading reading;

	if (size < HEAD || size > HEAD + PLENTY)
		return 0;
	memset(&reading, 0, sizeof(reading));
	strcpy(reading.mark, marks[data[0] % ARRAY_LEN(marks)]);
	reading.deeds = data + 2;
	reading.bytes = data + HEAD;
	reading.size = size - HEAD;
	harbour_play(&reading.harbour, reads);
	send_all(&reading, data + 2 + 2 * DEEDS);
	reading.is_cut = true;
	if (data[1] & 1)
		check(shutdown(reading.harbour.there, SHUT_WR) == 0);
	else
		close(reading.harbour.there), reading.harbour.there = -1;
	world_sleep(&reading.harbour.world, TROUPE_SECOND_NS);
	check(reading.has_ended);
	harbour_finish(&reading.harbour);
	return 0;
}
