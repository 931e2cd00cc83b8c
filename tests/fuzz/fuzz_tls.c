/* fuzz_tls.c - who stands between two ends that speak TLS, or is one of them, in the simulated
 * world.
 *
 * The first byte says who is there; the others are deeds of two bytes and what they need: bytes
 * are carried, changed, lost, said twice, or said by the input itself, before, during and after
 * the agreement; an end is cut off, time passes. Whatever happens: each end reads what the
 * other one has written, in its order, or an error; the end only where the other one has said
 * it; an input alone is never agreed with; and nobody waits for ever.
 */
#include "base/check.h"
#include "base/cleanup.h"
#include "tests/unit/io/harbour.h"
#include <fcntl.h>
#include <troupe/tls.h>

#define INPUT_MAX 2000
#define LINES     3
#define SECOND    TROUPE_SECOND_NS

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[64];

/* One that speaks TLS. */
struct side {
	struct side *other;
	struct troupe_stream stream;
	int there;           /* the other end of it; -1: closed */
	int agreed;          /* what came of it */
	size_t wrote, heard; /* bytes of the text */
	bool has_finished;   /* has said its end */
	bool is_done;
};

struct duo {
	struct harbour harbour;
	struct side client, server;
	bool is_alone; /* the other side is the input */
};

static struct duo *duo_of(struct troupe_self *self)
{
	return container_of(harbour_of(self), struct duo, harbour);
}

/* ------------------------------------------------------------------ both ends */

static const char text[] = "one line\nand another one\nthe end\n";

static int load(struct troupe_self *self, bool is_server, struct troupe_tls *ret_tls)
{
	char authority[100], certificate[100], key[100];
	const struct troupe_tls_options options = {
		.table_size = sizeof(options),
		.ca_file = is_server ? NULL : authority,
		.certificate = is_server ? certificate : NULL,
		.key = is_server ? key : NULL,
	};

	snprintf(authority, sizeof(authority), "%s/ca.pem", directory);
	snprintf(certificate, sizeof(certificate), "%s/good.pem", directory);
	snprintf(key, sizeof(key), "%s/good.key", directory);
	return troupe_tls_load(self, &options, ret_tls);
}

static void write_text(struct troupe_self *self, struct side *side)
{
	const char *at = text, *end;
	int rc = 0;

	for (unsigned i = 0; i < LINES && rc == 0; i++, at = end) {
		end = strchr(at, '\n') + 1;
		/* by one that fails part of it may be on its way */
		side->wrote = (size_t)(end - text);
		rc = troupe_write(self, side->stream, at, (size_t)(end - at));
	}
	if (rc == 0) {
		side->has_finished = true;
		(void)troupe_finish(self, side->stream);
	}
}

static void read_text(struct troupe_self *self, struct side *side)
{
	const struct side *from = side->other;
	char bytes[8];
	ssize_t n;

	while ((n = troupe_read(self, side->stream, bytes, sizeof(bytes))) > 0) {
		check((size_t)n <= from->wrote - side->heard);
		check(memcmp(bytes, text + side->heard, (size_t)n) == 0);
		side->heard += (size_t)n;
	}
	if (n == 0)
		check(from->has_finished && side->heard == from->wrote);
	else
		check(n == -EPROTO || n == -ECONNRESET || n == -ETIME);
}

static int talk(struct troupe_self *self, struct side *side)
{
	if (side->agreed == 0) {
		(void)troupe_limit(self, side->stream, 20 * SECOND, 0);
		write_text(self, side);
		read_text(self, side);
	} else {
		check(troupe_read(self, side->stream, &(char){0}, 1) < 0);
	}
	troupe_close(self, side->stream);
	side->is_done = true;
	return 0;
}

static int starts(struct troupe_self *self, struct harbour *harbour)
{
	struct side *client = &duo_of(self)->client;
	struct troupe_tls tls;

	check(load(self, false, &tls) == 0);
	client->stream = harbour->stream;
	client->agreed = troupe_tls_start(self, client->stream, tls, "example.test");
	return talk(self, client);
}

static int accepts(struct troupe_self *self, struct harbour *harbour)
{
	struct side *server = &duo_of(self)->server;
	struct troupe_tls tls;

	check(load(self, true, &tls) == 0);
	if (duo_of(self)->is_alone)
		server->stream = harbour->stream;
	server->agreed = troupe_tls_accept(self, server->stream, tls);
	return talk(self, server);
}

static int accepts_too(struct troupe_self *self, struct harbour *harbour)
{
	struct duo *duo = duo_of(self);
	int ends[2];

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	check(troupe_adopt(self, ends[0], &duo->server.stream) == 0);
	duo->server.there = ends[1];
	return accepts(self, harbour);
}

/* ------------------------------------------------------------------ what is between them */

static void run(struct duo *duo)
{
	world_sleep(&duo->harbour.world, 0);
}

/* So much of what one side says, or all there is; 0: nothing. */
static size_t take(struct duo *duo, struct side *from, uint8_t *bytes, size_t most)
{
	ssize_t n;

	run(duo);
	n = from->there < 0 ? 0 : recv(from->there, bytes, most, MSG_DONTWAIT);
	return n > 0 ? (size_t)n : 0;
}

static void put(struct duo *duo, const struct side *to, const uint8_t *bytes, size_t size)
{
	/* what it has no room for, or no ear, is lost */
	if (to->there >= 0 && size > 0)
		(void)send(to->there, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	run(duo);
}

static void cut(struct duo *duo, struct side *side, bool is_half)
{
	if (side->there < 0)
		return;
	if (is_half) {
		(void)shutdown(side->there, SHUT_WR);
	} else {
		close(side->there);
		side->there = -1;
	}
	run(duo);
}

/* Returns how many bytes of the input beyond its own two it has used. */
static size_t do_deed(struct duo *duo, const uint8_t *deed, const uint8_t *more, size_t left)
{
	struct side *from = deed[0] & 1 ? &duo->server : &duo->client;
	struct side *to = duo->is_alone ? from : from->other;
	const size_t count = deed[1];
	uint8_t bytes[16384];
	size_t n, at;

	switch (deed[0] >> 1 & 7) {
	case 0: /* so many bytes */
		n = take(duo, from, bytes, count + 1);
		put(duo, to, bytes, n);
		return 0;
	case 1: /* one of them is another */
		n = take(duo, from, bytes, sizeof(bytes));
		at = n > 0 ? (count * n) >> 8 : 0;
		if (n > 0)
			bytes[at] ^= (uint8_t)(1u << (deed[0] >> 5));
		put(duo, to, bytes, n);
		return 0;
	case 2: /* lost */
		(void)take(duo, from, bytes, count + 1);
		return 0;
	case 3: /* of the input's own */
		n = count < left ? count : left;
		put(duo, to, more, n);
		return n;
	case 4:
		n = take(duo, from, bytes, sizeof(bytes));
		put(duo, to, bytes, n);
		put(duo, to, bytes, n < count ? n : count);
		return 0;
	case 5:
		if (count < 16)
			cut(duo, to, count & 1);
		return 0;
	case 6:
		world_sleep(&duo->harbour.world, count % 16 * SECOND);
		return 0;
	default: /* all there is */
		for (n = 1; n > 0;) {
			n = take(duo, from, bytes, sizeof(bytes));
			put(duo, to, bytes, n);
		}
		return 0;
	}
}

static void finish(struct duo *duo)
{
	/* Nobody is cut off: who is told nothing has a limit. */
	world_sleep(&duo->harbour.world, 200 * SECOND);
	check(duo->client.is_done && duo->server.is_done);
	if (duo->is_alone)
		check(duo->client.agreed != 0 && duo->server.agreed != 0);
	else if (duo->server.there >= 0)
		close(duo->server.there);
	duo->harbour.there = duo->is_alone ? duo->harbour.there : duo->client.there;
	harbour_finish(&duo->harbour);
}

static int lowest_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	check(fd >= 0);
	close(fd);
	return fd;
}

static void begin(struct duo *duo, unsigned who)
{
	struct side none = {.there = -1, .agreed = -1, .is_done = true};

	memset(duo, 0, sizeof(*duo));
	duo->is_alone = who < 2;
	duo->client = duo->server = (struct side){.there = -1};
	if (who == 0)
		duo->server = none;
	if (who == 1)
		duo->client = none;
	duo->client.other = &duo->server;
	duo->server.other = &duo->client;
	if (who == 0)
		harbour_play(&duo->harbour, starts);
	else if (who == 1)
		harbour_play(&duo->harbour, accepts);
	else
		harbour_play(&duo->harbour, starts, accepts_too);
	/* the input is at the other end of whoever is there */
	if (who != 1)
		duo->client.there = duo->harbour.there;
	else
		duo->server.there = duo->harbour.there;
	run(duo);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct duo duo;
	int lowest = lowest_fd();

	if (size < 3 || size > INPUT_MAX)
		return 0;
	begin(&duo, data[0] % 8);
	for (data++, size--; size >= 2;) {
		const size_t used = 2 + do_deed(&duo, data, data + 2, size - 2);

		data += used;
		size -= used;
	}
	if (duo.is_alone)
		duo.harbour.there = duo.client.there >= 0 ? duo.client.there : duo.server.there;
	finish(&duo);
	check(lowest_fd() == lowest);
	return 0;
}

/* ------------------------------------------------------------------ certificates */

static void remove_certificates(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -r %s", directory);
	if (system(command) != 0)
		perror(command);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char command[200];

	(void)argc;
	(void)argv;
	strcpy(directory, "/tmp/troupe-fuzz-tls-XXXXXX");
	check(mkdtemp(directory));
	atexit(remove_certificates);
	snprintf(command, sizeof(command), "tests/unit/io/certificates.sh %s > %s/log 2>&1",
		 directory, directory);
	check(system(command) == 0);
	return 0;
}
